"""Holds what the user's parse function returned, on its way from a worker."""

from __future__ import annotations

import pickle
from typing import Literal


class Returned:
    """A value of the user's parse function. It is unpacked when somebody asks for it, and once only."""

    __slots__ = ("_kind", "_value")

    def __init__(self, value: object, kind: Literal["object", "pickle"]) -> None:
        """`value` is the object itself, or the bytes that it is made of."""
        self._value, self._kind = value, kind

    def get(self) -> object:
        """Returns the value. Raises what unpickling it raises: that is code of its own class."""
        if self._kind == "pickle":
            assert isinstance(self._value, bytes)
            self._value, self._kind = pickle.loads(self._value), "object"  # only our own workers send pickles
        return self._value
