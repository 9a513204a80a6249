"""Translates errors of connections into FetchError, and says whether another attempt may succeed."""

from __future__ import annotations

import errno
import os
import re
import ssl

from ..errors import FetchError, OutOfFiles
from ..model import Reason
from ..runtime.escaping import escape_text
from .wire_faults import AddressRefused, Http2Only, NoAnswer, TooSlow

_ALPN_REFUSED = re.compile("no[ _]application[ _]protocol", re.IGNORECASE)
"""OpenSSL's words for the alert that a server knows none of the protocols we offer (RFC 7301 3.2): HTTP/1.1."""
_USER = re.compile(r"//[^/@\s]*@")
"""Name and password in a URL, perhaps those of our proxy."""


def setback(error: Exception) -> FetchError:
    """Returns the FetchError for an error of a connection."""
    if type(error).__module__.startswith("aiohttp"):
        from .aiohttp_setbacks import setback_of_aiohttp  # noqa: PLC0415 - it loads aiohttp, which raised this error

        return setback_of_aiohttp(error)
    match error:
        case ssl.SSLCertVerificationError() | ssl.CertificateError():
            return FetchError(Reason.TLS, certificate(error))
        case NoAnswer():
            if isinstance(error.__cause__, OSError):
                return not_connected(error.__cause__)
            return FetchError(Reason.BAD_RESPONSE, "closed without an answer", transient=True)
        case TooSlow():
            return FetchError(Reason.TOO_SLOW, str(error), transient=True)
        case OSError():
            return not_connected(error)
        case _:
            return FetchError(Reason.CONNECT, line(str(error)) or type(error).__name__, transient=True)


def handshake_setback(error: Exception) -> FetchError:
    """Returns the FetchError for an error of a connection that could not be made."""
    is_of_tls = isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLCertVerificationError)
    return no_handshake(error) if is_of_tls else setback(error)  # type: ignore[arg-type]


def no_handshake(error: OSError) -> FetchError:
    if _ALPN_REFUSED.search(str(error)):
        return _http2_only("it refused HTTP/1.1 in the TLS handshake")
    return FetchError(Reason.TLS, _text(error), transient=True)


def _http2_only(evidence: str) -> FetchError:
    return FetchError(Reason.HTTP2_ONLY, f"speaks HTTP/2 alone: {evidence}")


def not_connected(error: OSError) -> FetchError:
    if isinstance(broken := bottom(error), ssl.SSLError):  # in the middle of an answer
        return FetchError(Reason.TLS, _text(broken), transient=True)
    if isinstance(error, Http2Only):
        return _http2_only(str(error))
    if isinstance(error, AddressRefused):
        return FetchError(Reason.BLOCKED_ADDRESS, str(error))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        detail = "too many open files: raise the limit (ulimit -n) or lower fetch.concurrency"
        return OutOfFiles(Reason.CONNECT, detail, transient=True)
    return FetchError(Reason.CONNECT, _text(error), transient=True)


def certificate(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else line(str(error))


def _text(error: OSError) -> str:
    """Returns a short text: `connection refused` instead of asyncio's `Connect call failed (...)`."""
    if error.errno in errno.errorcode and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno or 0).lower()
    if isinstance(error, ConnectionResetError) and not error.args:  # the connection ended during a TLS handshake
        return "connection closed"
    return line(error.strerror or str(error)) or type(error).__name__


def cause(error: BaseException) -> str:
    """Returns the text of the first cause: the parser's error and not the errors that wrap it."""
    error = bottom(error)
    return line(getattr(error, "message", "") or str(error)) or type(error).__name__


def bottom(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def line(text: str) -> str:
    """Returns the first line, short and printable, because the text came from the network."""
    return escape_text(_USER.sub("//", text.strip().partition("\n")[0])[:200].rstrip(" :"))
