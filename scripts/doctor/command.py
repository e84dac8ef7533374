"""The command ``doctor``: runs all checks and prints what they found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from config.settings import Settings
from scripts import checks
from scripts.console import out
from scripts.doctor.addresses import check_addresses
from scripts.doctor.certificate import check_certificate
from scripts.doctor.clock import check_clock
from scripts.doctor.findings import Finding, Verdict, count, fail, ok
from scripts.doctor.ports import check_ports
from scripts.doctor.redis import check_redis
from scripts.doctor.system import check_system
from scripts.doctor.turn import check_turn
from scripts.failures import ExitCode
from scripts.loading import load_settings

_COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(config: Path | None, name: str | None, as_json: bool) -> ExitCode:
    """Look at everything. Raises ``CommandError`` when there are no settings to look by."""
    findings = asyncio.run(examine(load_settings(config).settings, name))
    (_print_json if as_json else _print)(findings)
    return ExitCode.FINDINGS if count(findings, Verdict.FAIL) else ExitCode.OK


async def examine(settings: Settings, name: str | None) -> list[Finding]:
    """All findings, in the order of the report."""
    ports, turn, redis = await asyncio.gather(
        check_ports(settings), check_turn(settings.rooms), check_redis(settings.redis)
    )
    addresses = check_addresses(settings.media)
    certificate = check_certificate(settings.http, name)
    return [*_settings(settings), *ports, *addresses, *turn, *certificate, *redis, check_clock(), *check_system()]


def _settings(settings: Settings) -> list[Finding]:
    problems = checks.problems(settings)
    if not problems:
        return [ok("settings", "The settings are good.")]
    return [fail("settings", problem, "plenum config example  # prints every setting") for problem in problems]


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        colour = _COLOURS[finding.verdict]
        out.print(f"[{colour}]{finding.verdict.value:<4}[/]  {escape(finding.text)}", soft_wrap=True)
        if finding.change:
            out.print(f"      [dim]→[/] {escape(finding.change)}", soft_wrap=True)
    warnings, failures = count(findings, Verdict.WARN), count(findings, Verdict.FAIL)
    out.print(f"\n{len(findings)} findings, {warnings} to look at, {failures} to mend.", soft_wrap=True)


def _print_json(findings: Sequence[Finding]) -> None:
    verdicts = {verdict.value: count(findings, verdict) for verdict in Verdict}
    out.file.write(json.dumps({**verdicts, "findings": [asdict(f) for f in findings]}, ensure_ascii=False) + "\n")
