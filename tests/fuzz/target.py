"""What a fuzz target is, how one is run for a while, and the inputs that all of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic, thread_time
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T", str, bytes)

FIXED_S = 0.25
"""CPU time that any input may take."""
EACH_S = 50e-6
"""And for each character or byte of it more: far above what readers take, and far below what hangs a worker."""
ROUND = 100
"""Inputs between two looks at the clock."""


@dataclass(frozen=True)
class Target:
    """One reader, what it is fed, and what must hold whatever that is."""

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], object]
    """Raises AssertionError, or whatever the reader should not have raised."""

    def run(self, seconds: float) -> int:
        """Feed it for so long; how many inputs that were. Raises what the smallest input raises that fails."""
        count, until = 0, monotonic() + seconds
        while monotonic() < until:
            count += self.feed(ROUND)
        return count

    def feed(self, most: int, *, is_alike: bool = False) -> int:
        """Feed it at most so many inputs, the same ones every time if they are to be alike."""
        count = 0

        @settings(
            max_examples=most,
            derandomize=is_alike,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
        )
        @given(self.inputs)
        def fed(value: Any) -> None:
            nonlocal count
            count += 1
            self.try_one(value)

        fed()
        return count

    def try_one(self, value: Any) -> None:
        """Check one input, and the time that it takes."""
        allowed = FIXED_S + EACH_S * _size(value)
        for _ in range(3):
            begun = thread_time()
            self.check(value)
            took = thread_time() - begun
            if took <= allowed:
                return
        raise AssertionError(f"{took:.2f} s of CPU time for an input of {_size(value)}")


def _size(value: object) -> int:
    match value:
        case str() | bytes():
            return len(value)
        case dict():
            return sum(_size(name) + _size(one) for name, one in value.items())
        case list() | tuple():
            return sum(map(_size, value))
    return 8


def soup(tokens: Sequence[T], most: int = 40) -> st.SearchStrategy[T]:
    """Tokens of a language in any order, with other text between them."""
    other: st.SearchStrategy[Any] = _anything(tokens[0], 6)
    return st.lists(st.sampled_from(tokens) | other, max_size=most).map(tokens[0][:0].join)


@st.composite
def spoiled(draw: st.DrawFn, seeds: Sequence[T], tokens: Sequence[T]) -> T:
    """A valid input, changed in a few places: cut, doubled, repeated, struck out, with tokens put in."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 2, 5, 20, 100))))
        put = draw(st.sampled_from((text[:0], text[start:end], draw(st.sampled_from(tokens)))))
        times = draw(st.sampled_from((1, 1, 1, 2, 7, 300)))
        text = (text[:start] + put * times + text[end:])[:MOST]
    return text


MOST = 1 << 16
"""Characters or bytes of an input."""


def fed(seeds: Sequence[T], tokens: Sequence[T]) -> st.SearchStrategy[T]:
    """All three: valid inputs that were spoiled, soup of the language, and anything at all."""
    anything: st.SearchStrategy[Any] = _anything(seeds[0], None)
    return spoiled(seeds, tokens) | soup(tokens) | anything


def _anything(like: object, most: int | None) -> st.SearchStrategy[Any]:
    return st.text(max_size=most) if isinstance(like, str) else st.binary(max_size=most)


def encoded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Texts as bytes, in one of some charsets."""
    charsets = st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-16", "utf-16-le", "latin-1", "shift_jis"))
    return st.builds(lambda text, charset: text.encode(charset, "replace"), texts, charsets)
