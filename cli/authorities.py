"""Lets what aiohttp loads on import wait until it is used, which takes 70 ms.

It makes two TLS contexts, which read some 140 certificates each, and imports aiodns. Our own fetches use none of them;
the code of others may.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
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
    with _importing_late():
        yield from _holding_contexts()


class _LateModule(ModuleType):
    """Stands for a module that was not imported yet, and imports it when anything in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the machinery of imports asks, not a user
            raise AttributeError(name)
        return getattr(import_module(self.__name__), name)


@contextmanager
def _importing_late() -> Iterator[None]:
    """Holds back aiodns. aiohttp asks on import whether its resolver can do what versions of the last years can."""
    if "aiodns" in sys.modules or not find_spec("aiodns"):
        yield
        return
    late: Any = _LateModule("aiodns")
    late.DNSResolver = SimpleNamespace(getaddrinfo=None)
    sys.modules["aiodns"] = late
    try:
        yield
    finally:
        del late.DNSResolver, sys.modules["aiodns"]


def _holding_contexts() -> Iterator[None]:
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
