"""Finds what a kind in the settings stands for: a part of ours, or one that an installed package adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar, cast

from ..errors import ConfigError, CrawlError
from ..runtime.nearest import did_you_mean

T = TypeVar("T")
_NONE: Mapping[str, object] = MappingProxyType({})


class Found(NamedTuple, Generic[T]):
    """The maker of a kind, and the package that it came from."""

    make: T
    package: str
    """Empty: it is built in."""


class Kinds(Generic[T]):
    """The kinds that one setting may name. Packages are looked through only for a kind that is not built in."""

    def __init__(self, group: str, built_in: Mapping[str, T]) -> None:
        """`group`: the group of entry points by which packages add kinds. They cannot replace what is built in."""
        self.group = group
        self.built_in = built_in

    def find(self, kind: str, key: str, options: Mapping[str, object] = _NONE) -> Found[T]:
        """Returns the maker of a kind. Raises ConfigError; `key` is the full name of the setting.

        `options` are for kinds of packages alone: what is built in has its settings beside them.
        """
        if kind in self.built_in:
            if options:
                raise _error(key, f"{kind!r} is built in and takes no options: {', '.join(options)}")
            return Found(self.built_in[kind], "")
        added = list(entry_points(group=self.group, name=kind))
        if not added:
            raise _error(key, f"{kind!r}: {self._guess(kind)}")
        packages = [_package(entry) for entry in added]
        if len(set(packages)) > 1:
            raise _error(key, f"{kind!r}: more than one package adds it: {', '.join(sorted(packages))}")
        return Found(cast("T", _load(added[0], packages[0], key)), packages[0])

    def _guess(self, kind: str) -> str:
        known = sorted({*self.built_in, *(entry.name for entry in entry_points(group=self.group))})
        return f"no such kind{did_you_mean(kind, known, '.')} Known are: {', '.join(known)}"


def check_shape(part: object, door: type, maker: str, key: str) -> None:
    """Raises ConfigError if what `maker` made lacks methods or values that the protocol `door` names."""
    names = [name for one in (*door.__mro__[1:-1], door) for name in vars(one) if not name.startswith("_")]
    if missing := [name for name in names if not hasattr(part, name)]:
        raise _error(key, f"{maker} made an object without {', '.join(missing)} ({door.__name__})")


@contextmanager
def blame_package(package: str, key: str) -> Iterator[None]:
    """Turns an error in the code of a package into a ConfigError that names the package. Our own errors pass."""
    try:
        yield
    except CrawlError:
        raise
    except Exception as error:
        if not package:
            raise
        words = str(error) or "no message"
        said = words if isinstance(error, ValueError) else f"{type(error).__name__}: {words}"
        raise _error(key, f"the package {package} refuses it: {said}") from error


def _load(entry: EntryPoint, package: str, key: str) -> Callable[..., object]:
    try:
        loaded = entry.load()
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        raise _error(key, f"the package {package} cannot be loaded ({entry.value}): {words}") from error
    if not callable(loaded):
        raise _error(key, f"the package {package} names what cannot be called: {entry.value}")
    return cast("Callable[..., object]", loaded)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value.partition(":")[0]


def _error(key: str, words: str) -> ConfigError:
    said = " ".join(words.split())
    return ConfigError(f"{key}: {said}", [key], [said])
