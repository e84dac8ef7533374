"""The Lua scripts of leases, and how scripts are run one by one and many at once, also on a cluster.

A fence is a number that grows with every change of hands, also over a loss of all data: it is never lower than the
server's clock in microseconds was at the taking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError, RedisError

FENCE_LIFETIME_S = 7 * 86_400

_NEXT_FENCE = f"""
local function grant(holder, lifetime_ms)
  local clock = redis.call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local last = tonumber(redis.call('GET', KEYS[2]) or '0')
  local fence = string.format('%.0f', math.max(last + 1, now))
  redis.call('SET', KEYS[2], fence, 'EX', {FENCE_LIFETIME_S})
  redis.call('SET', KEYS[1], holder, 'PX', lifetime_ms)
  return fence
end
"""

# ARGV: who, lifetime, a holder that is known to be dead. Answers {1 if it is ours now, holder, fence}. Whoever has the
# room already keeps its fence: an answer may have been lost, and a new one would refuse what was decided with the old.
TAKE = (
    _NEXT_FENCE
    + """
local holder = redis.call('GET', KEYS[1])
local last = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return {0, holder, last or ''} end
if holder == ARGV[1] and last then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, ARGV[1], last}
end
return {1, ARGV[1], grant(ARGV[1], ARGV[2])}
"""
)

# ARGV: who, fence, lifetime. 1: renewed, also when it had run out and nobody took it; 0: another has it;
# -1: nothing is known of the room, because Redis has lost its data.
RENEW = f"""
local last = redis.call('GET', KEYS[2])
local holder = redis.call('GET', KEYS[1])
if not last and not holder then return -1 end
if (holder and holder ~= ARGV[1]) or last ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('EXPIRE', KEYS[2], {FENCE_LIFETIME_S})
return 1
"""

# ARGV: who, fence, lifetime. After a loss of data: takes the room back with its old fence, unless another has it.
RECLAIM = f"""
local last = redis.call('GET', KEYS[2])
local holder = redis.call('GET', KEYS[1])
if (holder and holder ~= ARGV[1]) or (last and last ~= ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', {FENCE_LIFETIME_S})
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1
"""

# ARGV: who, fence. Gives a room up.
RELEASE = """
if redis.call('GET', KEYS[2]) ~= ARGV[2] or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""

# ARGV: who, fence, to whom, lifetime. Hands a room on; answers the new fence, or '' if it was not ours to give.
HAND_OVER = (
    _NEXT_FENCE
    + """
local holder = redis.call('GET', KEYS[1])
if redis.call('GET', KEYS[2]) ~= ARGV[2] or (holder and holder ~= ARGV[1]) then return '' end
return grant(ARGV[3], ARGV[4])
"""
)


class Call(NamedTuple):
    """A script with its keys and arguments."""

    script: str
    keys: Sequence[str]
    args: Sequence[Any]


async def run(redis: Any, call: Call) -> Any:
    """Run one script; raises what redis-py raises."""
    found = await run_many(redis, [call])
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


async def run_many(redis: Any, calls: Sequence[Call]) -> list[Any]:
    """Run scripts in one round trip; their answers in order, a failure of one in its place.

    Raises what redis-py raises when the server cannot be reached.
    """
    if not calls:
        return []
    answers = await _by_digest(redis, calls)
    missing = [index for index, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if missing:
        for script in {calls[index].script for index in missing}:
            await redis.script_load(script)
        for index, answer in zip(missing, await _by_digest(redis, [calls[i] for i in missing]), strict=True):
            answers[index] = answer
    return answers


async def _by_digest(redis: Any, calls: Sequence[Call]) -> list[Any]:
    pipe = redis.pipeline(transaction=False)
    for call in calls:
        # By its name and not by its method: that of a cluster's pipeline refuses, though each room has its one node.
        pipe.execute_command("EVALSHA", digest(call.script), len(call.keys), *call.keys, *call.args)
    return list(await pipe.execute(raise_on_error=False))


_digests: dict[str, str] = {}


def digest(script: str) -> str:
    """The name by which Redis knows a script."""
    known = _digests.get(script)
    if known is None:
        known = _digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    return known


def failure_of(answers: Sequence[Any]) -> RedisError | None:
    """The first failure among answers."""
    return next((answer for answer in answers if isinstance(answer, RedisError)), None)
