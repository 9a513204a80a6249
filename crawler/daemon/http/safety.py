"""Who may talk to the daemon: hosts, origins, the token; and what every answer tells the browser."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .problems import Problem, answer

log = logging.getLogger(__name__)

ANSWER_HEADERS = {
    # Everything comes from us, nothing is inline, nothing frames us: a crawled title can never become a script.
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
"""How the names of routes begin that need no token: they tell nothing about any crawl."""
_OWN_SITES = frozenset({"", "same-origin", "none"})


@dataclass(slots=True)
class Token:
    """What clients show; another text takes its place while the daemon runs."""

    text: str


def problems() -> Middleware:
    """The outermost middleware: whatever goes wrong inside becomes a problem document, and a bug is logged once."""

    @web.middleware
    async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return answer(problem)
        except web.HTTPException as error:
            return _from_aiohttp(request, error)
        except ConnectionError:  # the client went away
            raise
        except Exception:
            log.exception("a bug while answering %s %r", request.method, request.path)
            return answer(Problem(500, "internal", "a bug of ours; the daemon's log tells more"))

    return told


def guard(token: Token | None, hosts: Collection[str]) -> Middleware:
    """Lets in who names us by one of `hosts` (lower case; `*`: any), comes from no foreign page and knows the token.

    `token` None: whoever mounts the application guards it.
    """
    allowed = frozenset(hosts)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_host(request, allowed)
        _check_origin(request)
        if token is not None and not _is_public(request):
            _check_token(request, token.text)
        return await handler(request)

    return guarded


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: streams and files get them too."""
    for name, value in ANSWER_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


def _is_public(request: web.Request) -> bool:
    return (request.match_info.route.name or "").startswith(PUBLIC)


def _check_host(request: web.Request, allowed: frozenset[str]) -> None:
    """A foreign name that resolves to our address is how pages reach local services (DNS rebinding)."""
    host = request.headers.get("Host", "")
    name = (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""
    if "*" not in allowed and name not in allowed:
        raise Problem(
            421,
            "foreign-host",
            f"this daemon does not answer for the host {host[:100]!r}; name it in daemon.allowed_hosts",
        )


def _is_plain(host: str) -> bool:
    return host.isascii() and host.isprintable() and not set(host) & set("/\\@?# ")


def _check_origin(request: web.Request) -> None:
    """Browsers say where a request comes from; programs that are none say nothing."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower():
        raise Problem(403, "foreign-origin", f"requests from pages of {origin[:100]!r} are not answered")
    if request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES and not _is_public(request):
        raise Problem(403, "foreign-origin", "requests from pages of other sites are not answered")


def _check_token(request: web.Request, token: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    said = "the token is wrong" if given else "a token is needed"
    raise Problem(
        401,
        "unauthorized",
        f"{said}: send `Authorization: Bearer TOKEN` with the text of the daemon's token file",
        headers={"WWW-Authenticate": 'Bearer realm="crawld"'},
    )


def _from_aiohttp(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    """What the router and the body reader raise, in our words; redirects and the like pass."""
    if error.status < 400:
        raise error
    if error.status == 404:
        return answer(Problem(404, "not-found", f"there is nothing at {request.path[:200]!r}; /openapi.json lists all"))
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return answer(Problem(405, "method", f"{request.path[:200]!r} knows {allowed}", headers={"Allow": allowed}))
    return answer(Problem(error.status, "bad-request", error.text or error.reason))
