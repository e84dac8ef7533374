"""Call every operation of the OpenAPI document with valid and invalid data, as people of all kinds, and judge answers.

    python -m tests.fuzz.rest [2000] [--seed 1]

The number is that of calls for each operation. Ends with 1 if an answer is not what the document says, a refusal is not
in the error model, or the log holds an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from signaling.errors import ERRORS, ErrorBody
from tests.fuzz.people import NO_LIMITS, ROOM, present
from tests.support.server import PlenumServer

# Not that valid data is accepted: rules between fields, and what is in the room, are in no schema.
CHECK_NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
INSIDE = (("host", "host"), ("moderator", "moderator"), ("victim", "participant"), ("guest", "guest"))
NAMES = {
    "room_id": (ROOM, ROOM, ROOM, ROOM, "other"),
    "user_id": ("victim", "guest", "moderator", "host", "nobody", "lounger"),
    "breakout_room_id": ("blue", "assign"),
}


@schemathesis.serializer("application/sdp", "application/trickle-ice-sdpfrag")
def _as_it_is(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@dataclass
class Report:
    """What the calls led to."""

    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        calls = sum(self.statuses.values())
        return [f"{calls:,} calls of {self.operations} operations: {dict(sorted(self.statuses.items()))}", *self.wrong]


async def attack(calls_each: int, *, seed_number: int = 1) -> Report:
    """Start a server, put people into a room, and call."""
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        async with PlenumServer(Path(name), NO_LIMITS) as server, present(server, *INSIDE):
            await asyncio.to_thread(_call_all, server, report, calls_each, seed_number)
            report.wrong += server.log_trouble()
    return report


def _call_all(server: PlenumServer, report: Report, calls_each: int, seed_number: int) -> None:
    load_all_checks()
    document = httpx.get(f"{server.url}/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)  # tokens are ours to choose
    schema = schemathesis.openapi.from_dict(document)
    callers = _callers(server)
    for result in schema.get_all_operations():
        operation = result.ok()
        report.operations += 1
        takes_data = bool(operation.body or operation.query)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if takes_data else (GenerationMode.POSITIVE,):
            try:
                _try(operation, mode, callers, server.url, report, max(1, calls_each // 2), seed_number)
            except (BaseExceptionGroup, Exception) as error:
                report.wrong.append(f"{operation.label} ({mode.value}): {type(error).__name__}: {error}")


def _callers(server: PlenumServer) -> dict[str, dict[str, str]]:
    tokens = {name: server.token(name, role=role) for name, role in INSIDE}
    tokens["stranger"] = server.token("stranger")
    tokens["of another room"] = server.token("host", "elsewhere", role="host")
    headers = {who: {"Authorization": f"Bearer {token}"} for who, token in tokens.items()}
    return headers | {"nobody": {}, "bad token": {"Authorization": "Bearer bad"}}


def _try(
    operation: Any,
    mode: GenerationMode,
    callers: dict[str, dict[str, str]],
    url: str,
    report: Report,
    count: int,
    seed_number: int,
) -> None:
    # Half of the calls are the host's: the others see less than what is behind the door.
    who = st.one_of(st.just("host"), st.sampled_from(sorted(callers)))

    @seed(seed_number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), caller=who, data=st.data())
    def call(case: Any, caller: str, data: st.DataObject) -> None:
        for name, values in NAMES.items():
            if name in (case.path_parameters or {}) and data.draw(st.integers(0, 9)):
                case.path_parameters[name] = data.draw(st.sampled_from(values))
        response = case.call(base_url=url, headers=callers[caller], timeout=10)
        report.statuses[response.status_code] += 1
        # A name drawn above may have put right what was wrong.
        is_wrong = mode is GenerationMode.NEGATIVE and case.meta.generation.mode is GenerationMode.NEGATIVE
        names = [*CHECK_NAMES, *(["negative_data_rejection"] if is_wrong else [])]
        case.validate_response(response, checks=CHECKS.get_by_names(names))
        if response.status_code >= 400:
            check_refusal(response.status_code, response.content, response.headers)

    call()


def check_refusal(status: int, body: bytes, headers: Any) -> None:
    """Raises AssertionError unless an answer of 400 and more is in the error model, with what belongs to it."""
    try:
        error = ErrorBody.model_validate_json(body)
    except ValidationError:
        raise AssertionError(f"{status} is not in the error model: {body[:200]!r}") from None
    assert ERRORS[error.error_code].status == status, (status, error.error_code)
    assert status < 500, error
    lowered = {key.lower() for key in headers}
    assert status != 401 or "www-authenticate" in lowered
    assert status != 405 or "allow" in lowered
    assert status != 429 or "retry-after" in lowered


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calls", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = asyncio.run(attack(arguments.calls, seed_number=arguments.seed))
    print(*report.lines(), sep="\n")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
