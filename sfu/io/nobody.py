"""Who is told when nobody is to be told any more."""

from __future__ import annotations


def ignore(*_: object) -> None:
    """Do nothing with it."""


class Nobody:
    """Takes the place of a handler that has ended, or of one that does not want to know.

    Who has a handler that has him would be left to the garbage collector with all that they know; its walk through a
    server of a thousand participants holds every packet up for half a second.
    """

    on_dtls = on_link_state = on_dtls_connected = on_dtls_data = on_dtls_closed = staticmethod(ignore)
    on_rtp = on_rtcp = on_data = on_secured = on_state = on_channel = on_message = staticmethod(ignore)


NOBODY = Nobody()
