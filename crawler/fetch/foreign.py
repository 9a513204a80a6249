"""Holds a Fetcher that somebody else wrote, so that the memory of bodies that it keeps for itself is not missing."""

from __future__ import annotations

from dataclasses import replace

from ..model import NO_SHARE, Request, Response
from ..proof import RequestRecorder
from ..protocols import Capping, Fetcher, PerAddress
from .budget import collect_opened, is_collecting


class ForeignFetcher:
    """A Fetcher around one of somebody else, which may hold ours.

    Such a Fetcher may keep, copy or drop the responses that ours gave it. When it answers, the responses that it got
    and does not return are given back to the budget: they are its own from then on.
    """

    def __init__(self, fetcher: Fetcher, recorder: RequestRecorder | None = None) -> None:
        """`recorder` records what is asked of the other Fetcher, where ours does not send it."""
        self._fetcher = fetcher
        self._recorder = recorder

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange with the other Fetcher. Raises FetchError."""
        if self._recorder is None:
            return await self._fetch(request)
        number = self._recorder.begin(request, "", is_resent=False)
        try:
            response = await self._fetch(request)
        except BaseException as error:
            self._recorder.fail(number, type(error).__name__)
            raise
        self._recorder.end(number, response.status, len(response.body), response.header("retry-after"))
        return replace(response, number=number)

    async def _fetch(self, request: Request) -> Response:
        share = NO_SHARE
        with collect_opened() as opened:
            try:
                response = await self._fetcher.fetch(request)
                share = response.share
            finally:
                opened.close(share)
        return response if response.url == request.url else replace(response, url=request.url)

    def capped(self, limit_bytes: int) -> Fetcher:
        """Returns a Fetcher that reads at most `limit_bytes` of each body, if the other one can."""
        if not isinstance(self._fetcher, Capping):
            return self
        return ForeignFetcher(self._fetcher.capped(limit_bytes), self._recorder)

    def limit_per_address(self, most: int) -> None:
        """Allows `most` exchanges at a time with each address, if the other one counts them."""
        if isinstance(self._fetcher, PerAddress):
            self._fetcher.limit_per_address(most)


class LentFetcher:
    """Our own Fetcher as code of others holds it.

    What it fetches in a task of its own, beside the calls of the crawl, takes no memory of the budget once it is whole:
    nobody could tell when it is dropped.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def fetch(self, request: Request) -> Response:
        """Makes one exchange. Raises FetchError."""
        response = await self._fetcher.fetch(request)
        if not is_collecting():
            response.release()
        return response

    def capped(self, limit_bytes: int) -> Fetcher:
        """Returns a Fetcher that reads at most `limit_bytes` of each body."""
        return LentFetcher(self._fetcher.capped(limit_bytes)) if isinstance(self._fetcher, Capping) else self

    def limit_per_address(self, most: int) -> None:
        """Allows `most` exchanges at a time with each address."""
        if isinstance(self._fetcher, PerAddress):
            self._fetcher.limit_per_address(most)
