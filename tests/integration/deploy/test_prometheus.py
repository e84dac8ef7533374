"""Prometheus itself with deploy/prometheus against a server that runs; the dashboard's queries are put to it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml
from websockets.asyncio.client import connect

from tests.support.ports import free_tcp_port
from tests.support.server import ROOT, PlenumServer

FOLDER = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "plenum.json"
OPERATIONS = ROOT / "docs" / "operations.md"
_METRIC = re.compile(r"\bplenum[_:][a-z0-9_:]+")


def rules() -> list[dict[str, Any]]:
    found = yaml.safe_load((FOLDER / "plenum.rules.yml").read_text())
    return [rule for group in found["groups"] for rule in group["rules"]]


def queries() -> Iterator[str]:
    """What the dashboard asks, its variables filled in as "All" does."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$instance", ".*")


def test_promtool_takes_the_files() -> None:
    for arguments in (("config", "prometheus.yml"), ("rules", "plenum.rules.yml")):
        done = subprocess.run(
            ["promtool", "check", arguments[0], str(FOLDER / arguments[1])], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_an_entry_in_the_operations_guide() -> None:
    text = OPERATIONS.read_text()
    for rule in rules():
        if "alert" in rule:
            assert f"\n#### {rule['alert']}\n" in text, f"{rule['alert']}: what is to be done?"
            assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["targets"], panel["title"]


async def test_prometheus_scrapes_a_server_by_these_files(tmp_path: Path) -> None:
    async with PlenumServer(tmp_path) as server:
        port = free_tcp_port()
        text = (FOLDER / "prometheus.yml").read_text()
        for old, new in (
            ("127.0.0.1:8080", f"127.0.0.1:{server.port}"),
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("refresh_interval: 15s", "refresh_interval: 1s"),
        ):
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "prometheus.yml").write_text(text)
        (tmp_path / "plenum.rules.yml").write_text((FOLDER / "plenum.rules.yml").read_text())
        with (tmp_path / "prometheus.log").open("wb") as log:
            prometheus = await asyncio.create_subprocess_exec(
                *("prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"),
                f"--web.listen-address=127.0.0.1:{port}",
                stdout=log,
                stderr=log,
            )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as http:
                async with connect(f"ws://127.0.0.1:{server.port}/webrtc/ws/demo?token={server.token('ada')}"):
                    await _until_up(http)
                    await _check_rules(http)
                    await _check_queries(http, server)
                    await _until(http, "sum(plenum_participants)", 1.0)
        finally:
            prometheus.terminate()
            await prometheus.wait()


async def _until_up(http: httpx.AsyncClient) -> None:
    for _ in range(300):
        try:
            active = (await http.get("/targets")).json()["data"]["activeTargets"]
        except (httpx.TransportError, ValueError):
            active = []
        if [target["health"] for target in active] == ["up"]:
            (target,) = active
            assert target["labels"]["instance"] == target["labels"]["shard"], "shards are told apart by their names"
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the target does not come up: {active}")


async def _check_rules(http: httpx.AsyncClient) -> None:
    groups = (await http.get("/rules")).json()["data"]["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert len(loaded) == len(rules())
    assert not [rule for rule in loaded if rule["health"] == "err"], loaded


async def _check_queries(http: httpx.AsyncClient, server: PlenumServer) -> None:
    """All can be computed, and none asks for a figure that the server does not know."""
    async with httpx.AsyncClient(trust_env=False) as plain:
        exposed = (await plain.get(f"{server.url}/webrtc/metrics")).text
    known = set(re.findall(r"^# TYPE (\S+)", exposed, re.MULTILINE))
    known |= {f"{name}{suffix}" for name in known for suffix in ("_bucket", "_sum", "_count")}
    known |= {rule["record"] for rule in rules() if "record" in rule}
    for expression in (*queries(), *(rule["expr"] for rule in rules())):
        unknown = set(_METRIC.findall(re.sub(r"\{[^}]*\}", "", expression))) - known
        assert not unknown, f"{expression}: {unknown}"
        answer = await http.get("/query", params={"query": expression})
        assert answer.status_code == 200 and answer.json()["status"] == "success", (expression, answer.text)


async def _until(http: httpx.AsyncClient, expression: str, value: float) -> None:
    for _ in range(150):
        found = (await http.get("/query", params={"query": expression})).json()["data"]["result"]
        if found and float(found[0]["value"][1]) == value:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{expression} never was {value}: {found}")
