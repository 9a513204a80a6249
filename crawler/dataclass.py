"""Makes dataclasses whose methods are written when they are first called: a tenth of their cost at import.

The standard decorator has Python compile up to seven methods for each class, which takes up to a millisecond. A short
crawl imports two hundred classes of ours, and most of their methods are never called.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

C = TypeVar("C", bound=type)

__all__ = ["dataclass", "field", "write_late"]

if TYPE_CHECKING:  # checkers know what this name does to a class
    from dataclasses import dataclass as dataclass  # noqa: PLC0414
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True, kw_only: bool = False):
        """Makes a class a dataclass, as `dataclasses.dataclass` does with the same words."""

        def make(cls: C) -> C:
            if any(map(dataclasses.is_dataclass, cls.__mro__[1:])):  # rare, and frozen ones have frozen heirs alone
                return dataclasses.dataclass(frozen=frozen, slots=slots, eq=eq, kw_only=kw_only)(cls)
            if not cls.__doc__:
                cls.__doc__ = cls.__name__  # else its signature is taken for it, for which `__init__` must be written
            bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
            _promise(bare, frozen, eq)
            if frozen:
                _freeze(bare, slots)
            return bare

        return make


def write_late(cls: Any, name: str, write: Callable[[Any, str], Any]) -> None:
    """Gives a class a method that `write` returns, for the class and the name, when it is first called."""
    written: list[Any] = []

    def settle() -> Any:
        if not written:
            written.append(write(cls, name))
        if vars(cls).get(name) is late:
            setattr(cls, name, written[0])
        return written[0]

    def late(self: Any, *args: Any, **named: Any) -> Any:
        return settle()(self, *args, **named)

    late.__name__, late.__qualname__, late.__module__ = name, f"{cls.__qualname__}.{name}", cls.__module__
    late.settle = settle  # type: ignore[attr-defined]
    setattr(cls, name, late)
    if name == "__init__" and "__signature__" not in vars(cls):
        cls.__signature__ = _Signature()


class _Signature:
    """Tells `inspect.signature` how a class is called, for its `__init__` may not be written yet."""

    def __get__(self, one: object, cls: Any) -> object:
        if one is not None:
            raise AttributeError("__signature__")
        init = cls.__init__
        told = inspect.signature(init.settle() if hasattr(init, "settle") else init)
        return told.replace(parameters=list(told.parameters.values())[1:])


def _promise(cls: Any, frozen: bool, eq: bool) -> None:
    """Gives a class the methods of a dataclass, but for those that it has written itself."""
    told = vars(cls)
    has_hash = told.get("__hash__") is not None
    for name in ("__init__", "__repr__", *(["__eq__"] if eq else [])):
        if name not in told:
            write_late(cls, name, _copy)
    if eq and not has_hash:
        if frozen:
            write_late(cls, "__hash__", _copy)
        else:
            cls.__hash__ = None
    cls.__dataclass_params__.frozen, cls.__dataclass_params__.eq = frozen, eq


def _copy(cls: Any, name: str) -> Any:
    """Returns a method as the standard decorator writes it for a class of the same fields."""
    told = fields(cls)
    if name == "__init__":
        method = _write_init(cls, told)
    else:
        space = {"__annotations__": {one.name: one.type for one in told}, "__module__": cls.__module__, "__doc__": "-"}
        wanted = {"repr": name == "__repr__", "eq": name in {"__eq__", "__hash__"}, "unsafe_hash": name == "__hash__"}
        like = type(cls.__name__, (), space | {one.name: _like(one) for one in told})
        method = vars(dataclasses.dataclass(init=False, **wanted)(like))[name]
    method.__name__, method.__qualname__, method.__module__ = name, f"{cls.__qualname__}.{name}", cls.__module__
    return method


def _like(one: Field[Any]) -> Any:
    words = ("default", "default_factory", "init", "repr", "hash", "compare", "kw_only")
    return field(**{word: getattr(one, word) for word in words})


class _Made:
    """Stands for the default of a field that a function makes."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Made()


def _write_init(cls: Any, told: Sequence[Field[Any]]) -> Any:
    """Returns the `__init__` of a class. Only names of fields get into its text."""
    by_place = [_parameter(one) for one in told if one.init and not one.kw_only]
    by_name = [_parameter(one) for one in told if one.init and one.kw_only]
    lines = [f"def written({', '.join(['_self', *by_place, *(['*', *by_name] if by_name else [])])}):"]
    lines += [line for one in told for line in _filling(one, cls.__dataclass_params__.frozen)]
    lines += ["    _self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    space: dict[str, Any] = {"_MADE": _MADE, "_set": object.__setattr__}
    space |= {f"_d_{one.name}": one.default for one in told} | {f"_m_{one.name}": one.default_factory for one in told}
    exec("\n".join([*lines, "    return None"]), space)
    init = space["written"]
    init.__annotations__ = {one.name: one.type for one in told if one.init} | {"return": None}
    return init


def _parameter(one: Field[Any]) -> str:
    if one.default_factory is not MISSING:
        return f"{one.name}=_MADE"
    return one.name if one.default is MISSING else f"{one.name}=_d_{one.name}"


def _filling(one: Field[Any], is_frozen: bool) -> list[str]:
    if one.default_factory is not MISSING:
        value = f"_m_{one.name}() if {one.name} is _MADE else {one.name}" if one.init else f"_m_{one.name}()"
    elif one.init:
        value = one.name
    elif one.default is not MISSING:
        value = f"_d_{one.name}"
    else:
        return []
    return [f"    _set(_self, {one.name!r}, {value})" if is_frozen else f"    _self.{one.name} = {value}"]


def _freeze(cls: Any, has_slots: bool) -> None:
    names = frozenset(one.name for one in fields(cls))

    def refuse_to_set(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def refuse_to_delete(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    cls.__setattr__, cls.__delattr__ = refuse_to_set, refuse_to_delete
    if has_slots:  # pickle would set them one by one
        for name, method in (("__getstate__", _get_state), ("__setstate__", _set_state)):
            if name not in vars(cls):
                setattr(cls, name, method)


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
