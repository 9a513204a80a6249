"""Tests that an expression is compiled when it is first used, and matches as any other."""

from __future__ import annotations

import re

import pytest

from crawler.runtime.late_patterns import compile_late


def test_it_matches_as_any_other() -> None:
    late = compile_late("(?P<digit>[0-9])x", re.IGNORECASE)
    usual = re.compile("(?P<digit>[0-9])x", re.IGNORECASE)
    assert late.sub("-", "1X2x3") == usual.sub("-", "1X2x3") == "--3"
    assert [found["digit"] for found in late.finditer("1X2x3")] == ["1", "2"]
    assert (late.pattern, late.flags, late.groupindex) == (usual.pattern, usual.flags, usual.groupindex)
    assert compile_late(b"a+").findall(b"aa b a") == [b"aa", b"a"]


def test_it_is_compiled_when_it_is_used() -> None:
    late = compile_late("(")
    with pytest.raises(re.error):
        late.search("x")
