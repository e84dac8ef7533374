"""The Helm chart: linted and rendered by Helm's own library, its manifests held against Kubernetes' schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from config.loader import load
from tests.support.server import ROOT

CHART = str(ROOT / "deploy" / "helm" / "plenum")
KUBERNETES = "1.30"
VALUES: dict[str, Any] = {
    "existingSecret": "plenum",
    "redis": {"url": "redis://redis:6379/0"},
    "ingress": {"enabled": True, "tlsSecret": "tls"},
    "settings": {"PLENUM_ROOMS__MESSAGES_PER_MINUTE": 200},
}


def manifests(**values: Any) -> Iterator[dict[str, Any]]:
    with helm_python.Chart.load(CHART) as chart:
        rendered = chart.render(VALUES | values, name="meet", namespace="prod")
    for name, text in rendered.items():
        if name.endswith(".yaml"):
            yield from (document for document in yaml.safe_load_all(text) if document)


def test_helm_lints_it() -> None:
    report = helm_python.lint(CHART, VALUES, strict=True)
    assert report["total_charts_linted"] == 1 and not report["errors"]
    assert [m for m in report["messages"] if m["severity"] > 1] == []


@pytest.mark.parametrize("persistent", [True, False])
def test_kubernetes_would_take_what_it_renders(persistent: bool) -> None:
    found = list(manifests(persistence={"enabled": persistent, "size": "20Gi"}))
    for manifest in found:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    assert sorted(m["kind"] for m in found) == ["Ingress", "PodDisruptionBudget", "Service", "Service", "StatefulSet"]


def test_settings_are_such_as_plenum_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    (pod,) = (m["spec"]["template"]["spec"] for m in manifests() if m["kind"] == "StatefulSet")
    (container,) = pod["containers"]
    fields = {"POD_IP": "10.1.2.3", "NODE_IP": "192.0.2.7", "PLENUM_SHARDS__ID": "meet-plenum-0"}
    for entry in container["env"]:
        value = entry.get("value", fields.get(entry["name"], ""))
        for name, known in fields.items():
            value = value.replace(f"$({name})", known)
        monkeypatch.setenv(entry["name"], value)
    monkeypatch.setenv("PLENUM_AUTH__SECRET", "a-secret-of-more-than-thirty-two-bytes")
    settings = load(None).settings  # raises with all that is wrong
    assert settings.shards.internal_host == "10.1.2.3" and settings.media.announced_addresses == ["192.0.2.7"]
    assert settings.rooms.messages_per_minute == 200 and settings.http.port == 8080


def test_a_secret_is_needed() -> None:
    with pytest.raises(helm_python.HelmError, match="existingSecret"), helm_python.Chart.load(CHART) as chart:
        chart.validate_schema({"existingSecret": ""})


def test_a_monitor_for_prometheus_operator() -> None:
    (monitor,) = (m for m in manifests(serviceMonitor={"enabled": True}) if m["kind"] == "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["path"] == "/webrtc/metrics"
