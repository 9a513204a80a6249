"""Admits the roots above the URLs that a node lends: another node may have found these roots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model import Lease, Url

MOST_ADMITTED = 1 << 16
"""Roots that are not admitted again."""


class RootsAbove:
    """The roots to which seeds redirected. Each is admitted before a URL below it is visited here."""

    def __init__(self) -> None:
        self._admit: Callable[[Url, Url], object] | None = None
        self._admitted: set[str] = set()

    def admit_by(self, admit: Callable[[Url, Url], object]) -> None:
        """Calls `admit` with each root and its seed from now on."""
        self._admit = admit

    def note(self, leases: Sequence[Lease]) -> None:
        """Admits the roots above these leases. Raises StorageFull."""
        for lease in leases:
            seed, root = lease.request.seed, lease.request.anchor
            if self._admit is None or seed is None or root == seed or root.text in self._admitted:
                continue
            if len(self._admitted) >= MOST_ADMITTED:
                self._admitted.clear()
            self._admitted.add(root.text)
            self._admit(root, seed)
