"""Reads one page as a crawl would, and returns what settings and parse functions make of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from .. import seeds, urls
from ..assembly.parsing import Parse
from ..errors import SeedError
from ..model import Disposition, Outcome, Request, Response, Url
from ..settings import Config, Settings
from ..settings.loading import amend
from .streaming import stream

UNKNOWN = "https://file.invalid/"
"""The folder that files are taken to be in where nobody says it: a name that no site ever has (RFC 2606)."""
_TYPES = {".txt": "text/plain", ".xhtml": "application/xhtml+xml", ".json": "application/json"}
"""Media types by the ends of names. What other files are is told by their first bytes, as of a page without a type."""
_ONE_PAGE = {
    "scope.max_depth": 0, "scope.limit": None, "scope.sitemaps": False, "scope.requisites": False,
    "scope.extra_hops": 0, "scope.traps": "off", "politeness.max_attempts": 1, "politeness.revisit_after_s": None,
    "fetch.cookie_file": "", "frontier.kind": "memory", "offload.workers": 1,
}  # fmt: skip
_OF_A_FILE = {"politeness.robots": "ignore", "fetch.archives": (), "scope.include": (), "scope.exclude": ()}


@dataclass(frozen=True, slots=True)
class Trial:
    """One page, and the redirects that led to it."""

    outcome: Outcome
    """The outcome of the page: `page` has what was made of it, `data` what the parse function returned."""
    way: Sequence[Outcome] = ()
    """The outcomes of the redirects before it."""
    unread: Sequence[str] = ()
    """Names of fields whose place was found, but no value of their type."""

    @property
    def is_read(self) -> bool:
        """Whether there is a page."""
        return self.outcome.page is not None and self.outcome.disposition is Disposition.FETCHED


async def try_page(
    page: str | Path,
    config: Config | None = None,
    *,
    parse: Parse[object] | None = None,
    url: str = "",
    **settings: Unpack[Settings],
) -> Trial:
    """Returns what a crawl with these settings would make of one page. It keeps nothing and follows no link.

    `page` is a URL, which is asked for as a crawl asks: robots.txt, the guard, and the rests of its site hold. Or it is
    the Path of a file, which is read in its place, within the same bounds; `url` is where it is taken to be from.
    Raises SeedError for a file that cannot be read, and the errors of `open_crawl`.
    """
    config = amend(amend(config or Config(), settings), _ONE_PAGE)
    if isinstance(page, str):
        return await _try(seeds.parse(seeds.with_scheme(page)), config, parse)
    body = await asyncio.to_thread(_read_file, page, config.fetch.max_body_bytes)
    of_file = urls.parse(seeds.with_scheme(url)) if url else urls.parse(page.name, urls.parse(UNKNOWN))
    return await _try(of_file, amend(config, _OF_A_FILE), parse, _File(body, _TYPES.get(page.suffix.lower(), "")))


async def _try(url: Url, config: Config, parse: Parse[object] | None, fetcher: _File | None = None) -> Trial:
    async with stream([url], config, parse=parse, fetcher=fetcher) as coming:
        outcomes = [outcome async for outcome in coming]
    last = outcomes[-1]
    bits = last.page.fields_unread if last.page else 0
    unread = [name for place, name in enumerate(config.extract.fields) if bits >> place & 1]
    return Trial(last, outcomes[:-1], unread)


@dataclass(frozen=True, slots=True)
class _File:
    """A fetcher that answers with one file."""

    body: bytes
    content_type: str

    async def fetch(self, request: Request) -> Response:
        headers = {"content-type": self.content_type} if self.content_type else {}
        return Response.decoded(request.url, 200, headers, self.body)


def _read_file(path: Path, most_bytes: int) -> bytes:
    """Returns the bytes of a file, one more than are allowed where it has more. Raises SeedError."""
    try:
        with path.open("rb") as file:
            if not os.path.isfile(path):
                raise SeedError(f"{path} is no file")
            return file.read(most_bytes + 1)
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}") from error
