"""Starts workers that do not import the user's program, and imports it there for a parse function that stands in it.

multiprocessing imports the program in each new process. A program without an `if __name__ == "__main__":` would begin
to crawl there, and one that was read from standard input cannot be imported at all.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from multiprocessing import context, popen_forkserver, spawn
from multiprocessing.process import BaseProcess
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

from ..errors import ParseError
from ..model import Reason
from ..runtime.foreign_errors import describe, is_of_a_signal

_MAIN = "init_main_from_"
"""Begins the names under which multiprocessing tells a new process where the program is."""
UNGUARDED = "the program crawls as soon as it is imported"


class Unguarded(BaseException):
    """Raised in a worker that imports the program for its parse function, where the program begins to crawl."""


# -- workers without the program ---------------------------------------------------------------------------------------


def _prepare_without_program(name: str) -> dict[str, Any]:
    """Returns what a new process must know, but for the place of the program."""
    return {key: value for key, value in spawn.get_preparation_data(name).items() if not key.startswith(_MAIN)}


_launch = popen_forkserver.Popen._launch  # type: ignore[attr-defined]


class _Popen(popen_forkserver.Popen):
    """Launches a process as Popen does, but asks `_prepare_without_program` what to tell it.

    Python's own method runs here with another `spawn` among its globals. A change to the module would be for all
    threads of the process, and for processes that are not ours.
    """

    _launch = FunctionType(
        _launch.__code__,
        {**vars(popen_forkserver), "spawn": SimpleNamespace(get_preparation_data=_prepare_without_program)},
        closure=_launch.__closure__,
    )


class _Process(context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        return _Popen(process_obj)


class WorkerContext(context.ForkServerContext):
    """Makes processes that do not import the program."""

    Process = _Process


# -- a function of the program -----------------------------------------------------------------------------------------


def stands_in_program(pickled: bytes) -> bool:
    """Whether a pickle needs the program itself, where it can be unpickled at all."""
    return b"__main__" in pickled or b"__mp_main__" in pickled


def why_not_importable() -> str:
    """Returns why workers cannot import the program. Empty: they can try."""
    main = sys.modules["__main__"]
    name, file = getattr(main.__spec__, "name", None), getattr(main, "__file__", None)
    if name is None and file is None:
        return "it was defined in an interactive session, which workers cannot import"
    if name is None and not os.path.isfile(str(file)):
        return "the program was read from standard input, and workers cannot import it"
    if name is not None and (name == "__main__" or name.endswith(".__main__")):
        return "it stands in the __main__.py of a package or an archive, which workers cannot import"
    return ""


class _Program(NamedTuple):
    """Where the program is, as multiprocessing tells it."""

    key: str
    place: str


class OfProgram:
    """A function that stands in the user's program. A worker that unpickles it imports the program before."""

    __slots__ = ("_function", "_packed", "_program")

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._packed = pickle.dumps(function)
        places = [(key, str(value)) for key, value in spawn.get_preparation_data("").items() if key.startswith(_MAIN)]
        self._program = _Program(*places[0])

    def __call__(self, *args: object) -> object:
        return self._function(*args)

    def __reduce__(self) -> tuple[object, ...]:
        return _load, (self._program, self._packed)


class OfModule:
    """A function of a module. A worker that cannot import the module gets a NotLoaded in its place."""

    __slots__ = ("_function", "_packed")

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._packed = pickle.dumps(function)

    def __call__(self, *args: object) -> object:
        return self._function(*args)

    def __reduce__(self) -> tuple[object, ...]:
        return _unpack, (self._packed,)


class NotLoaded:
    """Stands in a worker for a function whose program or module cannot be imported."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __call__(self, *args: object) -> object:
        raise ParseError(Reason.PARSE, self.why)


def why_not_loaded(function: object) -> str:
    """Returns why a function could not be loaded in this worker. Empty: it was."""
    return function.why if isinstance(function, NotLoaded) else ""


def refuse_in_worker() -> None:
    """Raises Unguarded where a worker is importing the program: this crawl is not meant to be."""
    if _importing:
        raise Unguarded(UNGUARDED)


def _load(program: _Program, packed: bytes) -> object:
    try:
        if program not in _imported:
            _imported[program] = _import(program)
        return NotLoaded(_imported[program]) if _imported[program] else pickle.loads(packed)
    except Exception as error:  # noqa: BLE001 - it runs code of the user's classes
        return NotLoaded(describe(error))


def _unpack(packed: bytes) -> object:
    try:
        return pickle.loads(packed)
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        return NotLoaded(describe(error))


def _import(program: _Program) -> str:
    """Imports the program as `__mp_main__`. Returns why it cannot be; empty: it is imported."""
    _importing.append(program)
    try:
        spawn.prepare({program.key: program.place})
    except Unguarded:
        return UNGUARDED
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        return describe(error)
    finally:
        _importing.remove(program)
    return ""


_imported: dict[_Program, str] = {}
_importing: list[_Program] = []
# The state of this worker process, which nothing in it could own.
