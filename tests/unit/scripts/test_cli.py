"""The command: what it prints, what it refuses, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from config.toml import example
from scripts import cli
from scripts.durations import parse_duration_s
from scripts.failures import ExitCode

SECRET = "a-secret-of-more-than-thirty-two-bytes"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("PLENUM_"):
            monkeypatch.delenv(name)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PLENUM_AUTH__SECRET", SECRET)
    return SECRET


def run(*arguments: str) -> int:
    """The exit code of ``plenum ARGUMENTS``, run in this process."""
    with pytest.raises(SystemExit) as caught:
        cli.main(list(arguments))
    return int(caught.value.code or 0)


def printed(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Standard output and standard error, with line breaks taken out of the latter."""
    out, err = capsys.readouterr()
    return out.strip(), " ".join(err.split())


def test_token(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(
        *("token", "--user", "alice", "--room", "demo", "--name", "Alice", "--role", "moderator", "--ttl", "2h"),
        *("--permission", "can_record", "--permission", "no-can_send_chat"),
    )
    claims = jwt.decode(printed(capsys)[0], secret, algorithms=["HS256"])
    assert code == ExitCode.OK
    assert abs(claims.pop("exp") - time.time() - 7200) < 5
    assert claims == {
        "sub": "alice",
        "room": "demo",
        "name": "Alice",
        "role": "moderator",
        "permissions": {"can_record": True, "can_send_chat": False},
    }


def test_plain_token_opens_any_room(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "--user", "alice") == ExitCode.OK
    claims = jwt.decode(printed(capsys)[0], secret, algorithms=["HS256"])
    assert claims.keys() == {"sub", "exp"}


def test_invite_is_a_link_whose_secret_part_no_server_sees(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("invite", "--room", "demo", "--url", "https://meet.example.org/") == ExitCode.OK
    link, _, invite = printed(capsys)[0].partition("#invite=")
    assert link == "https://meet.example.org/?room=demo"
    claims = jwt.decode(invite, secret, algorithms=["HS256"])
    assert (claims["room"], claims["invite"]) == ("demo", True)
    assert "sub" not in claims


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("token", "--user", "a", "--ttl", "2x"), ExitCode.USAGE, "no duration"),
        (("token", "--user", "a", "--permission", "can_recrd"), ExitCode.USAGE, "Did you mean can_record?"),
        (("token", "--user", " "), ExitCode.USAGE, "no username"),
        (("token", "--user", "a", "--room", "a/b"), ExitCode.USAGE, "--room"),
        (("token",), ExitCode.USAGE, "--user"),
        (("invite", "--room", "a b"), ExitCode.USAGE, "--room"),
        (("serve", "--port", "99999"), ExitCode.USAGE, "--port"),
        (("serve", "--prot", "1"), ExitCode.USAGE, "--prot"),
        (("nonsense",), ExitCode.USAGE, "nonsense"),
    ],
)
def test_usage_errors(
    secret: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: ExitCode, words: str
) -> None:
    assert run(*arguments) == code
    assert words in printed(capsys)[1]


