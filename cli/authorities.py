"""Lets TLS contexts that a library makes on import read the authorities of the system only when they are used.

aiohttp makes two. Reading some 140 certificates takes 25 ms each time, and our own fetches use neither of the two.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Late(ssl.SSLContext):
    """A context that has not read the authorities of the system yet. It becomes an ordinary one when it does."""

    def _read(self) -> None:
        self.__class__ = ssl.SSLContext  # type: ignore[assignment]
        self.set_default_verify_paths()

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        self._read()
        return self.wrap_bio(*args, **named)

    def wrap_socket(self, *args: Any, **named: Any) -> ssl.SSLSocket:
        self._read()
        return self.wrap_socket(*args, **named)

    def get_ca_certs(self, *args: Any, **named: Any) -> Any:
        self._read()
        return self.get_ca_certs(*args, **named)

    def cert_store_stats(self) -> dict[str, int]:
        self._read()
        return self.cert_store_stats()


@contextmanager
def reading_late() -> Iterator[None]:
    """Holds back the reading for contexts that are made within the block. Only while a process has one thread."""
    made: list[ssl.SSLContext] = []

    def note(context: ssl.SSLContext) -> None:
        made.append(context)

    ssl.SSLContext.set_default_verify_paths = note  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths  # the method that it inherits
        for context in made:
            context.__class__ = _Late
