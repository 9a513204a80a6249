"""The program of one event loop among several; `one_loop` has its work. A parent starts it (`crawler.loops`)."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys


def main(descriptor: int) -> None:
    """Runs one loop over the socket that the parent made. Its helpers are forked while it has one thread."""
    from ..offload import fork_early, give_memory_back, start_fork_server  # noqa: PLC0415 - as few as can be before

    for one in (signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # the terminal's: the parent takes them
    fork_early(gc.get_threshold())
    start_fork_server()
    from ..event_loop import loop_factory  # noqa: PLC0415
    from .one_loop import serve  # noqa: PLC0415

    give_memory_back()
    sys.setswitchinterval(1e-4)
    with socket.socket(fileno=descriptor) as ours, asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(ours))


if __name__ == "__main__":
    main(int(sys.argv[1]))
