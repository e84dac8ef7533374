"""The end of a recording: every file whole and in the store, then what lies beside them, then the manifest."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from media.containers.repair import Repair
from media.jobs.worker import note
from recorder.model import File, Recording
from recorder.options import RecorderOptions
from recorder.storage.spool import Budget
from recorder.storage.store import ObjectInfo, Store, StoreError
from recorder.storage.uploader import Uploader
from recorder.worker import extras
from recorder.worker.chapters import Event, chapters, webvtt
from recorder.worker.joining import Joined, SpooledSource, StoredSource, join, pour, repaired
from recorder.worker.legs import MANIFEST, Whole, joined_vtt, leg_name, merged, read_whole, stored_whole
from recorder.worker.parts import Part, PartShelf
from recorder.worker.people import Chronicle, participants

RETRY_PAUSE_S = 0.5
CHAT = "chat.jsonl"
_JSON = "application/json"


class NotYet(Exception):
    """The store does not take the rest within the time: it is brought later."""


class Finisher:
    """Finishes the files of one recording. All of it can be interrupted anywhere, and begun anew by another process."""

    def __init__(
        self,
        recording: Recording,
        options: RecorderOptions,
        store: Store,
        uploader: Uploader,
        shelf: PartShelf,
        budget: Budget,
        beat: Callable[[], None],
    ) -> None:
        self._recording = recording
        self._options = options
        self._store = store
        self._uploader = uploader
        self._shelf = shelf
        self._budget = budget
        self._beat = beat
        self._until = time.monotonic() + options.finish_timeout_s
        self.missing = False
        """Whether what another shard recorded before is not there, and is waited for no longer."""

    def finish(self, parts: Sequence[Part], chronicle: Chronicle, duration_s: float) -> list[File]:
        """All files of the recording. Raises NotYet."""
        leg = self._recording.leg
        earlier = self._earlier()
        if earlier is not None and earlier.legs >= leg > 1:
            self._forget(parts, earlier.files)  # an earlier process had only that left to do
            return earlier.files
        whole = [part for part in parts if self._is_of_all_legs(part)]
        files = []
        ordered = sorted((p for p in parts if p not in whole), key=lambda part: (part.identity, part.attempt))
        for _, group in groupby(ordered, key=lambda part: part.identity):
            file = self._file(list(group))
            if file is not None:
                files.append(file)
        earlier = earlier or self._wait_for_earlier()
        events = chronicle.events
        if earlier is not None:
            files = self._with_earlier(earlier, files, whole)
            events = merged(earlier.events, events)
        files.sort(key=lambda file: (file.kind != "program", file.offset_s, file.name))
        files += self._extras(events, duration_s, files, earlier)
        files.append(self._manifest(events, chronicle.names, duration_s, files))
        self._forget(parts, files)
        return files

    # -- legs ------------------------------------------------------------------------------------------------------

    def _earlier(self) -> Whole | None:
        """What the legs before this one have made, or all legs together."""
        if self._recording.leg == 1:
            return None
        found: Whole | None = self._retried(lambda: stored_whole(self._store, self._recording.key_prefix))
        return found if found is not None and found.legs >= self._recording.leg - 1 else None

    def _wait_for_earlier(self) -> Whole | None:
        """The shard before may still be bringing its part. Raises NotYet."""
        if self._recording.leg == 1:
            return None
        stopped_at = self._recording.stopped_at
        since_s = 0.0 if stopped_at is None else time.time() - datetime.fromisoformat(stopped_at).timestamp()
        while (earlier := self._earlier()) is None:
            if since_s > self._options.earlier_part_wait_min * 60:
                self.missing = True
                return None
            if time.monotonic() > self._until:
                raise NotYet
            time.sleep(RETRY_PAUSE_S)
            self._beat()
        return earlier

    def _is_of_all_legs(self, part: Part) -> bool:
        name = part.file.name
        return self._recording.leg > 1 and part.file.kind == "program" and not self._is_own(name)

    def _is_own(self, name: str) -> bool:
        return name.rpartition(".")[0].endswith(f"-{self._recording.leg}")

    def _with_earlier(self, earlier: Whole, files: list[File], begun: list[Part]) -> list[File]:
        """The program of all legs in one file, where that of the first is; tracks stay files of their own."""
        before, own = earlier.file("program"), next((file for file in files if file.kind == "program"), None)
        tracks = [file for file in (*earlier.files, *files) if file.kind == "track"]
        if before is None or own is None:
            found = before or own
            return tracks if found is None else [found, *tracks]
        done = next((part for part in begun if part.spool.journal.closed), None)
        if done is not None:
            self._until_stored([done])
            return [done.file, *tracks]
        for part in begun:
            self._remove(part)
        whole, found_repair = join([StoredSource(self._store, file.key, file.size_bytes) for file in (before, own)])
        file = before.model_copy(
            update={
                "parts": before.parts + own.parts,
                "duration_s": round(found_repair.duration_s, 3),
                "size_bytes": found_repair.length,
                "gaps": [*before.gaps, *own.gaps],
            }
        )
        self._write_joined(file, whole, found_repair, None)
        return [file, *tracks]

    def _forget(self, parts: Sequence[Part], files: Sequence[File]) -> None:
        """All is in the store: what stood here, and a leg's program that went into the whole, is dropped."""
        kept = {file.key for file in files}
        for part in parts:
            key = part.spool.journal.key
            if self._recording.leg > 1 and part.file.kind == "program" and key not in kept:
                self._retried(lambda key=key: self._store.delete(key))  # type: ignore[misc]
            self._remove(part)

    # -- files -----------------------------------------------------------------------------------------------------

    def _file(self, parts: list[Part]) -> File | None:
        """One file from the parts that attempts left of it."""
        joined = [part for part in parts if part.file.parts > 1]
        if joined and joined[0].spool.journal.closed:
            # An earlier process came as far as this.
            self._until_stored(joined)
            return joined[0].file
        for part in joined:
            self._remove(part)
        parts = [part for part in parts if part.file.parts == 1 and part.spool.size > 0]
        if not parts:
            return None
        whole = [part for part in parts if part.spool.journal.closed or self._repair_here(part)]
        parts = [part for part in parts if part.spool.size > 0]
        self._until_stored(parts)
        if not parts:
            return None
        if len(parts) == 1 and whole and parts[0].spool.journal.key == parts[0].file.key:
            parts[0].file.size_bytes = parts[0].spool.size
            return parts[0].file
        return self._join(parts)

    def _repair_here(self, part: Part) -> bool:
        """Complete a file that broke off, if all of it is still here; else close it as it is."""
        spool = part.spool
        if spool.journal.parts:
            spool.close()
            return False
        try:
            found = repaired(SpooledSource(spool))
        except ValueError:
            found = None
        if found is None or found.duration_s <= 0:
            spool.truncate(0)  # it did not get as far as a head, or as media behind it
            spool.leave()
            return False
        spool.truncate(found.length)
        spool.append(found.tail)
        part.file.duration_s = round(found.duration_s, 3)
        part.file.size_bytes = spool.size
        part.label()
        spool.close((patch.offset, patch.data) for patch in found.patches)
        return True

    def _join(self, parts: list[Part]) -> File:
        """Read the parts back, and write the file that they are together in place of the first."""
        self._beat()
        sources = [StoredSource(self._store, part.spool.journal.key, part.spool.size) for part in parts]
        whole, found = join(sources)
        first = parts[0].file
        gaps = [gap for part in parts for gap in part.file.gaps]
        file = first.model_copy(
            update={
                "parts": max(2, len(parts)),
                "duration_s": round(found.duration_s, 3),
                "size_bytes": found.length,
                "gaps": gaps,
            }
        )
        joined = self._write_joined(file, whole, found, parts[0].origin)
        for part in parts:
            if part.spool.journal.key != file.key:
                self._retried(lambda key=part.spool.journal.key: self._store.delete(key))  # type: ignore[misc]
        self._remove(joined)
        return file

    def _write_joined(self, file: File, whole: Joined, found: Repair, origin: float | None) -> Part:
        joined = self._shelf.create(file, origin)
        self._uploader.add(joined.spool)
        pour(whole, found.length, joined.spool, self._beat)
        joined.spool.close((patch.offset, patch.data) for patch in found.patches)
        self._until_stored([joined])
        return joined

    def _until_stored(self, parts: Sequence[Part]) -> None:
        for part in parts:
            if not part.spool.journal.done:
                self._uploader.add(part.spool)
        while not all(part.spool.journal.done for part in parts):
            if time.monotonic() > self._until:
                raise NotYet
            self._uploader.wait(0.2)
            self._beat()

    @staticmethod
    def _remove(part: Part) -> None:
        with contextlib.suppress(OSError):
            part.spool.remove()

    # -- beside them -----------------------------------------------------------------------------------------------

    def _extras(
        self, events: Sequence[Event], duration_s: float, files: Sequence[File], earlier: Whole | None
    ) -> list[File]:
        made: list[File] = []
        folder, leg = self._shelf.folder, self._recording.leg
        program = next((file for file in files if file.kind == "program"), None)
        length_s = program.duration_s if program is not None and program.duration_s else duration_s
        marks = webvtt(chapters(events, length_s))
        made.append(self._put("chapters.vtt", "chapters", "text/vtt", marks.encode()))
        picture = extras.poster(folder)
        if earlier is not None and (before := earlier.file("poster")) is not None:
            made.append(before)
        elif picture is not None:
            made.append(self._put("poster.jpg", "poster", "image/jpeg", picture))
        made += self._previews(folder, length_s, leg_name("previews.jpg", leg), earlier)
        chat = b"" if earlier is None else self._small(earlier.file("chat"))
        with contextlib.suppress(FileNotFoundError):
            chat += (folder / CHAT).read_bytes()
        if chat or (folder / CHAT).exists():
            made.append(self._put("chat.jsonl", "chat", "application/jsonl", chat))
        return made

    def _previews(self, folder: Path, length_s: float, name: str, earlier: Whole | None) -> list[File]:
        made = [] if earlier is None else [file for file in earlier.files if file.kind == "previews"]
        try:
            strip = extras.strip(folder, length_s, name)
        except (OSError, ValueError) as error:
            note("warning", "no previews", error=str(error))
            strip = None
        times = "" if earlier is None else self._small(earlier.file("preview")).decode()
        if strip is not None:
            made.append(self._put(name, "previews", "image/jpeg", strip.picture))
            times = joined_vtt(times, strip.times) if times else strip.times
        if times:
            made.append(self._put("previews.vtt", "preview", "text/vtt", times.encode()))
        return made

    def _small(self, file: File | None) -> bytes:
        data: bytes = self._retried(lambda: read_whole(self._store, file))
        return data

    def _manifest(
        self, events: Sequence[Event], names: Mapping[str, str], duration_s: float, files: Sequence[File]
    ) -> File:
        manifest = manifest_of(self._recording, events, names, duration_s, files)
        data = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
        newer: Whole | None = self._retried(lambda: stored_whole(self._store, self._recording.key_prefix))
        # One that comes late, after a later leg was given up waiting for it, takes nothing's place.
        late = newer is not None and newer.legs > self._recording.leg
        return self._put(f"manifest-{self._recording.leg}.json" if late else MANIFEST, "manifest", _JSON, data)

    def _put(self, name: str, kind: Any, content_type: str, data: bytes) -> File:
        key = self._recording.key_prefix + name
        info = ObjectInfo(content_type, {"recording": self._recording.recording_id, "kind": kind})
        self._retried(lambda: self._store.put(key, data, info))
        return File(name=name, key=key, kind=kind, content_type=content_type, size_bytes=len(data))

    def _retried(self, action: Callable[[], Any]) -> Any:
        while True:
            try:
                return action()
            except StoreError as error:
                if time.monotonic() > self._until:
                    raise NotYet from error
                time.sleep(RETRY_PAUSE_S)
                self._beat()


def manifest_of(
    recording: Recording,
    events: Sequence[Event],
    names: Mapping[str, str],
    duration_s: float,
    files: Sequence[File],
) -> dict[str, Any]:
    """What a program needs to work with the files."""
    return {
        "version": 1,
        "recording_id": recording.recording_id,
        "legs": recording.leg,
        "room_id": recording.room_id,
        "started_by": recording.started_by,
        "started_at": recording.started_at,
        "duration_s": round(duration_s, 3),
        "options": recording.options.model_dump(mode="json"),
        "participants": participants(events, names),
        "files": [file.model_dump(mode="json", exclude={"key"}) for file in files],
        "events": [
            {"at_s": event.at_s, "kind": event.kind, "user_id": event.user_id, "name": event.name} for event in events
        ],
    }
