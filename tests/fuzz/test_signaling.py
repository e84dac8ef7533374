"""Short attacks on REST and the WebSocket; ``python -m tests.fuzz.rest`` and ``tests.fuzz.messages`` make long ones."""

from __future__ import annotations

import re

import pytest

from tests.fuzz import messages, rest
from tests.fuzz.frames import TYPES, FrameMaker


@pytest.mark.timeout(240)
async def test_every_operation_answers_as_its_document_says() -> None:
    report = await rest.attack(6)
    assert report.wrong == []
    assert report.operations >= 56 and sum(report.statuses.values()) > 150
    assert {200, 400, 401, 403, 404} <= report.statuses.keys()


@pytest.mark.timeout(240)
async def test_every_message_is_answered_in_the_error_model_or_done() -> None:
    report = await messages.attack(1_600)
    assert report.wrong == []
    assert {"done", "invalid_message", "permission_denied", "user_not_found"} <= report.replies.keys()


def test_frames_of_every_type_are_made() -> None:
    maker = FrameMaker(1)
    texts = [text for text, _ in (maker.frame() for _ in range(3_000)) if isinstance(text, str)]
    made = {found[1] for text in texts if (found := re.search(r'"type": "([a-z0-9-]+)"', text))}
    assert set(TYPES) - made == set()
