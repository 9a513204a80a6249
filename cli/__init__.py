"""The `crawl` command."""

import atexit
import os
import signal
import sys
from collections.abc import Callable

from .garbage import look_rarely
from .interrupts import end_on_ctrl_c


def main() -> None:
    """Runs the command. Imports are made on demand, so that `crawl --help` answers at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # ignored, as with nohup, it stays ignored
        signal.signal(signal.SIGINT, end_on_ctrl_c)
    _fill_gaps()
    look_rarely()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start one for each core
    note_code = leave_at_once()
    from .app import main as run

    try:
        run()
    except SystemExit as end:
        note_code(end.code)
        raise


def _fill_gaps() -> None:
    """Opens /dev/null for each standard file that the caller closed (`crawl ... >&-`).

    Otherwise the next file that we open would get its number, and would be used as standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def leave_at_once() -> Callable[[object], None]:
    """Lets the process end without freeing its memory piece by piece, once all else that is done at an end was done.

    That takes a sixth of the CPU time of a short command. Returns a function that takes the exit code; without one, and
    where others wait for the end of the process as well, it ends as usual.
    """
    codes: list[int] = []

    def leave() -> None:
        if codes:
            try:
                sys.stdout.flush()
                sys.stderr.flush()
            except (OSError, ValueError):  # Python itself tells of it
                return
            os._exit(codes[0])

    def note(code: object) -> None:
        if code is None or isinstance(code, int):
            codes.append(int(code or 0) & 0xFF)

    if not getattr(atexit, "_ncallbacks", int)():  # the first one that is registered is called last
        atexit.register(leave)
    return note
