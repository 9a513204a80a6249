"""Counts parked URLs, which wait under a pattern until a person calls it no trap, and keeps two examples of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..model import Reason
from ..standing import Trap
from .change import Change, Parking

EXAMPLES = 2


class Parkings:
    """The parked URLs by the name of their pattern."""

    def __init__(self, stored: Iterable[tuple[Parking, int]] = ()) -> None:
        self._known: dict[str, Parking] = {}
        self._numbers: dict[str, int] = {}
        for parking, number in stored:
            self._known[parking.pattern] = parking
            self._numbers[parking.pattern] = number
        self.total: int = sum(self._numbers.values())
        """Number of URLs that wait."""
        self._answer: tuple[Sequence[Trap], tuple[Trap, ...]] | None = None
        """The traps of the last question, and the answer."""

    def add(self, pattern: str, reason: Reason, texts: Sequence[str], change: Change) -> None:
        """Adds URLs that wait under the pattern."""
        known = self._known.get(pattern) or Parking(pattern, str(reason), ())
        if len(known.examples) < EXAMPLES:
            known = known._replace(examples=(*known.examples, *texts)[:EXAMPLES])
            change.parkings.append(known)
        self._known[pattern] = known
        self._numbers[pattern] = self._numbers.get(pattern, 0) + len(texts)
        self.total += len(texts)
        self._answer = None

    def leave(self, pattern: str, number: int = 1) -> None:
        """Removes `number` URLs that no longer wait."""
        left = self._numbers.get(pattern, 0) - number
        self.total -= number
        self._answer = None
        if left > 0:
            self._numbers[pattern] = left
        else:
            self._numbers.pop(pattern, None)
            self._known.pop(pattern, None)

    def names(self, reason: Reason | None = None) -> list[str]:
        """Returns the patterns under which URLs wait, for one reason or for any."""
        return [name for name in self._numbers if reason is None or self._known[name].reason == reason]

    def combine(self, traps: Sequence[Trap]) -> tuple[Trap, ...]:
        """Returns all patterns, those that cost most first: the traps with their parked URLs, and the others."""
        if self._answer is None or self._answer[0] is not traps:
            self._answer = traps, self._merge(traps)
        return self._answer[1]

    def _merge(self, traps: Sequence[Trap]) -> tuple[Trap, ...]:
        named = {trap.pattern: trap for trap in traps}
        waiting = [self._trap(name, named) for name in self._numbers]
        idle = [trap._replace(parked=0, examples=()) for name, trap in named.items() if name not in self._numbers]
        return tuple(sorted([*waiting, *idle], key=lambda trap: (-trap.parked - trap.fetched, trap.pattern)))

    def _trap(self, name: str, named: Mapping[str, Trap]) -> Trap:
        parking = self._known[name]
        trap = named.get(name) or Trap(name, 0, 0)
        return trap._replace(
            parked=self._numbers[name], examples=tuple(parking.examples), reason=Reason(parking.reason)
        )
