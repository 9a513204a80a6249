"""The answers of one batch on their way from a worker: each one wrapped by itself.

An answer that cannot be sent, or cannot be read where it arrives, costs its own call and none beside it.
"""

from __future__ import annotations

import pickle

from ..errors import OffloadError
from ..model import Reason
from ..runtime.foreign_errors import describe


class Parcel:
    """Holds packed answers. Where it is unpickled, a list of answers comes out: in a thread, not on the loop."""

    def __init__(self, packed: list[bytes]) -> None:
        self._packed = packed

    def __reduce__(self) -> tuple[object, ...]:
        return _unpack, (self._packed,)


def pack(answer: object) -> bytes:
    """Returns the answer in bytes, or an error that says why it cannot be sent."""
    try:
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return pickle.dumps(MemoryError())
    except BaseException as error:  # noqa: BLE001 - it is not our code, and may fail in any way
        return pickle.dumps(_unreadable(error))


def tamed(error: BaseException) -> Exception:
    """Returns the error as one that may be raised on the loop, without the frames that hold the page.

    Others than an `Exception` would end the loop or be taken for a cancellation, and no future takes StopIteration.
    """
    if isinstance(error, MemoryError):
        return MemoryError()  # a new one: its traceback would hold all that the page filled memory with
    is_odd = type(error).__setattr__ is not BaseException.__setattr__  # Python itself sets what an error carries
    if is_odd or not isinstance(error, Exception) or isinstance(error, StopIteration):
        return OffloadError(Reason.PARSE_CRASH, f"reading it raised {describe(error)}")
    for name in ("__traceback__", "__cause__", "__context__"):
        BaseException.__dict__[name].__set__(error, None)
    return error


def _unpack(packed: list[bytes]) -> list[object]:
    return [_unpack_one(answer) for answer in packed]


def _unpack_one(packed: bytes) -> object:
    try:
        answer = pickle.loads(packed)  # of our own worker, as everything that comes through its pipe
    except BaseException as error:  # noqa: BLE001 - a foreign error may do anything as it is made anew
        return _unreadable(error)
    return tamed(answer) if isinstance(answer, BaseException) else answer


def _unreadable(error: BaseException) -> OffloadError:
    return OffloadError(Reason.PARSE_CRASH, f"what the worker answered cannot be read: {describe(error)}")
