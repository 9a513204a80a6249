"""Contexts that libraries make on import know the authorities of the system all the same, once they are used."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable

import pytest

from cli.authorities import reading_late


def wrap(context: ssl.SSLContext) -> object:
    return context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="example.org")


USES: tuple[Callable[[ssl.SSLContext], object], ...] = (
    wrap,
    lambda context: context.cert_store_stats(),
    lambda context: context.get_ca_certs(),
)


@pytest.mark.parametrize("use", USES)
def test_a_context_reads_them_when_it_is_first_used(use: Callable[[ssl.SSLContext], object]) -> None:
    usual = ssl.create_default_context()
    with reading_late():
        late = ssl.create_default_context()
    unread = ssl.SSLContext.cert_store_stats(late)
    use(late)
    assert isinstance(late, ssl.SSLContext)
    assert (unread["x509_ca"], ssl.SSLContext.cert_store_stats(late)) == (0, usual.cert_store_stats())
    assert (late.verify_mode, late.check_hostname) == (usual.verify_mode, usual.check_hostname)


def test_contexts_that_are_made_later_are_as_ever_even_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), reading_late():
        raise ImportError
    assert type(ssl.create_default_context()) is ssl.SSLContext
    assert "set_default_verify_paths" not in vars(ssl.SSLContext)


_RESOLVE = """
import asyncio, sys
from cli.authorities import reading_late
with reading_late():
    import aiohttp
asked = "aiodns" in sys.modules or "pycares" in sys.modules

async def main():
    async with aiohttp.ClientSession() as session:
        kind = type(session.connector._resolver)
        return kind, (await session.connector._resolver.resolve("127.0.0.1", 80))[0]["host"]

kind, host = asyncio.run(main())
import aiodns
print(asked, kind is aiohttp.AsyncResolver, host, "aiodns" in sys.modules, aiodns.DNSResolver.__module__)
"""


def test_the_resolver_of_a_session_that_others_open_is_imported_when_it_is_used() -> None:
    """A hook may have a session of its own."""
    ran = subprocess.run([sys.executable, "-c", _RESOLVE], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.split() == ["False", "True", "127.0.0.1", "True", "aiodns"]
