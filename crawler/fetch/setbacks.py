"""Translates errors of aiohttp and the system into FetchError, and says whether another attempt may succeed."""

from __future__ import annotations

import errno
import os
import re
import ssl

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientHttpProxyError,
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, PayloadEncodingError

from ..errors import FetchError, OutOfFiles
from ..model import Reason
from ..runtime.escaping import escape_text
from .connector import AddressRefused
from .wire import Http2Only, TooSlow

_ALPN_REFUSED = re.compile("no[ _]application[ _]protocol", re.IGNORECASE)
"""OpenSSL's words for the alert that a server knows none of the protocols we offer (RFC 7301 3.2): HTTP/1.1."""
_USER = re.compile(r"//[^/@\s]*@")
"""Name and password in a URL, perhaps those of our proxy."""


def setback(error: Exception) -> FetchError:
    """Returns the FetchError for an error of aiohttp or the system."""
    match error:
        case ClientConnectorCertificateError():
            return FetchError(Reason.TLS, _certificate(error.certificate_error))
        case ClientConnectorSSLError():
            return _no_handshake(error.os_error)
        case ClientConnectorError():
            return _not_connected(error.os_error)
        case ClientHttpProxyError():
            return FetchError(Reason.CONNECT, f"the proxy answered HTTP {error.status}", transient=True)
        case ClientResponseError():  # aiohttp's own text contains the proxy's password
            return FetchError(Reason.CONNECT, f"the proxy's answer is not HTTP: {_line(error.message)}", transient=True)
        case ServerDisconnectedError() | ClientPayloadError() | HttpProcessingError():
            return _bad_response(error)
        case TooSlow():
            return FetchError(Reason.TOO_SLOW, str(error), transient=True)
        case OSError():
            return _not_connected(error)
        case _:
            return FetchError(Reason.CONNECT, _line(str(error)) or type(error).__name__, transient=True)


def _no_handshake(error: OSError) -> FetchError:
    if _ALPN_REFUSED.search(str(error)):
        return _http2_only("it refused HTTP/1.1 in the TLS handshake")
    return FetchError(Reason.TLS, _text(error), transient=True)


def _http2_only(evidence: str) -> FetchError:
    return FetchError(Reason.HTTP2_ONLY, f"speaks HTTP/2 alone: {evidence}")


def _bad_response(error: Exception) -> FetchError:
    if isinstance(error, ServerDisconnectedError):
        return FetchError(Reason.BAD_RESPONSE, "closed without an answer", transient=True)
    if isinstance(error, ClientPayloadError) and not _is_malformed(_bottom(error)):
        return FetchError(Reason.BAD_RESPONSE, f"body cut short: {_cause(error)}", transient=True)
    return FetchError(Reason.BAD_RESPONSE, _cause(error))


def _is_malformed(error: BaseException) -> bool:
    """Whether the parser refused bytes that came, and not just missed bytes that never came."""
    return isinstance(error, BadHttpMessage) and not isinstance(error, PayloadEncodingError)


def _not_connected(error: OSError) -> FetchError:
    if isinstance(broken := _bottom(error), ssl.SSLError):  # in the middle of an answer
        return FetchError(Reason.TLS, _text(broken), transient=True)
    if isinstance(error, Http2Only):
        return _http2_only(str(error))
    if isinstance(error, AddressRefused):
        return FetchError(Reason.BLOCKED_ADDRESS, str(error))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        detail = "too many open files: raise the limit (ulimit -n) or lower fetch.concurrency"
        return OutOfFiles(Reason.CONNECT, detail, transient=True)
    return FetchError(Reason.CONNECT, _text(error), transient=True)


def _certificate(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else _line(str(error))


def _text(error: OSError) -> str:
    """Returns a short text: `connection refused` instead of asyncio's `Connect call failed (...)`."""
    if error.errno in errno.errorcode and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno or 0).lower()
    if isinstance(error, ConnectionResetError) and not error.args:  # the connection ended during a TLS handshake
        return "connection closed"
    return _line(error.strerror or str(error)) or type(error).__name__


def _cause(error: BaseException) -> str:
    """Returns the text of the first cause: the parser's error and not the errors that wrap it."""
    error = _bottom(error)
    return _line(getattr(error, "message", "") or str(error)) or type(error).__name__


def _bottom(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _line(text: str) -> str:
    """Returns the first line, short and printable, because the text came from the network."""
    return escape_text(_USER.sub("//", text.strip().partition("\n")[0])[:200].rstrip(" :"))
