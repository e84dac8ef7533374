"""What browsers are told, against what this machine has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scripts.doctor.addresses import check_addresses
from scripts.doctor.findings import Verdict
from sfu.options import MediaOptions

OWN = ["10.1.2.3", "2001:4860::7", "127.0.0.1", "::1"]
PUBLIC = "8.8.4.4"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scripts.doctor.addresses", "sfu.io.addresses"):
        monkeypatch.setattr(f"{module}.interface_addresses", lambda: list(OWN))


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("announced", "verdict", "word"),
    [
        ("10.1.2.3", Verdict.OK, "of this machine"),
        (PUBLIC, Verdict.OK, "translation"),
        ("2001:4860::7", Verdict.OK, "of this machine"),
        ("localhost", Verdict.OK, "of this machine"),
        ("0.0.0.0", Verdict.FAIL, "browsers can send to"),
        ("224.0.0.1", Verdict.FAIL, "browsers can send to"),
        ("fe80::1", Verdict.FAIL, "browsers can send to"),
        ("nowhere.invalid", Verdict.FAIL, "no name that can be found"),
        ("-", Verdict.FAIL, "no name that can be found"),
    ],
)
def test_each_announced(announced: str, verdict: Verdict, word: str) -> None:
    finding = check_addresses(MediaOptions(announced_addresses=[announced]))[0]
    assert (finding.check, finding.verdict) == ("announced", verdict), finding
    assert word in finding.text
    assert bool(finding.change) is (verdict is not Verdict.OK)


@pytest.mark.usefixtures("own")
def test_a_family_that_is_not_bound() -> None:
    finding = check_addresses(MediaOptions(hosts=["0.0.0.0"], announced_addresses=["2001:4860::7"]))[0]
    assert finding.verdict is Verdict.FAIL
    assert '"::"' in finding.change
    finding = check_addresses(MediaOptions(hosts=["::"], announced_addresses=[PUBLIC]))[0]
    assert '"0.0.0.0"' in finding.change


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("hosts", "announced", "verdict", "word"),
    [
        (["0.0.0.0", "::"], [], Verdict.OK, "2001:4860::7"),
        (["0.0.0.0"], [], Verdict.WARN, "from the Internet"),
        (["0.0.0.0"], [PUBLIC], Verdict.OK, PUBLIC),
        (["0.0.0.0"], ["192.168.1.2"], Verdict.WARN, "from the Internet"),
        (["127.0.0.1", "::1"], [], Verdict.WARN, "only those on this machine"),
        (["127.0.0.1"], ["127.0.0.1"], Verdict.WARN, "only those on this machine"),
    ],
)
def test_as_a_whole(hosts: Sequence[str], announced: Sequence[str], verdict: Verdict, word: str) -> None:
    finding = check_addresses(MediaOptions(hosts=list(hosts), announced_addresses=list(announced)))[-1]
    assert (finding.check, finding.verdict) == ("reach", verdict), finding
    assert word in finding.text
