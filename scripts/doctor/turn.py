"""Whether the TURN servers relay for the credentials that clients get."""

from __future__ import annotations

import asyncio
import time

from pydantic import SecretStr

from scripts.doctor.findings import Finding, fail, ok, reason, warn
from scripts.doctor.turn_client import TurnRefused, allocate, parse_turn_url
from sfu.errors import MalformedPacket
from signaling.options import RoomOptions
from signaling.turn import credentials

_USER = "plenum-doctor"
_SECRETS = "rooms.turn.secret = …  # the same as coturn's static-auth-secret (and use-auth-secret set)"
_FIXED = "rooms.ice_servers = …  # user name and credential that this server takes"


async def check_turn(rooms: RoomOptions, *, timeout_s: float = 3.0) -> list[Finding]:
    """Ask each TURN server for an allocation, exactly as a client would."""
    made = [
        (url, server.username or "", _revealed(server.credential), _FIXED)
        for server in rooms.ice_servers
        for url in server.urls
    ]
    if rooms.turn.secret is not None:
        ours = credentials(rooms.turn.secret.get_secret_value(), _USER, time.time() + rooms.turn.lifetime_s)
        made += [(url, *ours, _SECRETS) for url in rooms.turn.urls]
    asked = [_ask(*one, timeout_s) for one in made if one[0].startswith(("turn:", "turns:"))]
    if not asked:
        return [ok("turn", "No TURN server is set: who reaches neither the UDP nor the TCP media port cannot join.")]
    return list(await asyncio.gather(*asked))


def _revealed(credential: SecretStr | None) -> str:
    return credential.get_secret_value() if credential is not None else ""


async def _ask(url: str, username: str, credential: str, change: str, timeout_s: float) -> Finding:
    where = parse_turn_url(url)
    if where is None:
        return warn("turn", f"{url} is not checked: TURN over DTLS is for browsers alone.", "rooms.turn.urls = …")
    try:
        relayed = await allocate(where, username, credential, timeout_s=timeout_s)
    except TurnRefused as refused:
        if refused.code == 401:
            text = f"{url} refuses our credentials: the secrets differ, or the clocks do."
            return fail("turn", text, change)
        return fail("turn", f"{url} gives no allocation: {refused}.", "see the log of the TURN server")
    except MalformedPacket as error:
        return fail("turn", f"{url} does not speak TURN ({error.reason}).", "rooms.turn.urls = …")
    except OSError as error:
        return fail("turn", f"{url} cannot be reached: {reason(error)}.", "rooms.turn.urls = …  # or its firewall")
    return ok("turn", f"{url} relays from {relayed.host}.")
