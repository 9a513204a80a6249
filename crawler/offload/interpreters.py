"""Tells whether pages could be parsed in interpreters of this process, each with a GIL of its own (PEP 734)."""

from __future__ import annotations

import importlib
from typing import Any

from ..runtime.foreign_errors import describe

_PARSER = "import crawler.parse.page, crawler.offload.in_worker"
"""Everything that parsing a page imports."""


def why_no_interpreters() -> str:
    """Returns why pages cannot be parsed in interpreters here, as found by trying. Empty: they can."""
    try:
        interpreters: Any = importlib.import_module("concurrent.interpreters")
    except ImportError:
        return "this Python has none (3.14 has)"
    return _try(interpreters.create())


def _try(interpreter: Any) -> str:
    """Imports the parser in a new interpreter, and ends that. Some libraries in C refuse."""
    try:
        interpreter.exec(_PARSER)
    except Exception as error:  # noqa: BLE001 - libraries refuse in any way
        return describe(error)
    finally:
        interpreter.close()
    return ""
