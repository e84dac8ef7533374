"""The message reference is written from the models and current."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from scripts import rest_reference, typescript
from scripts.reference import TARGET, reference
from signaling.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[3]


def test_reference_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference(), "write it anew: make docs"


def test_every_message_and_every_link_is_there() -> None:
    text = reference()
    for name in CATALOGUE:
        assert f"### `{name}` " in text
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()) for line in text.splitlines() if line.startswith("#")
    }
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in anchors


def test_the_reference_of_rest_is_current() -> None:
    assert rest_reference.TARGET.read_text(encoding="utf-8") == rest_reference.rest_reference(), (
        "write it anew: make docs"
    )


def test_every_call_and_every_link_is_in_the_reference_of_rest() -> None:
    text = rest_reference.rest_reference()
    for path, operations in rest_reference.openapi()["paths"].items():
        for method in operations:
            assert f"### {method.upper()} `{path}`" in text
    titles = {line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("### ")}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= titles


def test_types_of_messages_are_current() -> None:
    assert typescript.TARGET.read_text(encoding="utf-8") == typescript.typescript(), "write it anew: make docs"


def test_every_message_has_its_types() -> None:
    client, server = typescript.typescript().split("export interface ClientPayloads")[1].split("ServerPayloads {")
    for name, line in CATALOGUE.items():
        assert (f'  "{name}": ' in client) == (line.receives is not None), name
        assert (f'  "{name}": ' in server.split("\n}")[0]) == (line.sends is not None or line.relays is not None), name


GOOD = """
export const chat: ClientMessage = { type: "chat-message", payload: { message: "hi" }, id: "1" };
export function read(message: ServerMessage): string {
  if (message.type === "chat-message") return message.payload.sender_name + message.payload.images.length;
  if (message.type === "offer") return "tracks" in message.payload ? message.payload.sdp : message.payload.user_id;
  if (message.type === "error") return message.payload.error_code === "room_full" ? "full" : message.payload.message;
  return message.type === "room-state" ? message.payload.participants[0].username : message.timestamp;
}
"""
BAD = """
export const a: ClientMessage = { type: "chat-message", payload: { message: 1 } };
export const b: ClientMessage = { type: "hand-raise", payload: {} };
export const c: ClientMessage = { type: "no-such-type", payload: {} };
export function read(message: ServerMessage) { if (message.type === "reaction") return message.payload.sdp; }
"""


def test_the_compiler_takes_what_is_right_and_nothing_else(tmp_path: Path) -> None:
    copy = tmp_path / "messages.d.ts"
    copy.write_text(typescript.typescript(), encoding="utf-8")
    head = 'import type { ClientMessage, ServerMessage } from "./messages";\n'
    for name, text in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.ts").write_text(head + text, encoding="utf-8")
    compiler = ROOT / "web" / "node_modules" / ".bin" / "tsc"
    command = [str(compiler), "--noEmit", "--strict", "--target", "es2022", "--module", "es2022"]
    command += ["--moduleResolution", "bundler", "--types", "", "messages.d.ts", "good.ts", "bad.ts"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    wrong = {int(line) for line in re.findall(r"bad\.ts\((\d+),", done.stdout)}
    assert wrong == {3, 4, 5, 6}, done.stdout
    assert "good.ts" not in done.stdout and "messages.d.ts" not in done.stdout, done.stdout
