"""The end of a recording: every file whole and in the store, then what lies beside them, then the manifest."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from media.jobs.worker import note
from recorder.model import File, Recording
from recorder.options import RecorderOptions
from recorder.storage.spool import Budget
from recorder.storage.store import ObjectInfo, Store, StoreError
from recorder.storage.uploader import Uploader
from recorder.worker import extras
from recorder.worker.chapters import chapters, webvtt
from recorder.worker.joining import SpooledSource, StoredSource, join, pour, repaired
from recorder.worker.parts import Part, PartShelf
from recorder.worker.people import Chronicle

RETRY_PAUSE_S = 0.5
CHAT = "chat.jsonl"


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

    def finish(self, parts: Sequence[Part], chronicle: Chronicle, duration_s: float) -> list[File]:
        """All files of the recording. Raises NotYet."""
        files = []
        ordered = sorted(parts, key=lambda part: (part.identity, part.attempt))
        for _, group in groupby(ordered, key=lambda part: part.identity):
            file = self._file(list(group))
            if file is not None:
                files.append(file)
        files.sort(key=lambda file: (file.kind != "program", file.offset_s, file.name))
        files += self._extras(chronicle, duration_s, files)
        files.append(self._manifest(chronicle, duration_s, files))
        for part in parts:
            self._remove(part)
        return files

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
            spool.truncate(0)  # it did not get as far as a head
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
        joined = self._shelf.create(file, parts[0].origin)
        self._uploader.add(joined.spool)
        pour(whole, found.length, joined.spool, self._beat)
        joined.spool.close((patch.offset, patch.data) for patch in found.patches)
        self._until_stored([joined])
        for part in parts:
            if part.spool.journal.key != file.key:
                self._retried(lambda key=part.spool.journal.key: self._store.delete(key))  # type: ignore[misc]
        self._remove(joined)
        return file

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

    def _extras(self, chronicle: Chronicle, duration_s: float, files: Sequence[File]) -> list[File]:
        made: list[File] = []
        folder = self._shelf.folder
        program = next((file for file in files if file.kind == "program"), None)
        length_s = program.duration_s if program is not None and program.duration_s else duration_s
        marks = webvtt(chapters(chronicle.events, length_s))
        made.append(self._put("chapters.vtt", "chapters", "text/vtt", marks.encode()))
        picture = extras.poster(folder)
        if picture is not None:
            made.append(self._put("poster.jpg", "poster", "image/jpeg", picture))
        try:
            strip = extras.strip(folder, length_s, "previews.jpg")
        except (OSError, ValueError) as error:
            note("warning", "no previews", error=str(error))
            strip = None
        if strip is not None:
            made.append(self._put("previews.jpg", "previews", "image/jpeg", strip.picture))
            made.append(self._put("previews.vtt", "preview", "text/vtt", strip.times.encode()))
        with contextlib.suppress(FileNotFoundError):
            made.append(self._put("chat.jsonl", "chat", "application/jsonl", (folder / CHAT).read_bytes()))
        return made

    def _manifest(self, chronicle: Chronicle, duration_s: float, files: Sequence[File]) -> File:
        manifest = manifest_of(self._recording, chronicle, duration_s, files)
        data = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
        return self._put("manifest.json", "manifest", "application/json", data)

    def _put(self, name: str, kind: Any, content_type: str, data: bytes) -> File:
        key = self._recording.key_prefix + name
        info = ObjectInfo(content_type, {"recording": self._recording.recording_id, "kind": kind})
        self._retried(lambda: self._store.put(key, data, info))
        return File(name=name, key=key, kind=kind, content_type=content_type, size_bytes=len(data))

    def _retried(self, action: Callable[[], object]) -> None:
        while True:
            try:
                action()
                return
            except StoreError as error:
                if time.monotonic() > self._until:
                    raise NotYet from error
                time.sleep(RETRY_PAUSE_S)
                self._beat()


def manifest_of(recording: Recording, chronicle: Chronicle, duration_s: float, files: Sequence[File]) -> dict[str, Any]:
    """What a program needs to work with the files."""
    return {
        "version": 1,
        "recording_id": recording.recording_id,
        "room_id": recording.room_id,
        "started_by": recording.started_by,
        "started_at": recording.started_at,
        "duration_s": round(duration_s, 3),
        "options": recording.options.model_dump(mode="json"),
        "participants": chronicle.participants(),
        "files": [file.model_dump(mode="json", exclude={"key"}) for file in files],
        "events": [
            {"at_s": event.at_s, "kind": event.kind, "user_id": event.user_id, "name": event.name}
            for event in chronicle.events
        ],
    }
