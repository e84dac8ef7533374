"""Writes of one room as one script: either the room is still ours and all are done, or none.

Commands are collected as redis-py would send them, and sent as arguments of ``APPLY`` together with the fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.commands.core import AsyncCoreCommands

from signaling.events.keys import APPEND, REOPEN

DONE, FENCED, EMPTIED = 1, 0, -1

# KEYS: the room's fence. ARGV: our fence ('': without one), then the commands: how many words, the words.
APPLY = f"""
local functions = {{}}
functions['@append'] = function(KEYS, ARGV)
{APPEND}
end
functions['@reopen'] = function(KEYS, ARGV)
{REOPEN}
end
if ARGV[1] ~= '' then
  local fence = redis.call('GET', KEYS[1])
  if not fence then return {EMPTIED} end
  if fence ~= ARGV[1] then return {FENCED} end
end
local at = 2
while ARGV[at] do
  local last = at + tonumber(ARGV[at])
  local name = ARGV[at + 1]
  local call = functions[name]
  if call then
    local count = tonumber(ARGV[at + 2])
    local keys, args = {{}}, {{}}
    for i = 1, count do keys[i] = ARGV[at + 2 + i] end
    for i = at + 3 + count, last do args[#args + 1] = ARGV[i] end
    call(keys, args)
  else
    redis.call(unpack(ARGV, at + 1, last))
  end
  at = last + 1
end
return {DONE}
"""


class CommandList(AsyncCoreCommands):
    """Takes the calls of a redis-py client and keeps their words. An expiry that is set again counts once."""

    _event_dispatcher: Any = None  # for redis-py, which speaks of nothing here

    def __init__(self) -> None:
        self._commands: dict[tuple[Any, ...] | int, tuple[Any, ...]] = {}

    def __len__(self) -> int:
        return len(self._commands)

    def execute_command(self, *args: Any, **options: Any) -> None:
        """Keep one command."""
        # "EXPIRE key seconds" of a batch is said once, as the last of its equals.
        name: tuple[Any, ...] | int = args if args[0] == "EXPIRE" else len(self._commands)
        while isinstance(name, int) and name in self._commands:
            name += 1
        self._commands.pop(name, None)
        self._commands[name] = args

    def call(self, function: str, keys: Sequence[str], args: Sequence[Any]) -> None:
        """Keep a call of one of the script's own functions, such as ``@append``."""
        self.execute_command(function, len(keys), *keys, *args)

    def words(self) -> list[Any]:
        """All commands as arguments of the script."""
        return [word for command in self._commands.values() for word in (len(command), *command)]
