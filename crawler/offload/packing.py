"""Packs the answers of one batch for their way from a worker, each on its own.

An answer that cannot be packed or unpacked fails its own call and no other.
"""

from __future__ import annotations

import pickle

from ..errors import OffloadError
from ..model import Reason
from ..runtime.foreign_errors import describe


class PackedAnswers:
    """Holds packed answers. Unpickling it gives the list of answers; this happens in a thread and not on the loop."""

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


def make_safe(error: BaseException) -> Exception:
    """Returns an error that is safe to raise on the loop, without the traceback that keeps the page in memory.

    An error that is no `Exception` would end the loop or be taken for a cancellation, and a future refuses
    StopIteration.
    """
    if isinstance(error, MemoryError):
        return MemoryError()  # a new one: the old traceback would keep everything the page allocated
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
        answer = pickle.loads(packed)  # safe: only our own worker writes to this pipe
    except BaseException as error:  # noqa: BLE001 - rebuilding a foreign error may fail in any way
        return _unreadable(error)
    return make_safe(answer) if isinstance(answer, BaseException) else answer


def _unreadable(error: BaseException) -> OffloadError:
    return OffloadError(Reason.PARSE_CRASH, f"the worker's answer cannot be read: {describe(error)}")
