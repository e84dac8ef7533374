"""One recording from its first packet to its manifest."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import threading
import time
from dataclasses import asdict
from typing import IO, Any

from media.feed import Command, Done, Layout, Message, Problem, SizeWanted, Status, Stop
from media.jobs.worker import Link, note, note_bug
from recorder.model import File, Options
from recorder.storage.spool import MIB, Budget, SpoolFull, write_whole
from recorder.storage.store import Failure, StoreError
from recorder.storage.uploader import Uploader
from recorder.worker.finishing import CHAT, Finisher, NotYet
from recorder.worker.legs import leg_name
from recorder.worker.parts import Part, PartShelf
from recorder.worker.people import Chronicle
from recorder.worker.program import ProgramOutput, content_type, file_suffix
from recorder.worker.result import RESULT, Result, read_result
from recorder.worker.setup import Setup, open_store
from recorder.worker.tracks import TracksOutput

WAIT_S = 0.01
STATUS_EVERY_S = 1.0
STATE = "state.json"
RESERVE = "reserve"


class Run:
    """``run`` records until it is told to stop, the feed ends, or a limit is reached; then it finishes."""

    def __init__(self, setup: Setup, link: Link) -> None:
        self.setup = setup
        self.link = link
        self.folder = setup.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.options: Options = setup.recording.options
        self.stop_reason: str | None = "recover" if setup.recover else None
        self.error: Problem | None = None
        self._lock_file = self._lock()
        part_size = setup.options.part_size_mb * MIB
        self._budget = Budget(setup.options.max_spool_mb * MIB)
        metadata = {"recording": setup.recording.recording_id}
        self._shelf = PartShelf(
            self.folder, self._next_attempt(), part_size=part_size, budget=self._budget, metadata=metadata
        )
        self.chronicle = Chronicle(self.folder, setup.origin)
        self._store = open_store(setup.options)
        self._parts: list[Part] = list(self._shelf.left_behind())
        self.uploader = Uploader(
            self._store,
            threads=setup.options.upload_threads,
            retry_max_s=setup.options.retry_max_s,
            on_bug=lambda error: note_bug("upload"),
        )
        self._program: ProgramOutput | None = None
        self._tracks: TracksOutput | None = None
        self._told: StoreError | None = None
        self._last_s = self._duration_before()
        self._beat_at = 0.0
        self._finishing = False
        self._stop_at: float | None = None

    # -- the beginning ---------------------------------------------------------------------------------------------

    def _lock(self) -> IO[bytes]:
        """One process at a time works on a recording; one that lost its server may still be finishing."""
        file = (self.folder / "lock").open("wb")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                self.link.send(Status({"waits_for_another": True}))
                time.sleep(0.5)

    def _next_attempt(self) -> int:
        taken = [int(path.name[:3]) for path in self.folder.glob("[0-9][0-9][0-9]-[0-9]*")]
        return max(taken, default=-1) + 1

    def _duration_before(self) -> float:
        """How long the recording had lasted when an earlier attempt last said so."""
        try:
            return float(json.loads((self.folder / STATE).read_text())["duration_s"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0

    def _key_of(self, name: str) -> str:
        return self.setup.recording.key_prefix + name

    def _open_outputs(self, now: float) -> None:
        setup = self.setup
        self._reserve()
        if self.options.with_program:
            name = leg_name(f"program.{file_suffix(self.options)}", setup.recording.leg)
            file = File(name=name, key=self._key_of(name), kind="program", content_type=content_type(self.options))
            before = any(part.file.kind == "program" for part in self._parts)
            part = self._shelf.create(file, setup.origin, continues=before)
            self._program = ProgramOutput(self.options, part, self.folder, now, setup.origin)
            self._begin_part(part)
        if self.options.with_tracks:
            origins = {part.file.publication_id or "": part.origin for part in self._parts}
            self._tracks = TracksOutput(
                self._shelf,
                key_of=self._key_of,
                leg=setup.recording.leg,
                recording_origin=setup.origin,
                origins={publication: at for publication, at in origins.items() if at is not None},
                names=[part.file.name for part in self._parts],
                audio_only=self.options.audio_only,
                on_part=self._begin_part,
            )

    def _begin_part(self, part: Part) -> None:
        self._parts.append(part)
        self.uploader.add(part.spool)

    def _reserve(self) -> None:
        """Room on the disk for finishing when it is full otherwise."""
        with contextlib.suppress(OSError), (self.folder / RESERVE).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 * MIB)

    # -- recording -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """All of it."""
        if self.setup.recover and self._is_finished():
            self._end()
            return
        try:
            if self.stop_reason is None:
                self._open_outputs(time.monotonic())
                self.link.send(Status(self._status()))
                self._record()
        except (SpoolFull, OSError) as error:
            self._disk_failed(error)
        self._close_outputs()
        self._finish()
        self._end()

    def _is_finished(self) -> bool:
        """Whether an earlier process had done all, and only its shard had not taken note of it."""
        result = read_result(self.folder)
        return result is not None and result.complete

    def _end(self) -> None:
        self.link.send(Done())
        self.link.drain(2.0)
        self.uploader.close()
        self._lock_file.close()

    def _record(self) -> None:
        while self.stop_reason is None:
            messages = self.link.receive(WAIT_S)
            now = time.monotonic()
            for message in messages:
                self._take(message, now)
            if self.link.ended and self.stop_reason is None:
                self.stop_reason = "server_gone"
            for output in (self._program, self._tracks):
                if output is not None:
                    for wish in output.tick(now):
                        # Tracks are kept in the best there is, however small the program shows them.
                        if self._tracks is None or not isinstance(wish, SizeWanted):
                            self.link.send(wish)
            if now - self._beat_at >= STATUS_EVERY_S:
                self._look(now)

    def _take(self, message: Message, now: float) -> None:
        if isinstance(message, Stop):
            self.stop_reason = message.reason
            return
        if isinstance(message, Command):
            self._stop_at = message.values.get("stop_at", self._stop_at)
            self._note_chat(message)
            return
        self.chronicle.feed(message, now)
        if self._program is not None:
            self._program.feed(message, now)
        if self._tracks is not None and not isinstance(message, Layout):
            self._tracks.feed(message, now)

    def _note_chat(self, message: Command) -> None:
        if "chat" in message.values:
            with contextlib.suppress(OSError), (self.folder / CHAT).open("a") as file:
                file.write(json.dumps(message.values["chat"], ensure_ascii=False) + "\n")

    def _look(self, now: float) -> None:
        """Once a second: tell how it goes, and whether a limit is reached."""
        self._beat_at = now
        self._last_s = now - self.setup.origin
        self.link.send(Status(self._status()))
        with contextlib.suppress(OSError):
            write_whole(self.folder / STATE, json.dumps({"duration_s": self._last_s}).encode())
        self._tell_store_problem()
        options = self.setup.options
        limit_min = min(self.options.max_duration_min or options.max_duration_min, options.max_duration_min)
        if self._last_s >= limit_min * 60:
            self.stop_reason = "max_duration"
        elif self.size_bytes >= options.max_size_mb * MIB:
            self.stop_reason = "max_size"
        elif self._free_bytes() < options.min_free_mb * 1_000_000 / 5:
            raise SpoolFull("the disk is nearly full")

    def _free_bytes(self) -> int:
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def _tell_store_problem(self) -> None:
        """A store that refuses us is told once; an outage only shows in the figures, as long as the spool holds."""
        problem = self.uploader.problem
        if problem is not None and problem.failure is not Failure.UNREACHABLE and self._told is None:
            self._told = problem
            self.link.send(Problem("storage_failed", problem.message))
        elif problem is None:
            self._told = None

    def _disk_failed(self, error: Exception) -> None:
        """Neither disk nor spool takes more: what is there is kept, and finished."""
        text = str(error) or "the storage did not answer for so long that the local spool is full"
        self.stop_reason = "storage_failed"
        self.error = Problem("storage_failed", text if isinstance(error, SpoolFull) else f"the disk: {error}")
        self.link.send(self.error)
        note("error", "recording stops", reason=text)
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink()

    def _close_outputs(self) -> None:
        now = time.monotonic() if self._stop_at is None else self._stop_at
        for output in (self._program, self._tracks):
            if output is not None:
                try:
                    if output is self._program:
                        self._catch_up(self._program, now)
                    output.finish(now)
                except (SpoolFull, OSError) as error:
                    if self.error is None:
                        self._disk_failed(error)
        if self._program is not None or self._tracks is not None:
            self._last_s = now - self.setup.origin
        for part in self._parts:
            part.spool.leave()
        self._program = self._tracks = None

    def _catch_up(self, program: ProgramOutput, now: float) -> None:
        """What a program is behind may take a while, in which the shard must hear from us."""
        while program.catch_up(now):
            if time.monotonic() - self._beat_at >= STATUS_EVERY_S:
                self._beat_at = time.monotonic()
                self.link.send(Status(self._status()))

    # -- the end ---------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Bring all to the store in a thread, so that the shard hears from us meanwhile."""
        self._finishing = True
        thread = threading.Thread(target=self._finish_files, name="finishing")
        thread.start()
        while thread.is_alive():
            thread.join(STATUS_EVERY_S)
            with contextlib.suppress(Exception):
                self.link.receive(0.0)
            self.link.send(Status(self._status()))

    def _finish_files(self) -> None:
        result = Result(False, round(self._last_s, 3), self.stop_reason or "asked")
        if self.error is not None:
            result.error, result.error_message = self.error.code, self.error.message
        finisher = Finisher(
            self.setup.recording,
            self.setup.options,
            self._store,
            self.uploader,
            self._shelf,
            self._budget,
            beat=lambda: None,
        )
        with contextlib.suppress(OSError):
            (self.folder / RESERVE).unlink()
        try:
            files = finisher.finish(self._parts, self.chronicle, self._last_s)
            result.files = [file.model_dump(mode="json") for file in files]
            result.complete = True
            if finisher.missing:
                result.error, result.error_message = "storage_failed", "What another server recorded did not come."
        except NotYet:
            problem = self.uploader.problem
            note("warning", "the rest is brought later", problem=None if problem is None else problem.message)
            result.files = [part.file.model_dump(mode="json") for part in self._parts]
        except Exception as error:
            note_bug("finishing failed")
            result.error, result.error_message = result.error or "storage_failed", f"finishing failed: {error}"
        try:
            write_whole(self.folder / RESULT, json.dumps(asdict(result)).encode())
        except OSError as error:
            note("error", "result not written", error=str(error))

    @property
    def size_bytes(self) -> int:
        """Of all files so far."""
        return sum(part.spool.size for part in self._parts if part.file.parts == 1)

    def _status(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "duration_ms": round(self._last_s * 1000),
            "bytes": self.size_bytes,
            "files": len(self._parts),
            "uploaded_bytes": self.uploader.uploaded_bytes,
            "lag_parts": self.uploader.lag_parts,
            "spooled_bytes": self._budget.used_bytes,
            "store_problem": None if self.uploader.problem is None else self.uploader.problem.message,
            "finishing": self._finishing,
        }
        for name, output in (("program", self._program), ("tracks", self._tracks)):
            if output is not None:
                values[name] = output.status()
        return values
