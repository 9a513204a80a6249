"""Describes errors of code that is not ours, and tells them apart from Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from functools import partial
from types import CodeType, FrameType

from .escaping import escape_text

MOST = 1000
"""Most characters of an error's text."""


def describe(error: BaseException) -> str:
    """Returns the type and the text of an error on one harmless line, whatever its own methods raise."""
    name = type.__dict__["__name__"].__get__(type(error))  # a metaclass may have a `__name__` of its own
    try:
        text = "".join([str(error)])  # makes a plain `str` of a subclass
    except BaseException:  # noqa: BLE001 - it is not our code, and may fail in any way
        text = "(its text cannot be had)"
    return escape_text(f"{name}: {text}"[:MOST])


def is_of_a_signal(error: BaseException) -> bool:
    """Returns whether a signal to this process raised the error, as Ctrl-C does, and not the running code.

    Python's own handler of Ctrl-C leaves no trace. Where it is in force, each KeyboardInterrupt counts as its.
    """
    if isinstance(error, Exception) or threading.current_thread() is not threading.main_thread():
        return False
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    if isinstance(error, KeyboardInterrupt) and signal.default_int_handler in handlers:
        return True
    codes = {code for handler in handlers if (code := _code(handler))}
    return any(frame.f_code in codes for frame in _frames(error))


def _code(handler: object) -> CodeType | None:
    """Returns the code of a handler written in Python; None for any other."""
    while isinstance(handler, partial):
        handler = handler.func
    if not callable(handler) or isinstance(handler, int):
        return None
    function = getattr(handler, "__func__", handler)
    code = getattr(function, "__code__", None) or getattr(type(handler).__call__, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _frames(error: BaseException) -> Iterator[FrameType]:
    trace = BaseException.__dict__["__traceback__"].__get__(error)
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next
