"""Takes the user's own parse functions: checks them at the door, and has a worker try to load them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Literal, TypeAlias, TypeVar

from ..errors import ConfigError, OffloadError
from ..offload import UNGUARDED, OfModule, OfProgram, stands_in_program, why_not_importable, why_not_loaded
from ..parse import Content, Parsers
from ..protocols import Offloader
from ..runtime.named_functions import load_function
from ..settings import Config

T = TypeVar("T")
Extract: TypeAlias = Callable[[Content], object]
"""The user's own parse function, or several of them in one."""
Parse: TypeAlias = Callable[[Content], T] | Sequence[tuple[str, Callable[[Content], T]]]
"""The option `parse` of a crawl: a function, or pairs of a pattern or a label and a function."""
Returns: TypeAlias = Literal["json", "pickle", "object"]
"""How results come back from workers, see `ParseJob.returns`."""
_GUARD = 'put `if __name__ == "__main__":` before the call that crawls, or move the function to a module of its own'


def take_parse(parse: Parse[object] | None, config: Config, name: str = "") -> Extract | None:
    """Returns the parse function that workers call. Raises ConfigError for one that would fail at every page.

    `name` is that of a function in the settings, which is taken where a program gives none.
    """
    if parse is None and name:
        parse = _load(name)
    if parse is None:
        return None
    extract: Extract
    if callable(parse):
        extract, functions = parse, [parse]
    elif isinstance(parse, (list, tuple)):
        extract = several = Parsers(parse)
        functions = several.functions
    else:
        raise ConfigError(
            f"parse is {parse!r}: give a function, or a list of pairs of a pattern or a Label, and a function"
        )
    for function in functions:
        _check_kind(function)
    if config.offload.executor not in ("process", "auto"):
        return extract
    in_program = [function for function in functions if _is_of_program(function)]
    return OfProgram(extract) if in_program else OfModule(extract)


def refuse_function_of_folder(name: str) -> ConfigError:
    """Returns the error for a function that only a crawl folder names: no file that is read chooses code to run."""
    text = (
        f"this crawl was made with {name}, and a crawl folder alone does not choose code to run: give it again with "
        f"--parse {name}, or go on without it: --parse ''"
    )
    return ConfigError(f"extract.function: {text}", ["extract.function"], [text])


def _load(name: str) -> Extract:
    try:
        return load_function(name)
    except ValueError as error:
        text = f"{name}: {error}"
        raise ConfigError(f"extract.function: {text}", ["extract.function"], [text]) from error


def _check_kind(function: Extract) -> None:
    """Raises ConfigError for a function whose result is never data."""
    kinds = {function, getattr(function, "__call__", None)}  # noqa: B004 - an object may have one of its own
    if any(iscoroutinefunction(one) or isasyncgenfunction(one) for one in kinds):
        raise ConfigError(
            f"the parse function {name_of(function)!r} is asynchronous: workers call plain functions, and what must "
            "wait belongs into a Fetcher or a Sink"
        )
    if any(map(isgeneratorfunction, kinds)):
        raise ConfigError(
            f"the parse function {name_of(function)!r} yields: return a list, or Parsed(data=[...], links=[...])"
        )


def _is_of_program(function: Extract) -> bool:
    """Whether workers must import the program for it. Raises ConfigError if they cannot load it."""
    try:
        is_of_program = stands_in_program(pickle.dumps(function))
        if is_of_program and (why := why_not_importable()):
            raise ConfigError(why)
    except Exception as error:
        raise ConfigError(
            f"the parse function {name_of(function)!r} cannot be sent to worker processes ({error}): define it at the "
            "top of a module, or set executor='thread'"
        ) from error
    return is_of_program


async def try_to_load(extract: Extract | None, offloader: Offloader) -> None:
    """Has a worker load the function. Raises ConfigError if it cannot."""
    if not isinstance(extract, OfProgram | OfModule):
        return
    try:
        why = await offloader.run(why_not_loaded, extract)
    except OffloadError as error:
        why = str(error)
    if why and isinstance(extract, OfModule):
        raise ConfigError(
            f"the parse function cannot be loaded in a worker process ({why}): workers import its module anew, "
            "so it must not ask for what only the first process has"
        )
    if why:
        what = f"the parse function stands in the program, and workers cannot import that ({why})"
        raise ConfigError(f"{what}: {_GUARD}" if why == UNGUARDED else f"{what}: move it to a module of its own")


def name_of(function: object) -> str:
    """Returns the name of a function for messages."""
    return str(getattr(function, "__qualname__", repr(function)))


def choose_return(config: Config, has_readers: bool) -> Returns:
    """Returns how results come back. Only objects of the program that take outcomes look at them as values."""
    if not has_readers:
        return "json"
    return "object" if config.offload.executor in ("thread", "inline") else "pickle"
