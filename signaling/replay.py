"""What a session has been sent and its client may have missed, kept to be sent again after a lost connection."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.envelope import Letter


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as a session was sent it. The letter is shared by all who got it."""

    seq: int
    letter: Letter
    reply_to: str | None

    def frame(self) -> str:
        """The same text again."""
        return self.letter.frame(self.seq, self.reply_to)


class ReplayBuffer:
    """The newest messages of a session, bounded by number and characters: too old ones fall out."""

    __slots__ = ("_kept", "_max_characters", "_max_messages", "_seq", "_size")

    def __init__(self, max_messages: int, max_characters: int) -> None:
        self._max_messages = max_messages
        self._max_characters = max_characters
        # A list: an empty deque takes 750 bytes, and most sessions have confirmed all.
        self._kept: list[Sent] = []
        self._size = 0
        self._seq = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def seq(self) -> int:
        """The number of the newest message; 0 before the first."""
        return self._seq

    def start_at(self, seq: int) -> None:
        """Go on counting where another buffer of the same client was."""
        self._seq = max(self._seq, seq)

    def add(self, letter: Letter, reply_to: str | None) -> Sent:
        """Number a message and keep it as long as there is room."""
        self._seq += 1
        sent = Sent(self._seq, letter, reply_to)
        self._kept.append(sent)
        self._size += letter.size
        while self._kept and (len(self._kept) > self._max_messages or self._size > self._max_characters):
            self._drop_first()
        return sent

    def confirm(self, last_seq: int) -> None:
        """The client has everything up to ``last_seq``. A number that was never given out confirms nothing."""
        if last_seq > self._seq:
            return
        while self._kept and self._kept[0].seq <= last_seq:
            self._drop_first()

    def after(self, last_seq: int) -> list[Sent] | None:
        """All that came after ``last_seq``, in order; None if some of it is kept no more, or never was."""
        if not 0 <= last_seq <= self._seq:
            return None
        first = self._kept[0].seq if self._kept else self._seq + 1
        if last_seq + 1 < first:
            return None
        return [sent for sent in self._kept if sent.seq > last_seq]

    def clear(self) -> None:
        """Nothing will be asked for again."""
        self._kept.clear()
        self._size = 0

    def _drop_first(self) -> None:
        self._size -= self._kept.pop(0).letter.size
