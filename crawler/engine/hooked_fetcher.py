"""Calls the user's hooks around each exchange: before its request, and after its response."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import NamedTuple

from .. import urls
from ..errors import Excluded, HookError, Rejected, UrlError, VisitError
from ..fetch.budget import collect_opened
from ..model import NO_SHARE, Reason, Request, Response, Retry, Skip
from ..protocols import Fetcher, Robots
from ..runtime.foreign_errors import describe
from .hooks import guard_hook

BeforeRequest = Callable[[Request], Awaitable[Request | Skip]]
"""Gets each request before it is sent; returns it, a changed copy, or Skip."""
AfterResponse = Callable[[Response], Awaitable[Response | Retry]]
"""Gets each response; returns it, a changed copy, or Retry."""

_CHANGEABLE = frozenset(("url", "method", "headers", "body", "etag", "last_modified"))
_KEPT = tuple(field.name for field in fields(Request) if field.name not in _CHANGEABLE)
"""Fields of a request that belong to the queue: a changed copy has the same."""


class Hooks(NamedTuple):
    """The hooks of one crawl."""

    before_request: BeforeRequest | None = None
    after_response: AfterResponse | None = None


NO_HOOKS = Hooks()


class HookedFetcher:
    """A Fetcher that calls hooks around each exchange of another one. robots.txt is not fetched by it."""

    def __init__(self, inner: Fetcher, hooks: Hooks, robots: Robots) -> None:
        self._inner = inner
        self._before, self._after = hooks
        self._robots = robots

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange. Raises FetchError, Excluded where a hook skips the request, HookError where one fails."""
        share = NO_SHARE
        with collect_opened() as opened:
            try:
                asked = request if self._before is None else await self._ask_before(self._before, request)
                response = await self._inner.fetch(asked)
                if asked.url != request.url:
                    response = replace(response, url=request.url)
                if self._after is not None:
                    response = await self._ask_after(self._after, response)
                share = response.share
            except Rejected as error:
                share = error.response.share if error.response else NO_SHARE
                raise
            finally:
                opened.close(share)
        return response

    async def _ask_before(self, hook: BeforeRequest, request: Request) -> Request:
        who = f"the hook before_request ({_name(hook)})"
        with _end_crawl_on_error(who):
            answer = await _check_awaitable(who, hook(request))
            if isinstance(answer, Skip):
                raise Excluded(Reason.SKIPPED, answer.detail)
            if type(answer) is not Request:
                raise HookError(_complain(who, answer, "the request, a changed copy of it, or crawler.Skip('why')"))
            if answer is not request:
                answer = _check(who, answer)
                _check_change(who, request, answer)
        if answer.url != request.url:
            rules, _ = await self._robots.rules(answer)
            if not rules.allows(answer.url):
                raise Excluded(Reason.ROBOTS, f"before_request asks for {answer.url}")
        return answer

    async def _ask_after(self, hook: AfterResponse, response: Response) -> Response:
        who = f"the hook after_response ({_name(hook)})"
        with _end_crawl_on_error(who):
            answer = await _check_awaitable(who, hook(response))
            if isinstance(answer, Retry):
                raise Rejected(answer.detail, response, answer.after_s)
            if not isinstance(answer, Response):
                raise HookError(_complain(who, answer, "the response, a changed copy of it, or crawler.Retry('why')"))
        return answer if answer.url == response.url else replace(answer, url=response.url)


@contextmanager
def _end_crawl_on_error(who: str) -> Iterator[None]:
    """Raises HookError for every error of a hook but a VisitError, which costs the visit alone."""
    try:
        with guard_hook(who):
            yield
    except (VisitError, HookError):
        raise
    except Exception as error:
        raise HookError(f"{who} raised {describe(error)}") from error


def _check_awaitable(who: str, called: object) -> Awaitable[object]:
    if not inspect.isawaitable(called):
        what = f"an object of type {type(called).__name__}"
        raise HookError(f"{who} returned {what} at once: it should be an async function, written `async def`")
    return called


def _check(who: str, answer: Request) -> Request:
    """Returns a request as it can be sent. Raises HookError."""
    try:
        return urls.check_request(answer)
    except UrlError as error:
        raise HookError(f"{who} returned a request that cannot be sent: {error}") from error


def _check_change(who: str, request: Request, answer: Request) -> None:
    if answer.url.site != request.url.site:
        raise HookError(
            f"{who} moved the request for {request.url} to another site, {answer.url.site}: that site would get it "
            f"out of turn. Return crawler.Skip, and queue the other URL with Crawl.add"
        )
    changed = [name for name in _KEPT if getattr(answer, name) != getattr(request, name)]
    if changed:
        raise HookError(
            f"{who} changed {', '.join(changed)} of the request for {request.url}: only "
            f"{', '.join(sorted(_CHANGEABLE))} may change"
        )


def _complain(who: str, answer: object, wanted: str) -> str:
    if answer is None:
        return f"{who} returned None: it should return {wanted}"
    if isinstance(answer, type):
        return f"{who} returned the class {answer.__name__}, not an object of it: it should return {wanted}"
    return f"{who} returned an object of type {type(answer).__name__}: it should return {wanted}"


def _name(hook: object) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))