@pytest.mark.parametrize(
    "command", [("serve",), ("config", "check"), ("token", "--user", "a"), ("invite", "--room", "a")]
)
def test_without_a_secret_the_setting_is_named_and_how_to_make_one(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert run(*command) == ExitCode.CONFIG
    said = printed(capsys)[1]
    assert "auth.secret" in said
    assert "PLENUM_AUTH__SECRET=$(" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-c", "missing.toml"), "missing.toml: No such file"),
        (("--tls",), "http.tls_certificate"),
        (("--tls-cert", "c.pem", "--tls-key", "k.pem"), "cannot read c.pem: No such file"),
        (("--tls-cert", "c.pem"), "http.tls_key"),
        (("--host", "192.0.2.1"), "not an address of this machine"),
        (("--redis-url", "ftp://x"), "redis.url"),
    ],
)
def test_settings_that_cannot_serve(
    secret: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert run("serve", "--port", "0", "--media-port", "0", *arguments) == ExitCode.CONFIG
    assert words in printed(capsys)[1]


def test_certificate_and_key_that_do_not_belong_together(
    secret: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from scripts import certificate

    one, two = certificate.ensure(tmp_path / "1"), certificate.ensure(tmp_path / "2")
    assert run("serve", "--tls-cert", str(one.certificate), "--tls-key", str(two.key)) == ExitCode.CONFIG
    assert "belong together" in printed(capsys)[1]


def test_misspelt_setting_is_told_by_every_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLENUM_HTTP__PROT", "1")
    for command in (("serve",), ("dev",), ("config", "check"), ("config", "print"), ("token", "--user", "a")):
        assert run(*command) == ExitCode.CONFIG
        assert "did you mean PLENUM_HTTP__PORT?" in printed(capsys)[1]


def test_config_check_and_print(secret: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "plenum.toml").write_text("[http]\nport = 9999\n")
    assert run("config", "check") == ExitCode.OK
    assert "plenum.toml" in printed(capsys)[0]
    assert run("config", "print") == ExitCode.OK
    out, _ = printed(capsys)
    assert "port = 9999" in out
    assert SECRET not in out


def test_config_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "example") == ExitCode.OK
    assert capsys.readouterr().out == example()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == ExitCode.OK
    assert printed(capsys)[0].startswith("plenum ")


@pytest.mark.parametrize("command", ["serve", "dev", "token", "invite", "config"])
def test_help_of_every_command(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(command, "--help") == ExitCode.OK
    assert "Usage: plenum" in printed(capsys)[0]


def test_help_needs_none_of_the_heavy_parts() -> None:
    code = (
        "import sys; from scripts import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'fastapi', 'pydantic', 'aiortc', 'redis', 'uvicorn', 'cryptography'} & sys.modules.keys()\n"
        "sys.exit(f'{heavy} imported' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cli_root())
    assert done.returncode == 0, done.stderr


def cli_root() -> Path:
    return Path(cli.__file__).parent.parent


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("45s", 45), (" 30m ", 1800), ("12h", 43_200), ("7d", 604_800), ("2 h", 7200)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "1w", "h", "1.5h", "1h30m", "9999999999"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration_s(text)


def commands() -> list[str]:
    """Every command of ours, subcommands with their group's name."""
    groups = [("", cli.app), *((f"{g.name} ", g.typer_instance) for g in cli.app.registered_groups)]
    return [
        prefix + (command.name or str(getattr(command.callback, "__name__", "")))
        for prefix, group in groups
        for command in (group.registered_commands if group is not None else ())
    ]


@pytest.mark.parametrize("command", [c for c in commands() if c not in ("serve", "dev", "config example")])
def test_every_command_that_answers_can_do_so_in_json(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(*command.split(), "--help") == ExitCode.OK
    assert "--json" in capsys.readouterr().out


def test_answers_in_json(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "--user", "root", "--admin", "--json") == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert jwt.decode(told["token"], secret, algorithms=["HS256"])["admin"] is True
    assert run("invite", "--room", "demo", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["url"].startswith("http://localhost:8080/?room=demo#invite=")
    assert run("config", "check", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {"ok": True, "file": None, "problems": []}
    assert run("config", "print", "--json") == ExitCode.OK
    printed = capsys.readouterr().out
    assert json.loads(printed)["auth"]["secret"] == "***" and secret not in printed


def test_bad_settings_in_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLENUM_HTTP__PORT", "many")
    assert run("config", "check", "--json") == ExitCode.CONFIG
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and "http.port" in told["problems"][0]


def test_an_admin_token_is_for_all_rooms(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "--user", "root", "--admin", "--room", "demo") == ExitCode.USAGE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str) -> None:
    """As the shell's function, which `plenum --show-completion` prints, asks the command."""
    words = {"COMP_WORDS": "plenum sh", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "plenum sh"}
    done = subprocess.run(
        [sys.executable, "-c", "from scripts.cli import main; main()"],
        env={**os.environ, **words, "_PLENUM_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert "shards" in done.stdout and "rooms" not in done.stdout, done.stderr
