"""Calls the user's own parse function, and makes requests of the links that it gives."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from functools import partial
from itertools import islice
from traceback import format_exception
from typing import NamedTuple

import orjson

from .. import urls
from ..dataclass import dataclass
from ..errors import UrlError
from ..model import LeftOut, Links, Page, Request, Returned
from ..runtime.counting import many
from ..runtime.escaping import escape_text
from ..runtime.foreign_errors import describe, is_of_a_signal
from . import data, directives, focus
from .job import Content, Document, ParseJob
from .news import NO_NEWS, Memory, News
from .parsed import Link, Parsed
from .parsers import Parsers
from .reading import Reading

MOST_ASKED_BYTES = 4 << 20
"""Bytes of all that the links of one page carry: data, bodies, headers, labels."""
MOST_PICKLED_BYTES = 8 << 20
"""Bytes of a result as a pickle; a larger one comes back as JSON makes it."""
MOST_TRACE = 8000
"""Characters of a traceback that are kept, from its end."""
_OWN_FRAMES = 1
"""Frames of ours before those of the user's function."""
_RULES = {
    LeftOut.REACH: "out of reach",
    LeftOut.PATTERNS: "by include or exclude",
    LeftOut.DEPTH: "too deep",
    LeftOut.REPEATS: "whose paths repeat themselves",
    LeftOut.NOFOLLOW: "by nofollow",
}


@dataclass(slots=True)
class Source:
    """All that is known of a page when its function is called."""

    page: Page
    document: Document
    body: bytes
    reading: Reading
    base: str
    """The absolute URL that links are relative to."""
    news: News
    depth: int
    """How many hops out the links of the page lie."""
    request: Request = field(init=False)
    """The request that brought the page; where nobody said it, one for its URL."""

    def __post_init__(self) -> None:
        at = self.document
        self.request = Request(*at.request) if at.request else Request(at.url, at.depth, root=at.anchor)  # type: ignore[arg-type]


def extract(source: Source, job: ParseJob, memory: Memory) -> tuple[Page, News]:
    """Returns the page with the result of the user's own function, and the links that are reported with it."""
    page, document, request = source.page, source.document, source.request
    if job.extract is None:
        return page, source.news
    if document.is_suspect:
        return replace(page, data_error="not called, because a worker failed on this page"), source.news
    content = Content(
        document.url, document.status, document.content_type, source.body, page,
        document.headers, request, source.reading.tree,
    )  # fmt: skip
    parser: Callable[[Content], object] | None = job.extract
    try:
        if isinstance(parser, Parsers):
            parser = parser.find(content)
        if parser is None:
            return page, source.news
        said = parser(content)
        given = said if isinstance(said, Parsed) else Parsed(said)
        links = list(islice(given.links, job.max_links + 1))
        page = _with_order(_with_data(page, given.data, job), given, source, job)
    except MemoryError:
        raise  # the caller may try again with more memory
    except BaseException as error:
        if is_of_a_signal(error):
            raise
        name = _name(parser)
        trace = _trace(error) if memory.is_first_error(name) else ""
        page = replace(page, data_error=describe(error), data_trace=trace, parser=name)
        return page, source.news  # it is foreign code, which may fail in any way
    news = source.news
    if not given.follow:
        kept = page.left_out & int(LeftOut.REQUISITES)
        page = replace(page, news=Links(), beyond=Links(), left_out=kept, outside=b"")
        news = NO_NEWS._replace(requisites=source.news.requisites)
    return _with_links(page, links, replace(source, news=news), job, memory) if links else (page, news)


def _with_data(page: Page, value: object, job: ParseJob) -> Page:
    """Returns the page with a result, as JSON and as a value."""
    if value is None:
        return page
    packed, returned, note = data.encode(value), None, ""
    if job.returns == "object":
        returned = Returned(value, "object")
    elif job.returns == "pickle":
        try:
            pickled = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            note = f"its pickle has {len(pickled):,} bytes" if len(pickled) > MOST_PICKLED_BYTES else ""
            returned = None if note else Returned(pickled, "pickle")
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - it runs code of the user's classes
            note = f"it cannot be pickled: {describe(error)}"
    page = replace(page, data_json=packed, returned=returned)
    return _add_note(page, f"the result of parse is made of its JSON, for {note}") if note else page


def _with_order(page: Page, given: Parsed[object], source: Source, job: ParseJob) -> Page:
    """Returns the page with its links in the order that the function gives them, and with its relevance."""
    if given.relevance is not None:
        page = replace(page, relevance=round(min(max(float(given.relevance), 0.0), 1.0), 3))
    if given.score is None or not page.news:
        return page
    tree = source.reading.tree
    anchors = focus.link_texts(tree) if tree is not None else []
    texts = focus.join_texts(anchors, urls.make_resolver(source.base, job.policy))
    return replace(page, news=replace(page.news, priorities=focus.rank_by(given.score, page.news.split(), texts)))


# -- links of the function ---------------------------------------------------------------------------------------------


class _Bad(NamedTuple):
    """A link that cannot be followed, and why."""

    url: str
    why: str


