"""A table of groups in bounded memory: the largest ones by name, all others as one sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar


class Sum(Protocol):
    """The sum of one group."""

    n: int
    """The number of its members."""
    is_at_least: bool
    """Whether earlier members of it may be among the others, so that its figures are lower bounds."""

    def merge(self, other: object, /) -> None:
        """Adds the sum of another group."""
        ...


S = TypeVar("S", bound=Sum)


class Groups(Generic[S]):
    """Keeps `most` groups by name, and while it counts up to twice as many.

    When there are too many, the smaller half is added to `others`. All sums together are always exact. A group that
    begins after that may have had members before: it says `is_at_least`. One with more than its share of all members
    (one in `most`) is never lost for good.
    """

    def __init__(self, most: int, make: Callable[[], S]) -> None:
        self.most = most
        self.kept: dict[str, S] = {}
        self.others: S = make()
        self.merged: int = 0
        """How often a group was added to the others; the same group may be so several times."""
        self._make = make

    def at(self, name: str) -> S:
        """Returns the sum of the group, to be added to."""
        one = self.kept.get(name)
        if one is None:
            if len(self.kept) >= 2 * self.most:
                self.cut()
            one = self.kept[name] = self._make()
            one.is_at_least = self.merged > 0
        return one

    def cut(self) -> None:
        """Adds all but the `most` largest groups to the others."""
        for name, one in self.largest()[self.most :]:
            self.others.merge(one)
            self.merged += 1
            del self.kept[name]

    def largest(self) -> list[tuple[str, S]]:
        """Returns all groups by name, those with most members first."""
        return sorted(self.kept.items(), key=lambda group: -group[1].n)

    def __iter__(self) -> Iterator[tuple[str, S]]:
        return iter(self.kept.items())
