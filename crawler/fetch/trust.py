"""Whose certificates we trust, and which one we show: TLS contexts, one for each answer to that."""

from __future__ import annotations

import ssl
from functools import cache

from ..errors import ConfigError
from ..settings import FetchConfig, SiteConfig


def trust(config: FetchConfig) -> ssl.SSLContext:
    """For sites that are shown no certificate. Blocks: the first call takes some 30 ms. Raises ConfigError."""
    return _context(config) if config.ca_file else _common(config.verify_tls)


@cache
def _common(verify_tls: bool) -> ssl.SSLContext:
    return _context(FetchConfig(verify_tls=verify_tls))


def trust_of_site(config: FetchConfig, site: SiteConfig) -> ssl.SSLContext | None:
    """For a site that is shown one; None: it is like all others. Raises ConfigError."""
    if not site.client_cert:
        return None
    context = _context(config)
    try:
        # An encrypted key would be asked for on the terminal: nobody is there.
        context.load_cert_chain(site.client_cert, site.client_key or None, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"fetch.sites: client_cert {site.client_cert}: {_said(error)}") from error
    return context


def _context(config: FetchConfig) -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Diffie-Hellman in a group that a server made up takes a third of a second of the event loop at 8,192 bits, and a
    # server need not even do it itself. No browser has these ciphers any more.
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
            raise ConfigError(f"fetch.ca_file: {config.ca_file}: {_said(error)}") from error
    context.set_alpn_protocols(("http/1.1",))
    return context


def _said(error: OSError) -> str:
    return "not the PEM file it should be" if isinstance(error, ssl.SSLError) else error.strerror or str(error)
