"""Has pages read in workers, and rendered where they need it."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, Protocol

from .dataclass import dataclass
from .errors import OffloadError, VisitError
from .model import Page, Reason, Rendered, RenderedFor, Request, Response
from .model.quick import replace
from .parse import Document, ParseJob, make_document, parse
from .parse.job import USAGE_FIELDS
from .protocols import Offloader
from .settings import MOST_INLINE_BYTES

NEVER_INLINE = MOST_INLINE_BYTES
"""The least size that some bodies count as, so that they are never parsed on the loop: bodies in a content coding,
since a kilobyte of them may be a decompression bomb, bodies that the user's own function or selectors read, and what
other libraries read slowly."""


class Rendering(Protocol):
    """Renders pages that scripts make. A Fetcher may offer this as well."""

    def looks_for(self, request: Request, response: Response) -> str:
        """Returns whether the reader is to say that the page needs rendering: `auto`, `always`; empty: it need not."""
        ...

    async def render(self, request: Request, response: Response, why: RenderedFor) -> Response:
        """Returns a copy of the response with the document that scripts make of it, or why there is none.

        Gives the memory of the response back to the budget. Never raises VisitError.
        """
        ...

    def learn(self, request: Request, before: Page | None, after: Page) -> None:
        """Learns from a page that was looked at. `before`: the page without its scripts, if it was rendered."""
        ...


class Read(NamedTuple):
    """A page that was read."""

    page: Page
    trouble: OffloadError | None
    """The error of a worker that died of it. Then a linear scan made the page."""
    response: Response
    """The answer, with the rendered document if the page was rendered."""


@dataclass(frozen=True, slots=True)
class PageReader:
    """Reads the pages of one run."""

    offloader: Offloader
    job: ParseJob
    rendering: Rendering | None = None
    """Renders pages. None: no page is rendered."""

    async def read(self, request: Request, response: Response, *, may_be_brief: bool) -> Read:
        """Returns the page of an answer, rendered if it needs that. Raises VisitError."""
        rendering = self.rendering
        wanted = rendering.looks_for(request, response) if rendering else ""
        document = self.document(request, response, may_be_brief=may_be_brief)
        if wanted:
            document = replace(document, looks_for=wanted)
        page, trouble = await self.parse(document, self.job)
        if rendering is None or not wanted:
            return Read(page, trouble, response)
        if not page.needs_rendering:
            rendering.learn(request, None, page)
            return Read(page, trouble, response)
        response = await rendering.render(request, response, RenderedFor(page.needs_rendering))
        before = page
        page, trouble = await self.parse(self.document(request, response), self.job)
        rendering.learn(request, before, page)
        return Read(page, trouble, response)

    def document(self, request: Request, response: Response, *, may_be_brief: bool = False) -> Document:
        """Returns the document of an answer as workers take it."""
        names = USAGE_FIELDS if self.job.wants_usage else ()
        is_for_function = self.job.wants_headers
        return make_document(
            request, response, is_for_function=is_for_function, may_be_brief=may_be_brief, for_usage=names
        )

    async def parse(self, document: Document, job: ParseJob) -> tuple[Page, OffloadError | None]:
        """Returns the page that a worker made, and the error if a worker died of it. Raises VisitError.

        After such a death a linear scan finds the links.
        """
        is_safe = not (document.content_encoding or job.is_foreign or job.is_slow_with(document.body))
        size = len(document.body) if is_safe else max(len(document.body), NEVER_INLINE)
        try:
            return await self.offloader.run(parse, document, job, size=size), None
        except OffloadError as error:
            trouble = error.with_traceback(None)  # whose frames hold the body
        try:
            return await self.offloader.run(parse, replace(document, is_suspect=True), job, size=size), trouble
        except VisitError:
            raise trouble from None

    async def read_notice(self, request: Request, response: Response) -> Page | None:
        """Returns the page of an error, without its links and texts. None: it cannot be read."""
        with suppress(VisitError):
            page, _ = await self.parse(self.document(request, response), self._silent_job)
            return page
        return None

    @property
    def _silent_job(self) -> ParseJob:
        """The job for error pages: no links, no text, and no function of the user."""
        return replace(
            self.job, follow=frozenset(), most_requisites=0, wants_links=False, wants_text=False, wants_markdown=False,
            wants_metadata=False, wants_structured=False, wants_audit=False, fields=(), extract=None,
        )  # fmt: skip


def find_shortcoming(page: Page, trouble: OffloadError | None, rendered: Rendered | None) -> Reason | None:
    """Returns why a fetched page was not read completely; None: it was."""
    if trouble:
        return trouble.reason
    if rendered and rendered.trouble:
        return Reason.RENDER
    return Reason.PARSE if page.data_error or page.is_scanned else None


def make_remarks(page: Page, trouble: OffloadError | None, rendered: Rendered | None) -> list[str]:
    """Returns what a person may want to know of how a page was read; some of it may be empty."""
    said = [trouble.detail if trouble else "", page.data_error, page.note]
    return (
        said
        if rendered is None
        else [f"not rendered: {rendered.trouble}" if rendered.trouble else "", rendered.note, *said]
    )
