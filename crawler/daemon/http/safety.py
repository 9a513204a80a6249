"""Decides which requests are answered (host, origin, token), and adds security headers to every answer."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler, Middleware

from .adapters import Adapter, find_adapter, teller
from .admission import Admission
from .problems import Problem, answer

log = logging.getLogger(__name__)

ANSWER_HEADERS = {
    # Only our own files, nothing inline, no frames: a crawled title can never become a script.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "crawld",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
PUBLIC = "public"
"""Prefix of the names of routes that need no token. They reveal nothing about any crawl."""
_OWN_SITES = frozenset({"", "same-origin", "none"})


@dataclass(slots=True)
class Token:
    """The token that clients send. Its text may be replaced while the daemon runs."""

    text: str


def problems(adapters: Sequence[Adapter] = ()) -> Middleware:
    """Returns the outermost middleware: it turns every error into a problem document, and logs a bug once.

    At the paths of an adapter, errors have the adapter's shape.
    """

    @web.middleware
    async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
        tell = teller(adapters, request.path)
        try:
            return await handler(request)
        except Problem as problem:
            return tell(problem)
        except web.HTTPException as error:
            return tell(_from_aiohttp(request, error))
        except ConnectionError:  # the client went away
            raise
        except Exception:
            log.exception("a bug while answering %s %r", request.method, request.path)
            return tell(Problem(500, "internal", "a bug of ours; the daemon's log has details"))

    return told


def guard(
    token: Token | None, hosts: Collection[str], admission: Admission | None = None, adapters: Sequence[Adapter] = ()
) -> Middleware:
    """Returns a middleware that admits requests with an allowed Host, from no foreign page, and with the token.

    `hosts` are in lower case; `*` means any. With `token` None, the program that mounts the application must protect
    it. `admission` keeps a place for connections that were admitted. Clients of some `adapters` send the token as a
    password.
    """
    allowed = frozenset(hosts)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_host(request, allowed)
        _check_origin(request)
        adapter = find_adapter(adapters, request.path)
        takes_password = adapter is not None and adapter.takes_password
        is_known = token is None or _shows(request, token.text, takes_password=takes_password)
        if not is_known and not _is_public(request):
            raise _no_token(request)
        if is_known and admission is not None:
            admission.recognise(request)
        return await handler(request)

    return guarded


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds our headers, as `on_response_prepare`, so that streams and files get them too.

    They replace aiohttp's `Server`, which names aiohttp and Python.
    """
    response.headers.update(ANSWER_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


def _is_public(request: web.Request) -> bool:
    return (request.match_info.route.name or "").startswith(PUBLIC)


def _check_host(request: web.Request, allowed: frozenset[str]) -> None:
    """Raises Problem (421) for a foreign Host: in DNS rebinding, a foreign name leads to our address."""
    host = request.headers.get("Host", "")
    name = _name(host)
    if "*" not in allowed and name not in allowed:
        raise Problem(
            421,
            "foreign-host",
            f"this daemon does not answer for the host {_quoted(host)}; name it in daemon.allowed_hosts",
        )


def _name(host: str) -> str:
    """Returns the name in a Host field, in lower case. Raises Problem: 400."""
    try:
        is_plain = host.isascii() and host.isprintable() and not set(host) & set("/\\@?# ")
        return (urlsplit(f"//{host}").hostname or "") if is_plain else ""
    except ValueError:
        raise Problem(400, "bad-host", f"{_quoted(host)} is not a host") from None


def _check_origin(request: web.Request) -> None:
    """Raises Problem (403) for requests from foreign pages. Only browsers send these fields."""
    origin = request.headers.get("Origin")
    if origin is not None and _place(origin) != request.headers.get("Host", "").lower():
        raise Problem(403, "foreign-origin", f"requests from pages of {_quoted(origin)} are not answered")
    if request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES and not _is_public(request):
        raise Problem(403, "foreign-origin", "requests from pages of other sites are not answered")


def _place(origin: str) -> str:
    """Returns host and port of an Origin field. Raises Problem: 400."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        raise Problem(400, "bad-origin", f"{_quoted(origin)} is not an origin") from None


def _shows(request: web.Request, token: str, *, takes_password: bool = False) -> bool:
    return hmac.compare_digest(_bytes(_given(request, takes_password=takes_password)), token.encode())


def _given(request: web.Request, *, takes_password: bool = False) -> str:
    """Returns the token that the request shows; empty if there is none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if takes_password and scheme.lower() == "basic":
        return _password(given.strip())
    return given.strip() if scheme.lower() == "bearer" else ""


def _password(credentials: str) -> str:
    """Returns the password of HTTP Basic (RFC 7617); empty if there is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _bytes(field: str) -> bytes:
    """Returns the bytes of a header field as they came; invalid UTF-8 was kept as surrogates."""
    return field.encode("utf-8", "surrogateescape")


def _no_token(request: web.Request) -> Problem:
    """Returns the answer to a request without the token; it says whether there was another one (RFC 6750 3.1)."""
    if _given(request):
        slug, said = (
            "wrong-token",
            "this token is not known, or was replaced: the daemon's token file holds the right one",
        )
        asked = 'Bearer realm="crawld", error="invalid_token"'
    else:
        slug, asked = "no-token", 'Bearer realm="crawld"'
        said = "a token is needed: send `Authorization: Bearer TOKEN` with the text of the daemon's token file"
    return Problem(401, slug, said, headers={"WWW-Authenticate": asked})


async def answer_expectation(request: web.Request) -> web.StreamResponse | None:
    """Answers the header field `Expect` (RFC 9110 10.1.1), before all else."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        refused = answer(Problem(417, "bad-request", "the header field Expect knows 100-continue alone"))
        refused.force_close()  # the body may come, or not
        return refused
    if request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return None


def _quoted(field: str) -> str:
    """Returns the start of a field, escaped for an answer."""
    return ascii(field[:100])


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> Problem:
    """Turns errors of aiohttp into problems; redirects are raised again."""
    if error.status < 400:
        raise error
    if error.status == 404:
        return Problem(404, "not-found", f"there is nothing at {request.path[:200]!a}; /openapi.json lists all")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(405, "method", f"{request.path[:200]!a} knows {allowed}", headers={"Allow": allowed})
    return Problem(error.status, "bad-request", error.text or error.reason)
