"""Whether interpreters can parse is found by trying."""

from __future__ import annotations

import sys

import pytest

from crawler.offload.interpreters import _try, why_no_interpreters


class Interpreter:
    """Has the shape of those of PEP 734."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.is_closed = False

    def exec(self, code: str) -> None:
        compile(code, "", "exec")
        if self.refused:
            raise ImportError(self.refused)

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("refused", ["", "module orjson.orjson does not support loading in subinterpreters"])
def test_what_a_library_says_is_told(refused: str) -> None:
    interpreter = Interpreter(refused)
    assert _try(interpreter) == (f"ImportError: {refused}" if refused else "")
    assert interpreter.is_closed


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it has them, and libraries decide")
def test_a_python_without_interpreters_says_so() -> None:
    assert why_no_interpreters() == "this Python has none (3.14 has)"
