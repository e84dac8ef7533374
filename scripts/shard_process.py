"""One shard of several, as the supervisor starts it: ``python -m scripts.shard_process READY_FD LISTENER_FD...``.

The settings come over standard input, from the supervisor and nobody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import socket
import sys
from functools import partial

from config.settings import Settings
from scripts import logs
from scripts.app import PlenumServer, run
from scripts.console import show_error
from scripts.failures import CommandError, ExitCode
from scripts.stopping import own_process


def say(ready: int, server: PlenumServer) -> None:
    """Tell over the pipe ``ready``, which is closed then, that the shard listens and where."""
    told = {"media_port": server.media_port, "media_tcp_port": server.media_tcp_port, "shard": server.shard_id}
    # A supervisor that stops meanwhile does not read it any more, and ends this shard next.
    with contextlib.suppress(BrokenPipeError), os.fdopen(ready, "w") as pipe:
        pipe.write(json.dumps(told) + "\n")


def main(arguments: list[str]) -> int:
    """Run the shard; its exit code."""
    ready, *listeners = map(int, arguments)
    settings: Settings = pickle.loads(sys.stdin.buffer.read())
    logs.configure(settings.logging)

    try:
        return run(settings, partial(say, ready), [socket.socket(fileno=number) for number in listeners])
    except CommandError as error:
        show_error(error)
        return error.code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    own_process()
    sys.exit(main(sys.argv[1:]))
