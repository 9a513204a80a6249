"""Makes frozen dataclasses cheap to construct and to copy: in a third and a sixth of the time. They stay frozen.

The `__init__` of a frozen dataclass sets each attribute by a call, for the class refuses assignments. Here an object is
a *draft* while it is filled, of a class with the same layout that refuses none, and turns into what it is at the end.
"""

from __future__ import annotations

import dataclasses
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..dataclass import write_late

C = TypeVar("C", bound=type)
T = TypeVar("T")

_HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED")
"""Without a GIL Python may stop all threads when an object changes its class."""
_copiers: dict[type, Callable[..., Any]] = {}
_slow: dict[type, Callable[..., None]] = {}
"""The `__init__` that dataclass wrote for each quick class: heirs use it."""


def quick(cls: C) -> C:
    """Gives a frozen dataclass with slots a faster `__init__`, and `replace` a faster copy of its objects.

    Raises TypeError for a class that has more than plain fields, and hidden ones that a function makes.
    """
    kind, told = cast("Any", cls), fields(cls)
    is_plain = all(one.init is (one.default_factory is MISSING) and not one.kw_only for one in told)
    if not is_plain or hasattr(kind, "__post_init__") or {*kind.__slots__} != {one.name for one in told}:
        raise TypeError(f"{cls.__name__} has fields that cannot be filled quickly")
    if _HAS_GIL:
        _slow[cls] = kind.__init__
        write_late(cls, "__init__", _write_init)
    return cls


if TYPE_CHECKING:  # checkers know the fields of its arguments by this name
    from dataclasses import replace as replace  # noqa: PLC0414
else:

    def replace(original: T, /, **changes: object) -> T:
        """Returns a copy with some fields changed, as `dataclasses.replace` does."""
        copier = _copiers.get(type(original)) or _find_copier(type(original))
        return copier(original, changes)


def _find_copier(cls: type) -> Callable[..., Any]:
    _copiers[cls] = _write_copier(cls) if cls in _slow else _copy_slowly
    return _copiers[cls]


def _copy_slowly(original: Any, changes: Mapping[str, Any]) -> Any:
    return dataclasses.replace(original, **changes)


@cache
def _draft_of(cls: Any) -> type:
    space = {name: vars(cls)[name] for name in ("__orig_bases__",) if name in vars(cls)}
    return type(cls.__name__, cls.__bases__, {**space, "__slots__": cls.__slots__})


def _write_init(cls: Any, _: str) -> Callable[..., None]:
    given = [one for one in fields(cls) if one.init]
    parameters = [one.name if one.default is MISSING else f"{one.name}=_d_{one.name}" for one in given]
    init = _compile(cls, [
        f"def written(self, {', '.join(parameters)}):",
        "    if type(self) is not _cls:",  # an heir, with another layout
        f"        return _slow(self, {', '.join(one.name for one in given)})",
        "    _turn(self, '__class__', _draft)",
        *(f"    self.{one.name} = {one.name if one.init else f'_m_{one.name}()'}" for one in fields(cls)),
        "    self.__class__ = _cls",
    ])  # fmt: skip
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {one.name: one.type for one in given} | {"return": None}
    return init


def _write_copier(cls: Any) -> Callable[..., Any]:
    told = fields(cls)
    return _compile(cls, [
        "def written(original, changes):",
        "    copy = _new(_draft)",
        *(f"    copy.{one.name} = {f'original.{one.name}' if one.init else f'_m_{one.name}()'}" for one in told),
        "    for name, value in changes.items():",
        "        _turn(copy, name, value)",
        "    copy.__class__ = _cls",
        "    return copy",
    ])  # fmt: skip


def _compile(cls: Any, lines: Sequence[str]) -> Callable[..., Any]:
    """Returns the function that these lines define. They hold names of fields alone, as dataclass writes them."""
    told = fields(cls)
    space: dict[str, Any] = {"_cls": cls, "_draft": _draft_of(cls), "_slow": _slow[cls]}
    space |= {"_new": object.__new__, "_turn": object.__setattr__}
    space |= {f"_d_{one.name}": one.default for one in told} | {f"_m_{one.name}": one.default_factory for one in told}
    exec("\n".join(lines), space)
    return cast("Callable[..., Any]", space["written"])
