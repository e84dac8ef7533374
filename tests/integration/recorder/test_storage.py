"""Spools and stores: parts go up while a file grows, outages cost nothing, and a crash leaves what can be finished."""

from __future__ import annotations

import io
import random
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from recorder.storage.local import LocalStore
from recorder.storage.s3 import S3Store, connect
from recorder.storage.spool import MIB, Budget, Spool, SpoolFull
from recorder.storage.store import Failure, ObjectInfo, Store, StoredPart, StoreError
from recorder.storage.uploader import Uploader
from tests.support.s3_server import S3Server

PART = 5 * MIB
INFO = ObjectInfo("video/mp4", {"room": "r1"})


@pytest.fixture(params=["s3", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Store(server.options(prefix=f"p{time.monotonic_ns()}/"))


def media(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def write(spool: Spool, data: bytes, piece: int = 300_000) -> None:
    for start in range(0, len(data), piece):
        spool.append(data[start : start + piece])


def test_parts_go_up_while_the_file_grows_and_the_head_is_patched_last(store: Store, tmp_path: Path) -> None:
    budget = Budget(100 * MIB)
    spool = Spool.create(tmp_path / "spool", "a/b.mp4", INFO, part_size=PART, budget=budget)
    uploader = Uploader(store)
    uploader.add(spool)
    data = media(3 * PART + 1_000)
    write(spool, data)
    until = time.monotonic() + 20
    while len(spool.local_parts()) > 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert list(spool.local_parts()) == [1, 4]
    assert store.size("a/b.mp4") is None
    spool.close([(100, b"PATCHED"), (70_000, b"TOO")])
    assert uploader.wait(20)
    uploader.close()
    whole = bytearray(data)
    whole[100:107], whole[70_000:70_003] = b"PATCHED", b"TOO"
    assert store.size("a/b.mp4") == len(data)
    assert store.read("a/b.mp4", 0, len(data)) == whole
    assert store.read("a/b.mp4", len(data) - 10, 100) == whole[-10:]
    assert (list(spool.local_parts()), budget.used_bytes, spool.journal.done) == ([], 0, True)
    spool.remove()
    store.delete("a/b.mp4")
    store.delete("a/b.mp4")
    assert store.size("a/b.mp4") is None


def test_what_a_killed_writer_left_is_uploaded_by_another(store: Store, tmp_path: Path) -> None:
    first = Spool.create(tmp_path / "spool", "c.mp4", INFO, part_size=PART, budget=Budget(100 * MIB))
    data = media(2 * PART + 77)
    uploader = Uploader(store)
    uploader.add(first)
    write(first, data)
    time.sleep(0.5)
    uploader.close()
    first.leave()  # the process is gone, without a word to the journal
    budget = Budget(100 * MIB)
    second = Spool.open(tmp_path / "spool", budget)
    assert second.size == len(data)
    second.close()
    uploader = Uploader(store)
    uploader.add(second)
    assert uploader.wait(20)
    uploader.close()
    assert store.read("c.mp4", 0, len(data)) == data
    assert budget.used_bytes == 0


def test_completing_twice_is_harmless(store: Store) -> None:
    upload_id = store.begin("d", INFO, PART)
    parts = [store.put_part("d", upload_id, 1, b"abc", PART)]
    store.complete("d", upload_id, parts)
    store.complete("d", upload_id, parts)
    store.abort("d", upload_id)
    assert store.read("d", 0, 10) == b"abc"


def test_an_upload_that_is_gone_is_told(store: Store) -> None:
    upload_id = store.begin("e", INFO, PART)
    store.abort("e", upload_id)
    with pytest.raises(StoreError) as lost:
        store.put_part("e", upload_id, 1, b"abc", PART)
    assert lost.value.failure is Failure.LOST
    with pytest.raises(StoreError) as lost:
        store.complete("e", upload_id, [StoredPart(1, 3, '"x"')])
    assert lost.value.failure is Failure.LOST


def test_small_objects(store: Store) -> None:
    store.check()
    store.put("f/manifest.json", b"{}", INFO)
    assert store.read("f/manifest.json", 0, 10) == b"{}"
    assert store.size("nothing") is None


def test_a_presigned_address_opens_ranges_and_nothing_else(s3_server: S3Server) -> None:
    store = S3Store(s3_server.options())
    store.put("g.mp4", b"0123456789", INFO)
    url = store.url("g.mp4", 60, "Meeting.mp4")
    assert url is not None
    request = urllib.request.Request(url, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(request) as answer:
        assert (answer.status, answer.read()) == (206, b"234")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="Meeting.mp4"'
        assert answer.headers["Content-Type"] == "video/mp4"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url.partition("?")[0])
    assert refusal.value.code == 403
    refusal.value.close()


def test_refusals_are_told_from_outages(s3_server: S3Server) -> None:
    for options, failure in (
        (s3_server.options(secret_access_key="wrong"), Failure.REFUSED),
        (s3_server.options(access_key_id="nobody"), Failure.REFUSED),
        (s3_server.options(bucket="no-such-bucket"), Failure.REFUSED),
        (s3_server.options(endpoint_url="http://127.0.0.1:9"), Failure.UNREACHABLE),
    ):
        with pytest.raises(StoreError) as error:
            S3Store(options).check()
        assert error.value.failure is failure, error.value.message
        assert "secret" not in error.value.message


def test_a_store_that_dies_and_comes_back_costs_nothing(own_s3_server: S3Server, tmp_path: Path) -> None:
    store = S3Store(own_s3_server.options())
    spool = Spool.create(tmp_path / "spool", "h.mp4", INFO, part_size=PART, budget=Budget(100 * MIB))
    uploader = Uploader(store, retry_max_s=0.5)
    uploader.add(spool)
    data = media(5 * PART)
    write(spool, data[: 2 * PART + 1])
    own_s3_server.kill()
    write(spool, data[2 * PART + 1 :])
    until = time.monotonic() + 10
    while uploader.problem is None and time.monotonic() < until:
        time.sleep(0.02)
    assert uploader.problem is not None and uploader.problem.failure is Failure.UNREACHABLE
    own_s3_server.start()
    spool.close([(0, b"HEAD")])
    assert uploader.wait(60)
    uploader.close()
    assert uploader.problem is None
    assert store.read("h.mp4", 0, len(data)) == b"HEAD" + data[4:]


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    budget = Budget(2 * PART)
    spool = Spool.create(tmp_path / "spool", "k", INFO, part_size=PART, budget=budget)
    write(spool, media(2 * PART - 10))
    with pytest.raises(SpoolFull):
        spool.append(bytes(11))
    assert spool.size == budget.used_bytes == 2 * PART
    spool.leave()


def test_keys_stay_in_the_folder(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    for key in ("../x", "/etc/passwd", "a/../../x", ""):
        with pytest.raises(StoreError) as error:
            store.put(key, b"x", INFO)
        assert error.value.failure is Failure.REFUSED
    store.put("a/b/c", b"x", INFO)
    store.delete("a/b/c")
    assert list((tmp_path / "store").iterdir()) == []


def test_many_files_share_the_threads(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    budget = Budget(1000 * MIB)
    uploader = Uploader(store, threads=3)
    spools = [Spool.create(tmp_path / f"spool{n}", f"k{n}", INFO, part_size=PART, budget=budget) for n in range(10)]
    for spool in spools:
        uploader.add(spool)
    for n, spool in enumerate(spools):
        write(spool, media(n * 1_000_000))
        spool.close()
    assert uploader.wait(20)
    uploader.close()
    assert [store.size(f"k{n}") for n in range(1, 10)] == [n * 1_000_000 for n in range(1, 10)]
    assert threading.active_count() < 20


def test_what_is_damaged_on_the_way_is_refused_and_kept_here_until_it_arrives_whole(
    s3_server: S3Server, tmp_path: Path
) -> None:
    options = s3_server.options(prefix=f"p{time.monotonic_ns()}/")
    client = connect(options)
    is_mended = threading.Event()

    def damage(request: Any, **_: Any) -> None:
        if not is_mended.is_set():
            whole = request.body.getvalue()
            request.body = io.BytesIO(whole[:-1] + bytes([whole[-1] ^ 1]))

    client.meta.events.register("before-send.s3.UploadPart", damage)
    store = S3Store(options, client)
    spool = Spool.create(tmp_path / "spool", "d.mp4", INFO, part_size=PART, budget=Budget(100 * MIB))
    uploader = Uploader(store, retry_max_s=0.3)
    uploader.add(spool)
    data = media(2 * PART + 5)
    write(spool, data)
    spool.close([])
    until = time.monotonic() + 20
    while uploader.retries < 3 and time.monotonic() < until:
        time.sleep(0.02)
    assert uploader.problem is not None and uploader.problem.failure is Failure.CORRUPT
    assert list(spool.local_parts()) == [1, 2, 3], "nothing is given up for what did not arrive whole"
    is_mended.set()
    assert uploader.wait(20)
    uploader.close()
    assert store.read("d.mp4", 0, len(data)) == data and store.size("d.mp4") == len(data)


def test_a_failure_that_no_one_foresaw_costs_a_try_and_not_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalStore(tmp_path / "store")
    real, failures = store.put_part, iter((KeyError("ETag"), TypeError("no page")))

    def put_part(*given: Any) -> StoredPart:
        for failure in failures:
            raise failure
        return real(*given)

    monkeypatch.setattr(store, "put_part", put_part)
    bugs: list[Exception] = []
    uploader = Uploader(store, threads=1, retry_max_s=0.1, on_bug=bugs.append)
    spool = Spool.create(tmp_path / "spool", "k", INFO, part_size=PART, budget=Budget(100 * MIB))
    uploader.add(spool)
    write(spool, media(PART + 1))
    spool.close()
    assert uploader.wait(10)
    uploader.close()
    assert [type(bug) for bug in bugs] == [KeyError, TypeError]
    assert uploader.problem is None and store.size("k") == PART + 1
