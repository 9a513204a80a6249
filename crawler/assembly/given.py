"""Checks the objects that a program gives to a crawl: its fetcher, sinks and hooks. Opens the fetcher."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import cast

from ..engine.hooked_fetcher import Hooks
from ..errors import ConfigError
from ..fetch import ForeignFetcher, LentFetcher
from ..protocols import Archive, Fetcher, Observer, Sink

OpenFetcher = Callable[[Fetcher], Fetcher | AbstractAsyncContextManager[Fetcher]]
"""Takes the fetcher of the crawl; returns another one that may hold it, or a context manager that yields one."""

_HOW = "give an object with `async def fetch(self, request)`, or a function that makes one: lambda inner: Mine(inner)"


def check_fetcher(fetcher: object) -> None:
    """Raises ConfigError for an object that is neither a Fetcher nor a function that makes one."""
    if fetcher is None:
        return
    if isinstance(fetcher, type):
        if _takes_one(fetcher):
            return
        name = fetcher.__name__
        raise _error("fetcher", f"{name} is a class: give an object, {name}(), or lambda inner: {name}(inner)")
    if hasattr(fetcher, "fetch"):
        _check_async(fetcher, ("fetch",), "fetcher")
    elif not callable(fetcher):
        raise _error("fetcher", f"{_describe(fetcher)} has no method `fetch`: {_HOW}")
    elif inspect.iscoroutinefunction(fetcher) or inspect.isasyncgenfunction(fetcher):
        name = getattr(fetcher, "__qualname__", "it")
        raise _error("fetcher", f"{name} is an async function: decorate it with contextlib.asynccontextmanager")


def check_sinks(sinks: object) -> tuple[Sink, ...]:
    """Returns the sinks. Raises ConfigError for objects that are none."""
    if not isinstance(sinks, Iterable) or isinstance(sinks, str | bytes):
        raise _error("sinks", f"{_describe(sinks)} is no list: put the sink into one, sinks=[sink]")
    given = tuple(sinks)
    for number, sink in enumerate(given):
        key = f"sinks[{number}]"
        if isinstance(sink, type):
            raise _error(key, f"{sink.__name__} is a class: give an object of it, {sink.__name__}()")
        if missing := [name for name in ("name", "rewind", "write") if not hasattr(sink, name)]:
            raise _error(key, f"{_describe(sink)} lacks {', '.join(missing)}: a sink has name, rewind and write (Sink)")
        if not isinstance(sink.name, str) or not sink.name:
            raise _error(key, f"the name of {_describe(sink)} should be a text, not {sink.name!r}")
        further = [name for name, door in (("observe", Observer), ("archive", Archive)) if isinstance(sink, door)]
        _check_async(sink, ("rewind", "write", *further), key)
    return given


def check_hooks(before_request: object, after_response: object) -> Hooks:
    """Returns the hooks. Raises ConfigError for objects that cannot be awaited when they are called."""
    for key, hook, argument in (
        ("before_request", before_request, "request"),
        ("after_response", after_response, "response"),
    ):
        if hook is None:
            continue
        if isinstance(hook, type) or not callable(hook):
            raise _error(key, f"{_describe(hook)} is no function: write `async def {key}({argument})`")
        if _is_surely_sync(hook):
            raise _error(key, f"{_name(hook)} is not async: write `async def {_name(hook)}({argument})`")
    return Hooks(before_request, after_response)  # type: ignore[arg-type]  # just checked, as far as one can


async def enter_given_fetcher(stack: AsyncExitStack, make: OpenFetcher, inner: Fetcher) -> Fetcher:
    """Returns the fetcher that the program's function makes around `inner`, opened if it is a context manager.

    Raises ConfigError if it makes anything else, and every error of the function.
    """
    made: object = make(LentFetcher(inner))
    if inspect.iscoroutine(made) or inspect.isasyncgen(made):
        if inspect.iscoroutine(made):
            made.close()
        raise _error("fetcher", f"{_name(make)} is an async function: decorate it with contextlib.asynccontextmanager")
    if isinstance(made, AbstractAsyncContextManager):
        made = await stack.enter_async_context(made)
    if isinstance(made, type) or not hasattr(made, "fetch"):
        what = f"the class {made.__name__}" if isinstance(made, type) else _describe(made)
        raise _error("fetcher", f"{_name(make)} made {what}, which is no fetcher: {_HOW}")
    _check_async(made, ("fetch",), "fetcher")
    return ForeignFetcher(cast("Fetcher", made))


def makes_fetcher(fetcher: Fetcher | OpenFetcher) -> bool:
    """Whether a checked fetcher is a function, or a class, that makes one around the crawl's own."""
    return isinstance(fetcher, type) or not hasattr(fetcher, "fetch")


def _takes_one(kind: type) -> bool:
    """Whether a class can be called with one argument and not without, as one that holds another fetcher can."""
    try:
        signature = inspect.signature(kind)
        signature.bind(None)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind()
    except TypeError:
        return True
    return False


def _check_async(part: object, methods: Sequence[str], key: str) -> None:
    for name in methods:
        method = getattr(part, name)
        if not callable(method):
            raise _error(key, f"`{name}` of {_describe(part)} is no method")
        if _is_surely_sync(method):
            raise _error(key, f"`{name}` of {_describe(part)} is not async: write `async def {name}`")


def _is_surely_sync(function: object) -> bool:
    """Whether it is a plain `def`. Lambdas and functions that others compiled may return a coroutine: a call tells."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(cast("Callable[..., object]", function))
    if not inspect.isroutine(function):
        function = getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is wanted
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        return False
    return not (inspect.iscoroutinefunction(function) or function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _describe(part: object) -> str:
    return f"an object of type {type(part).__name__}"


def _name(function: object) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _error(key: str, words: str) -> ConfigError:
    return ConfigError(f"{key}: {words}")
