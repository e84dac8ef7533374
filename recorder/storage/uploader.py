"""Threads that bring spools to the store, for as long as it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from recorder.storage.spool import Spool
from recorder.storage.store import Failure, Store, StoreError

FIRST_PAUSE_S = 0.25
LOOK_EVERY_S = 0.25


class Uploader:
    """Uploads the parts of many spools as they fill, and completes those that are closed.

    A failure is tried again after a pause that grows to ``retry_max_s``, for ever: the spools hold the media.
    ``problem`` is the last failure while it lasts.
    """

    def __init__(
        self,
        store: Store,
        *,
        threads: int = 2,
        retry_max_s: float = 10.0,
        on_done: Callable[[Spool], None] = lambda spool: None,
        on_bug: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self.problem: StoreError | None = None
        self.uploaded_bytes = 0
        self.retries = 0
        self._store = store
        self._retry_max_s = retry_max_s
        self._on_done = on_done
        self._on_bug = on_bug
        self._spools: list[Spool] = []
        self._busy: set[int] = set()
        self._changed = threading.Condition()
        self._ending = False
        self._failures_in_a_row = 0
        self._threads = [
            threading.Thread(target=self._run, name=f"upload {number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, spool: Spool) -> None:
        """Look after a spool from now on."""
        with self._changed:
            self._spools.append(spool)
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """Spools that are not done."""
        return len(self._spools)

    @property
    def lag_parts(self) -> int:
        """The most full parts that any spool waits with."""
        return max((spool.lag_parts for spool in list(self._spools)), default=0)

    def wait(self, timeout_s: float) -> bool:
        """Until all closed spools are done, or no longer than that; whether they are."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while any(spool.journal.closed for spool in self._spools):
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, LOOK_EVERY_S))
        return True

    def close(self) -> None:
        """End the threads; what is not uploaded stays in its spool."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=2.0)

    # -- threads ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (spool := self._take()) is not None:
            try:
                self._step(spool)
                self.problem = None
                self._failures_in_a_row = 0
            except StoreError as error:
                self.problem = error
                self._failures_in_a_row += 1
                self.retries += 1
                if error.failure is Failure.LOST and not spool.journal.parts:
                    spool.journal.upload_id = None  # nothing of it had arrived: begin anew
            except OSError as error:
                self.problem = StoreError(Failure.UNREACHABLE, f"the spool: {error.strerror}")
                self._failures_in_a_row += 1
            except Exception as error:
                # An answer that no one foresaw costs a try, not the thread and with it all files.
                self.problem = StoreError(Failure.REFUSED, f"unforeseen: {type(error).__name__}")
                self._failures_in_a_row += 1
                self._on_bug(error)
            finally:
                self._give(spool)
            if self.problem is not None:
                self._pause()

    def _take(self) -> Spool | None:
        """A spool that has something to do; None at the end."""
        with self._changed:
            while not self._ending:
                for spool in self._spools:
                    if id(spool) not in self._busy and (spool.journal.closed or spool.next_upload() is not None):
                        self._busy.add(id(spool))
                        return spool
                self._changed.wait(LOOK_EVERY_S)
        return None

    def _give(self, spool: Spool) -> None:
        with self._changed:
            self._busy.discard(id(spool))
            # Those that have much to do must not keep the others waiting.
            if spool in self._spools:
                self._spools.remove(spool)
                if not spool.journal.done:
                    self._spools.append(spool)
            self._changed.notify_all()

    def _pause(self) -> None:
        pause_s = min(FIRST_PAUSE_S * 2.0 ** min(self._failures_in_a_row, 10), self._retry_max_s)
        until = time.monotonic() + pause_s
        with self._changed:
            while not self._ending and self.problem is not None and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def _step(self, spool: Spool) -> None:
        """One part, or the completion."""
        journal = spool.journal
        if journal.upload_id is None:
            upload_id = self._store.begin(journal.key, journal.info, journal.part_size)
            with spool.lock:
                journal.upload_id = upload_id
                spool.save()
        number = spool.next_upload()
        if number is not None:
            data = spool.part_path(number).read_bytes()
            part = self._store.put_part(journal.key, journal.upload_id or "", number, data, journal.part_size)
            self.uploaded_bytes += part.size
            spool.stored(part)
        elif journal.closed:
            if not journal.parts:  # a file without a byte
                self._store.abort(journal.key, journal.upload_id or "")
            else:
                self._store.complete(journal.key, journal.upload_id or "", journal.parts)
            journal.done = True
            with spool.lock:
                spool.save()
            self._on_done(spool)
