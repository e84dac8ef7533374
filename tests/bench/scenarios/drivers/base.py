"""What a server must be able to do to be measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.chromium import Chromium, Tab
from tests.support.relay_process import PathHandle, RelayProcess


@dataclass
class Seat:
    """One participant: its tab, and the path that its media takes where it goes through the relay."""

    name: str
    tab: Tab
    path: PathHandle | None = None
    memo: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Camera:
    """What a publisher sends."""

    width: int = 1280
    height: int = 720
    frames_per_s: int = 20
    max_bitrate_bps: int = 1_700_000
    gain: float = 0.3  # of its tone
    codec: str | None = None


class Driver(ABC):
    """Owns the server process and speaks its signaling. Names of scenarios that it cannot do are in ``cannot``."""

    name = "server"
    cannot: frozenset[str] = frozenset()

    def __init__(self, directory: Path, chromium: Chromium, relays: RelayProcess) -> None:
        self.directory = directory
        self.chromium = chromium
        self.relays = relays
        self.publishing: Tab | None = None  # all publishers share a page: a page each would cost more than their media

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    async def publisher(self, room: str, name: str, camera: Camera) -> Seat:
        """In the room, and sending camera and tone over a clean path."""

    @abstractmethod
    async def subscriber(self, room: str, name: str, *, size: tuple[int, int] = (1280, 720)) -> Seat:
        """In the room, and receiving all of its publishers through a relay of its own."""

    async def explain(self, seat: Seat) -> dict[str, Any] | None:
        """What the server says about a subscriber; None where it says nothing."""
        return None

    async def want(self, seat: Seat, quality: str) -> None:
        """Ask for ``low`` or ``auto`` quality of everything."""
        raise NotImplementedError

    @abstractmethod
    def cpu_s(self) -> float:
        """Processor time of the server so far."""
