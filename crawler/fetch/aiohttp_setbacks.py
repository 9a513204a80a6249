"""Translates errors of aiohttp into FetchError."""

from __future__ import annotations

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

from ..errors import FetchError
from ..model import Reason
from .setbacks import bottom, cause, certificate, line, no_handshake, not_connected


def setback_of_aiohttp(error: Exception) -> FetchError:
    """Returns the FetchError for an error of aiohttp."""
    match error:
        case ClientConnectorCertificateError():
            return FetchError(Reason.TLS, certificate(error.certificate_error))
        case ClientConnectorSSLError():
            return no_handshake(error.os_error)
        case ClientConnectorError():
            return not_connected(error.os_error)
        case ClientHttpProxyError():
            return FetchError(Reason.CONNECT, f"the proxy answered HTTP {error.status}", transient=True)
        case ClientResponseError():  # aiohttp's own text contains the proxy's password
            return FetchError(Reason.CONNECT, f"the proxy's answer is not HTTP: {line(error.message)}", transient=True)
        case ServerDisconnectedError() | ClientPayloadError() | HttpProcessingError():
            return _bad_response(error)
        case OSError():
            return not_connected(error)
        case _:
            return FetchError(Reason.CONNECT, line(str(error)) or type(error).__name__, transient=True)


def _bad_response(error: Exception) -> FetchError:
    if isinstance(error, ServerDisconnectedError):
        return FetchError(Reason.BAD_RESPONSE, "closed without an answer", transient=True)
    if isinstance(error, ClientPayloadError) and not _is_malformed(bottom(error)):
        return FetchError(Reason.BAD_RESPONSE, f"body cut short: {cause(error)}", transient=True)
    return FetchError(Reason.BAD_RESPONSE, cause(error))


def _is_malformed(error: BaseException) -> bool:
    """Whether the parser refused bytes that came, and not just missed bytes that never came."""
    return isinstance(error, BadHttpMessage) and not isinstance(error, PayloadEncodingError)
