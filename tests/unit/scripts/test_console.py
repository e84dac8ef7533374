"""What is printed is printed as it is: nothing of it is taken for markup."""

from __future__ import annotations

import pytest

from scripts import console
from scripts.failures import CommandError


@pytest.mark.parametrize("text", ["fingerprint 0A:AB:CL:B:0A", "[bold]not markup[/]", "a" * 300])
def test_texts_are_printed_as_they_are(capsys: pytest.CaptureFixture[str], text: str) -> None:
    console.show_notes([text])
    console.show_error(CommandError(text, text))
    console.show_link(text, f"https://host/#invite={'x' * 300}")
    out, err = capsys.readouterr()
    assert out.count(text) == 2
    assert err.count(text) == 2
    assert f"https://host/#invite={'x' * 300}\n" in out, "a link stands on one line"
