"""The newest packets of one Encoding, kept once for the resends of all its Consumers."""

from __future__ import annotations

from sfu.rtp.packet import RtpPacket


class PacketHistory:
    """A ring of packets addressed by unwrapped sequence number; O(1) both ways.

    ``size`` is how many sequence numbers back a packet can still be found; it is rounded up to a power of two.
    """

    __slots__ = ("_mask", "_ring", "size")

    def __init__(self, size: int = 512) -> None:
        if size < 1:
            raise ValueError("size must be positive")
        self.size = 1 << (size - 1).bit_length()
        self._mask = self.size - 1
        self._ring: list[RtpPacket | None] = [None] * self.size

    def put(self, packet: RtpPacket) -> None:
        """Keep ``packet``, whose ``ext_seq`` is set; a late one does not drive out a newer one."""
        ring, place = self._ring, packet.ext_seq & self._mask
        known = ring[place]
        if known is None or known.ext_seq <= packet.ext_seq:
            ring[place] = packet

    def get(self, ext_seq: int) -> RtpPacket | None:
        """The packet with this unwrapped number, or None if it never came or is too old."""
        packet = self._ring[ext_seq & self._mask]
        return packet if packet is not None and packet.ext_seq == ext_seq else None

    def clear(self) -> None:
        """Forget all packets."""
        self._ring = [None] * self.size
