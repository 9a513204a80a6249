"""The door of adapters: other protocols over the same jobs, at paths of their own of the same application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web

from .problems import Problem, answer


class Adapter(Protocol):
    """Speaks a protocol that people already use. Host, origin and token are checked before it is asked."""

    @property
    def takes_password(self) -> bool:
        """Whether clients may show the token as the password of HTTP Basic, under any name."""
        ...

    def owns(self, path: str) -> bool:
        """Whether a path is this adapter's, so that its errors have the adapter's shape."""
        ...

    def mount(self, app: web.Application) -> None:
        """Adds the routes, and what runs beside them until the application ends."""
        ...

    def tell(self, problem: Problem) -> web.Response:
        """Returns the answer to a request that failed, in the protocol's own shape."""
        ...


def find_adapter(adapters: Sequence[Adapter], path: str) -> Adapter | None:
    """Returns the adapter that a path belongs to; None: it is one of our own API."""
    return next((one for one in adapters if one.owns(path)), None)


def teller(adapters: Sequence[Adapter], path: str) -> Callable[[Problem], web.Response]:
    """Returns the function that tells a problem to clients at this path."""
    adapter = find_adapter(adapters, path)
    return adapter.tell if adapter else answer
