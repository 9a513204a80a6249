"""Packs the answers of one batch for their way from a worker, each on its own.

An answer that cannot be packed or unpacked fails its own call and no other.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import OffloadError
from ..model import Reason
from ..runtime.foreign_errors import describe

_HEAD = struct.Struct("<?Q")
"""Comes before each answer: whether it is an error, and its length."""
LARGE_BYTES = 1 << 18
"""Answers longer than this together are unpacked in a thread, half a millisecond of it."""


class Packed(NamedTuple):
    """One answer in bytes."""

    content: bytes
    is_error: bool = False


def pack(answer: object) -> Packed:
    """Returns the answer in bytes, or an error that says why it cannot be sent."""
    try:
        return Packed(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL), isinstance(answer, BaseException))
    except MemoryError:
        return Packed(pickle.dumps(MemoryError()), is_error=True)
    except BaseException as error:  # noqa: BLE001 - it is not our code, and may fail in any way
        return Packed(pickle.dumps(_unreadable(error)), is_error=True)


def join(answers: Sequence[Packed]) -> bytes:
    """Returns the answers of a batch as one message."""
    return b"".join([part for one in answers for part in (_HEAD.pack(one.is_error, len(one.content)), one.content)])


def split(message: bytes) -> list[Packed]:
    """Returns the answers of such a message."""
    answers, at = list[Packed](), 0
    while at < len(message):
        is_error, length = _HEAD.unpack_from(message, at)
        at += _HEAD.size + length
        answers.append(Packed(message[at - length : at], is_error))
    return answers


def may_block(answers: Sequence[Packed]) -> bool:
    """Whether unpacking may take long: large answers, and errors, whose classes may be of anyone's making."""
    return sum([len(one.content) for one in answers]) > LARGE_BYTES or any(one.is_error for one in answers)


def unpack(answers: Sequence[Packed]) -> list[object]:
    """Returns the answers as they were, each that cannot be read as an error."""
    return [_unpack_one(answer.content) for answer in answers]


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


def _unpack_one(packed: bytes) -> object:
    try:
        answer = pickle.loads(packed)  # safe: only our own worker writes to this pipe
    except BaseException as error:  # noqa: BLE001 - rebuilding a foreign error may fail in any way
        return _unreadable(error)
    return make_safe(answer) if isinstance(answer, BaseException) else answer


def _unreadable(error: BaseException) -> OffloadError:
    return OffloadError(Reason.PARSE_CRASH, f"the worker's answer cannot be read: {describe(error)}")
