"""Makes the TLS contexts: they say which certificates are trusted, and which client certificate is shown."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache

from anyio import to_thread

from ..errors import ConfigError
from ..settings import FetchConfig, SiteConfig


class Trust:
    """Has the context for sites without a client certificate, and makes it for the first site that needs one.

    Reading the authorities of the system takes some 40 ms, which a crawl without https does not need.
    """

    def __init__(self, config: FetchConfig) -> None:
        self.is_ready: bool = False
        self._config = config
        self._making = asyncio.Lock()

    async def prepare(self) -> None:
        """Makes the context in a thread, so that `context` takes no time. Raises ConfigError for a bad `ca_file`."""
        async with self._making:
            if not self.is_ready:
                self._context = await to_thread.run_sync(_make, self._config)
                self.is_ready = True

    @property
    def context(self) -> ssl.SSLContext:
        """Returns the context. Blocks while it is made, if nobody prepared it."""
        if not self.is_ready:
            self._context = _make(self._config)
            self.is_ready = True
        return self._context


def _make(config: FetchConfig) -> ssl.SSLContext:
    return _context(config) if config.ca_file else _common(config.verify_tls)


@cache
def _common(verify_tls: bool) -> ssl.SSLContext:
    return _context(FetchConfig(verify_tls=verify_tls))


def make_site_tls_context(config: FetchConfig, site: SiteConfig) -> ssl.SSLContext | None:
    """Returns the context for a site with a client certificate, or None for all others. Raises ConfigError."""
    if not site.client_cert:
        return None
    context = _context(config)
    try:
        # Without this, OpenSSL would ask for the password of an encrypted key on the terminal.
        context.load_cert_chain(site.client_cert, site.client_key or None, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"sites: client_cert {site.client_cert}: {_explain(error)}") from error
    return context


def _context(config: FetchConfig) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Diffie-Hellman in a group of the server's choice holds the event loop for a third of a second at 8,192 bits,
    # while the server itself need not do the work. No browser has these ciphers any more.
    context.set_ciphers(
        ":".join(name for cipher in context.get_ciphers() if not (name := cipher["name"]).startswith("DHE-"))
    )
    if not config.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if config.ca_file:
        try:
            context.load_verify_locations(config.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"fetch.ca_file: {config.ca_file}: {_explain(error)}") from error
    context.set_alpn_protocols(("http/1.1",))
    return context


def _explain(error: OSError) -> str:
    return "not a usable PEM file" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
