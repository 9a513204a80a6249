"""Finds functions that users name as `module:function`, also in a file of the folder that they stand in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

from .foreign_errors import describe
from .nearest import did_you_mean


def load_function(name: str) -> Callable[..., object]:
    """Imports a module and returns a function of it. Raises ValueError, whose text says what is wrong with the name."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise ValueError("name a module and a function, as in shop:read_item")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        home = import_module(module)
    except Exception as error:
        raise ValueError(f"{module} cannot be imported: {describe(error)}") from error
    found: object = getattr(home, function, None)
    if not callable(found):
        near = did_you_mean(function, [one for one in vars(home) if not one.startswith("_")], "")
        raise ValueError(f"{module} has no function {function!r}{near}")
    return found