def _with_links(
    page: Page, links: Sequence[Link | str], source: Source, job: ParseJob, memory: Memory
) -> tuple[Page, News]:
    """Returns the page with requests for those links that belong to the crawl, and notes on all others."""
    if len(links) > job.max_links:
        page = _add_note(page, f"only the first {job.max_links} links that parse gave were taken")
        page = replace(page, left_out=page.left_out | LeftOut.MAX_LINKS)
    asked: list[Request] = []
    bad: list[_Bad] = []
    room = MOST_ASKED_BYTES
    resolve = partial(_make_request, urls.make_resolver(source.base, job.policy), source)
    for link in links[: job.max_links]:
        try:
            request, size = resolve(link)
        except (UrlError, TypeError, ValueError) as error:
            bad.append(_Bad(link if isinstance(link, str) else repr(getattr(link, "url", link)), describe(error)))
            continue
        room -= size
        if room < 0:
            bad.append(_Bad(request.url.text, f"data and bodies of all links take more than {MOST_ASKED_BYTES} bytes"))
        else:
            asked.append(request)
    if bad:
        page = _add_note(
            page, f"left out {many(len(bad), 'link')} that parse gave, such as {bad[0].url[:200]}: {bad[0].why}"
        )
    return _take_over(*_judge(page, asked, source, job), source, memory)


def _make_request(resolve: Callable[[str], str], source: Source, link: Link | str) -> tuple[Request, int]:
    """Returns the request for a link, and how many bytes it carries beside its URL.

    Raises UrlError, ValueError or TypeError for what cannot be one.
    """
    if isinstance(link, str):
        link = Link(link)
    elif not isinstance(link, Link):
        raise TypeError("it is neither a Link nor a text")
    kinds: tuple[tuple[object, type], ...] = ((link.url, str), (link.priority, int))
    for value, kind in kinds:
        if not isinstance(value, kind):
            raise TypeError(f"{value!r} is no {kind.__name__}")
    text = resolve(link.url)
    if not text:
        raise UrlError("it leads to no URL that can be visited")
    above = source.request
    request = Request(
        text,
        source.depth,
        above.url,
        above.origin,
        above.anchor,
        priority=link.priority,
        method=link.method,
        headers=link.headers,
        body=link.body,
        label=link.label,
        data=link.data,
    )
    request = urls.check_request(request)
    return request, _weight(request)


def _weight(request: Request) -> int:
    """Returns roughly how many bytes a request carries beside its URL."""
    values = len(orjson.dumps(request.data)) if request.data else 0
    return values + len(request.body) + sum(len(name) + len(value) for name, value in request.headers)


def _judge(page: Page, asked: Sequence[Request], source: Source, job: ParseJob) -> tuple[Page, list[Request]]:
    """Returns those requests that belong to the crawl, and the page with notes on how many others there are."""
    document, bounds = source.document, job.bounds
    sieve = bounds.sieve(document.anchor or document.url, source.depth, document.url)
    is_closed = job.nofollow != "ignore" and directives.forbids_following(source.reading.directives)
    if document.extra_hop or document.requisite:  # no page of theirs belongs to the crawl
        bits = [int(LeftOut.REACH)] * len(asked)
    else:
        bits = [int(LeftOut.NOFOLLOW) if is_closed else sieve(request.url.text) for request in asked]
    kept = [request for request, bit in zip(asked, bits, strict=True) if not bit]
    left = Counter(bit for bit in bits if bit)
    if left:
        told = ", ".join(f"{n} {_RULES[LeftOut(bit)]}" for bit, n in left.items())
        page = _add_note(page, f"left out links that parse gave: {told}")
    places = {bounds.place(one.url.text) for one, bit in zip(asked, bits, strict=True) if bit == LeftOut.REACH} - {""}
    known = {page.outside[at : at + 8] for at in range(0, len(page.outside), 8)}
    outside = [print_ for text in sorted(places) if (print_ := urls.fingerprints([text], job.key)) not in known]
    page = replace(page, left_out=page.left_out | sum(left), outside=page.outside + b"".join(outside))
    return page, kept


def _take_over(page: Page, asked: list[Request], source: Source, memory: Memory) -> tuple[Page, News]:
    """Returns the page with its requests, and all links that are reported with it.

    A link that the page has as well goes with the request, which may have a label. Without a body or fields of its own
    it is another spelling of a URL, and need not be reported twice.
    """
    own, depth = source.document.url.text, source.depth
    news = [one for one in asked if not (one.is_plain and memory.has_reported(one.url.text, depth))]
    news = [one for one in news if not one.is_plain or one.url.text != own]
    plain = {one.url.text for one in news if one.is_plain}
    if not plain.isdisjoint(source.news.texts):
        page = replace(page, news=_without(page.news, plain))
    rest = [text for text in source.news.texts if text not in plain]
    return replace(page, asked=tuple(news)), source.news._replace(texts=[*rest, *plain])


def _without(links: Links, texts: set[str]) -> Links:
    """Returns the links but for those with these URLs."""
    kept = [(place, text) for place, text in enumerate(links.split()) if text not in texts]

    def pick(values: bytes, size: int) -> bytes:
        return b"".join([values[place * size : (place + 1) * size] for place, _ in kept])

    return Links(
        "\n".join([text for _, text in kept]),
        pick(links.fingerprints, 8),
        pick(links.priorities, 1),
        pick(links.modified, 4),
    )


def _add_note(page: Page, note: str) -> Page:
    return replace(page, note=f"{page.note}; {note}" if page.note else note)


# -- errors of the function --------------------------------------------------------------------------------------------


def _name(parser: object) -> str:
    while isinstance(parser, partial):
        parser = parser.func
    name = getattr(parser, "__qualname__", "")
    return name if isinstance(name, str) and name else type(parser).__qualname__


def _trace(error: BaseException) -> str:
    """Returns the traceback of an error, without our own frames; its end if it is long."""
    trace = error.__traceback__
    for _ in range(_OWN_FRAMES):
        trace = trace.tb_next if trace is not None else None
    try:
        text = "".join(format_exception(type(error), error, trace)).rstrip()
        text = "\n".join(map(escape_text, text.split("\n")))
    except BaseException:  # noqa: BLE001 - an error's own methods may fail in any way
        return ""
    return text if len(text) <= MOST_TRACE else f"...{text[-MOST_TRACE:]}"
