"""Defaults < file < environment < command line, and errors that name the place and the nearest right key."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.loader import Loaded, SettingsError, load
from config.settings import Settings
from config.tree import branch, leaves, list_item

SECRET = "a-secret-of-more-than-thirty-two-bytes"


def write(directory: Path, text: str) -> Path:
    path = directory / "settings.toml"
    path.write_text(text)
    return path


def problem(file: Path | None = None, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(file, environ=environ, directory=Path("/nonexistent"))
    assert len(caught.value.problems) == 1, caught.value.problems
    return caught.value.problems[0]


def test_defaults_need_nothing(tmp_path: Path) -> None:
    loaded = load(environ={}, directory=tmp_path)
    assert loaded.settings == Settings()
    assert loaded.file is None
    assert not loaded.is_set("http.port")


def test_each_source_wins_over_the_one_below(tmp_path: Path) -> None:
    file = write(tmp_path, "[http]\nport = 1\nhost = 'a'\n[media]\nport = 1\n")
    line = {"http.port": ("--port", 3), "media.port": ("--media-port", None)}
    loaded = load(file, environ={"PLENUM_HTTP__PORT": "2", "PLENUM_MEDIA__PORT": "2"}, command_line=line)
    assert (loaded.settings.http.host, loaded.settings.http.port, loaded.settings.media.port) == ("a", 3, 2)
    assert loaded.is_set("http.port")
    assert not loaded.is_set("media.tcp")


@pytest.mark.parametrize(("text", "port"), [("[http]\nport = 5", 5), ("", 8080)])
def test_file_of_the_working_directory_is_found(tmp_path: Path, text: str, port: int) -> None:
    (tmp_path / "plenum.toml").write_text(text)
    assert load(environ={}, directory=tmp_path).settings.http.port == port


def test_named_file_wins_over_variable_and_directory(tmp_path: Path) -> None:
    (tmp_path / "plenum.toml").write_text("[http]\nport = 1")
    variable = tmp_path / "v.toml"
    variable.write_text("[http]\nport = 2")
    named = write(tmp_path, "[http]\nport = 3")
    environ = {"PLENUM_CONFIG": str(variable)}
    assert load(environ=environ, directory=tmp_path).settings.http.port == 2
    assert load(named, environ=environ, directory=tmp_path).settings.http.port == 3


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("PLENUM_HTTP__TLS", "false", "http.tls", False),
        ("PLENUM_MEDIA__TCP", "0", "media.tcp", False),
        ("PLENUM_MEDIA__TCP_PORT", "7", "media.tcp_port", 7),
        ("PLENUM_MEDIA__VIDEO_CODECS", "H264, VP8", "media.video_codecs", ["H264", "VP8"]),
        ("PLENUM_MEDIA__VIDEO_CODECS", '["AV1"]', "media.video_codecs", ["AV1"]),
        ("PLENUM_MEDIA__ANNOUNCED_ADDRESSES", "", "media.announced_addresses", []),
        ("plenum_http__port".upper(), "9", "http.port", 9),
    ],
)
def test_environment_values(name: str, text: str, path: str, value: object) -> None:
    assert at(load(environ={name: text}), path) == value


def test_tables_of_a_list_from_file_and_environment(tmp_path: Path) -> None:
    file = write(tmp_path, "[[rooms.ice_servers]]\nurls = ['stun:a']\n")
    assert load(file, environ={}).settings.rooms.ice_servers[0].urls == ["stun:a"]
    loaded = load(file, environ={"PLENUM_ROOMS__ICE_SERVERS": '[{"urls": ["stun:b"]}]'})
    assert loaded.settings.rooms.ice_servers[0].urls == ["stun:b"]


def test_a_part_of_a_branch_keeps_the_rest_of_its_default(tmp_path: Path) -> None:
    file = write(tmp_path, "[rooms.permissions.host]\ncan_record = false\n")
    host = load(file, environ={}).settings.rooms.permissions.host
    assert not host.can_record
    assert host.can_manage_participants, "the default of a host, not of a participant"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[http]\n\nprot = 1", ("http.prot", "settings.toml, line 3", "did you mean http.port?")),
        ("[htpp]\nport = 1", ("htpp", "line 1", "did you mean http?")),
        ("http.prot = 1", ("http.prot", "line 1", "did you mean http.port?")),
        ("[rooms.setings]\nlock_room = true", ("rooms.setings", "line 1", "did you mean rooms.settings?")),
        ("[[rooms.ice_servers]]\nurl = ['x']\nurls = ['x']", ("rooms.ice_servers.url", "rooms.ice_servers.urls?")),
        ("secret = 'x'", ("unknown setting secret", "did you mean auth.secret?")),
        ("[http]\nqqq = 1", ("unknown setting http.qqq", "line 2")),
    ],
)
def test_misspelt_key_in_a_file(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    said = problem(write(tmp_path, text))
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PLENUM_AUTH__SECRT", "PLENUM_AUTH__SECRET"),
        ("PLENUM_HTTPS__PORT", "PLENUM_HTTP__PORT"),
        ("PLENUM_MEDIA_PORT", "PLENUM_MEDIA__PORT"),
        ("PLENUM_SECRET", "PLENUM_AUTH__SECRET"),
        ("PLENUM_ROOMS__SETTINGS__LOCKROOM", "PLENUM_ROOMS__SETTINGS__LOCK_ROOM"),
    ],
)
def test_misspelt_variable(name: str, meant: str) -> None:
    said = problem(**{name: "1"})
    assert f"environment variable {name}" in said
    assert f"did you mean {meant}?" in said


def test_variables_that_kubernetes_adds_are_not_settings() -> None:
    names = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR")
    assert load(environ={f"PLENUM_{name}": "tcp://10.0.0.1:8080" for name in names}).settings == Settings()


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PLENUM_HTTP__PORT": "x"}, ("http.port", "PLENUM_HTTP__PORT", "integer", "'x'")),
        ({"PLENUM_HTTP__PORT": "65536"}, ("http.port", "less than or equal to 65535")),
        ({"PLENUM_MEDIA__VIDEO_CODECS": "VP8,VP7"}, ("media.video_codecs.1", "'VP7'")),
        ({"PLENUM_HTTP__TLS": "true"}, ("PLENUM_HTTP__TLS", "http.tls_certificate", "plenum dev --tls")),
        ({"PLENUM_ROOMS__ICE_SERVERS": "["}, ("PLENUM_ROOMS__ICE_SERVERS", "JSON")),
        ({"PLENUM_ROOMS": "3"}, ("rooms", "PLENUM_ROOMS")),
        ({"PLENUM_CONFIG": "/nonexistent/p.toml"}, ("/nonexistent/p.toml", "No such file")),
    ],
)
def test_value_that_cannot_be(environ: dict[str, str], words: tuple[str, ...]) -> None:
    said = problem(**environ)
    for word in words:
        assert word in said


@pytest.mark.parametrize("name", ["PLENUM_AUTH__SECRET", "PLENUM_AUTH__SECRT"])
def test_a_secret_is_not_repeated(name: str) -> None:
    assert "hunter2" not in problem(**{name: "hunter2"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[http", ("not valid TOML", "']'")),
        (b"[http]\nport = = 1", ("not valid TOML", "line 2")),
        (b"\xff\xfe", ("not UTF-8",)),
    ],
)
def test_malformed_file(tmp_path: Path, content: bytes, words: tuple[str, ...]) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    said = problem(path)
    for word in (str(path), *words):
        assert word in said


def test_directory_in_place_of_a_file(tmp_path: Path) -> None:
    assert "cannot read" in problem(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, "[http]\nprot = 1\nport = 'x'\n[meda]\n"), environ={})
    assert len(caught.value.problems) == 3


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", max_size=40), st.text(max_size=20))
def test_any_variable_is_taken_or_refused_in_words(name: str, value: str) -> None:
    with contextlib.suppress(SettingsError):
        load(environ={f"PLENUM_{name}": value}, directory=Path("/nonexistent"))


def test_every_leaf_has_a_description_and_no_branch_takes_unknown_keys() -> None:
    paths = list(leaves(Settings))
    assert len(paths) > 40
    for path, field in paths:
        assert field.description, f"{'.'.join(path)} has no description"
        item = branch(list_item(field.annotation))
        assert item is None or item.model_config.get("extra") == "forbid"
    models = [Settings]
    for model in models:
        assert model.model_config.get("extra") == "forbid", f"{model.__name__} would swallow a misspelt key"
        models += [inner for field in model.model_fields.values() if (inner := branch(field.annotation))]


def at(loaded: Loaded, path: str) -> object:
    value: object = loaded.settings
    for name in path.split("."):
        value = getattr(value, name)
    return value
