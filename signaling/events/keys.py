"""Names of what the event log keeps in Redis, and the scripts that write it.

``P:{R}:events`` is a stream whose ids are ``SEQ-0``; ``P:{R}:events-meta`` holds the last ``seq`` and, by writer, how
far each has come: a write that is sent again changes nothing. ``P:{R}:analytics``, ``-users`` and ``-open`` hold the
totals, who has ever been there, and since when those are there that are there now. ``P:webhooks:rooms`` names the rooms
of which something may have to be posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signaling import effects as fx
from signaling.events.options import EventOptions
from signaling.key_base import room_base

if TYPE_CHECKING:
    from signaling.writing import CommandList

# Of a room that is open: far longer than anybody is silent there.
OPEN_LIFETIME_S = 7 * 86_400
MAX_WRITERS = 200

APPEND = """
local seen = redis.call('HGET', KEYS[2], 'w:' .. ARGV[1])
if seen and tonumber(ARGV[2]) <= tonumber(seen) then return 0 end
local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last[1] then
  local newest = tonumber(string.match(last[1][1], '^(%d+)'))
  if newest >= seq then
    seq = newest + 1
    redis.call('HSET', KEYS[2], 'seq', seq)
  end
end
if redis.call('HLEN', KEYS[2]) > tonumber(ARGV[10]) then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], 'seq', seq)
end
redis.call('HSET', KEYS[2], 'w:' .. ARGV[1], ARGV[2])
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], seq .. '-0', 'id', ARGV[1] .. '-' .. ARGV[2],
  'type', ARGV[5], 'actor', ARGV[6], 'at', ARGV[7], 'payload', ARGV[8])
local tally, user, now = ARGV[9], ARGV[11], tonumber(ARGV[7])
redis.call('HSET', KEYS[3], 'last', ARGV[7])
if tally == 'message' then redis.call('HINCRBY', KEYS[3], 'messages', 1) end
if tally == 'file' then redis.call('HINCRBY', KEYS[3], 'files', 1) end
if tally == 'join' then
  if redis.call('HLEN', KEYS[5]) == 0 then redis.call('HSET', KEYS[3], 'occupied_from', ARGV[7]) end
  redis.call('SADD', KEYS[4], user)
  redis.call('HSETNX', KEYS[5], user, ARGV[7])
  local peak = tonumber(redis.call('HGET', KEYS[3], 'peak') or '0')
  local present = redis.call('HLEN', KEYS[5])
  if present > peak then redis.call('HSET', KEYS[3], 'peak', present) end
end
if tally == 'leave' then
  local since = redis.call('HGET', KEYS[5], user)
  if since then
    redis.call('HDEL', KEYS[5], user)
    redis.call('HINCRBY', KEYS[3], 'sessions', 1)
    redis.call('HINCRBYFLOAT', KEYS[3], 'sessions_s', string.format('%.3f', math.max(0, now - tonumber(since))))
    if redis.call('HLEN', KEYS[5]) == 0 then
      local from = tonumber(redis.call('HGET', KEYS[3], 'occupied_from') or ARGV[7])
      redis.call('HINCRBYFLOAT', KEYS[3], 'occupied_s', string.format('%.3f', math.max(0, now - from)))
    end
  end
end
for i = 1, 5 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
redis.call('EXPIRE', KEYS[2], ARGV[12])
return seq
"""

# Those who were there when the process died were there until the last thing that is known.
REOPEN = """
local open = redis.call('HGETALL', KEYS[2])
if #open == 0 then return 0 end
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
for i = 1, #open, 2 do
  redis.call('HINCRBY', KEYS[1], 'sessions', 1)
  redis.call('HINCRBYFLOAT', KEYS[1], 'sessions_s', string.format('%.3f', math.max(0, last - tonumber(open[i + 1]))))
end
local from = tonumber(redis.call('HGET', KEYS[1], 'occupied_from') or last)
redis.call('HINCRBYFLOAT', KEYS[1], 'occupied_s', string.format('%.3f', math.max(0, last - from)))
redis.call('DEL', KEYS[2])
return #open / 2
"""


def cursor_lifetime_s(lifetime_s: int) -> int:
    """How long a receiver's place in a log is known: longer than the log, or all of it would be told once more."""
    return lifetime_s + OPEN_LIFETIME_S


def meta_lifetime_s(lifetime_s: int) -> int:
    """How long a room's numbers go on: longer than any receiver's place is known, or new events would seem old."""
    return 3 * lifetime_s + 3 * OPEN_LIFETIME_S


class EventKeys:
    """The keys of one room."""

    __slots__ = ("analytics", "cursors", "events", "meta", "open", "rooms", "users")

    def __init__(self, prefix: str, room_id: str) -> None:
        room = room_base(prefix, room_id)
        self.events = f"{room}:events"
        self.meta = f"{room}:events-meta"
        self.analytics = f"{room}:analytics"
        self.users = f"{room}:analytics-users"
        self.open = f"{room}:analytics-open"
        self.cursors = f"{room}:webhook-cursors"
        self.rooms = f"{prefix}:webhooks:rooms"

    def log(self) -> tuple[str, str, str, str, str]:
        """Those that are written with every event."""
        return self.events, self.meta, self.analytics, self.users, self.open


def append(pipe: CommandList, keys: EventKeys, write: fx.AppendEvent, options: EventOptions) -> None:
    """Put an event at the end of a room's log, once, however often this is repeated."""
    pipe.call(
        "@append",
        keys.log(),
        [
            write.writer,
            write.number,
            options.max_events,
            max(options.lifetime_s, OPEN_LIFETIME_S),
            write.type,
            write.actor or "",
            f"{write.at_unix:.3f}",
            write.payload,
            write.tally,
            MAX_WRITERS,
            write.user,
            meta_lifetime_s(options.lifetime_s),
        ],
    )


def reopen(pipe: CommandList, keys: EventKeys) -> None:
    """A room is opened: whoever is counted as being there is not."""
    pipe.call("@reopen", [keys.analytics, keys.open], [])


def retire(pipe: Any, keys: EventKeys, options: EventOptions) -> None:
    """A room has ended: its log lives on for a while."""
    for key in keys.log():
        pipe.expire(key, options.lifetime_s)
    pipe.expire(keys.meta, meta_lifetime_s(options.lifetime_s))
