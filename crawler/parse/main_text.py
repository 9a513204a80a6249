"""Finds the main part of an HTML page: the element that people open the page for, without its furniture.

Text and markdown are made of that one element, so they agree. docs/extraction.md tells how it is chosen, and how well.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Literal, NamedTuple

import turbohtml

from .lead import take_lead

Part = Literal["dense", "main", "body", "page", "best"]
"""The part of a page that was taken: its densest one, its own `main` or `article`, its body without furniture, or all
that is seen of it; what another library found (`best_text`)."""

UNSEEN = (
    "script,style,noscript,template,iframe,object,embed,svg,canvas,audio,video,[hidden],[aria-hidden=true],"
    '[style*="display:none" i],[style*="display: none" i],[style*="visibility:hidden" i],'
    '[style*="visibility: hidden" i]'
)
"""Matches elements that nobody reads: hidden, or no text."""
_NEVER = (
    "nav,dialog,menu,button,select,input,textarea,[role=navigation],[role=search],[role=complementary],"
    "[role=contentinfo],[role=banner]"
)
"""Matches elements that are no part of what a page says, however long they are."""
_SELDOM = "aside:not(.footnote,.footnote-list,.admonition,[role=doc-footnote],[role=note]),footer,form"
"""Matches elements that are mostly furniture; sites put whole pages into one, too."""
_OWN = ('[itemprop="articleBody"]', "main", "[role=main]", "article")
"""Finds the part that the page itself calls its main one. The first that matches one element alone is taken."""
_FURNITURE = frozenset(
    """
    ad ads advert advertisement advertisements banner breadcrumb breadcrumbs byline caption captions comment
    comments consent cookie cookies copyright credit disqus footer headerlink hidden menu modal nav navfooter
    navheader navigation newsletter outbrain pager pagination paywall popular popup print promo promos recommend
    recommendations recommended related share shares sharing sidebar signup skip social sponsor sponsored subscribe
    subscription taboola tags toolbar tooltip trending widget
    """.split()  # noqa: SIM905 - a list of as many texts is hard to read
)
"""Words by which sites name furniture in `class` and `id`."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_MOST_NAME = 256
"""Characters of `class` or `id` that are looked at, for answers to them are kept in memory."""
_MOST_OF_PAGE, _MOST_OF_SELDOM = 0.2, 0.4
"""The largest share of the page's text that furniture may have by its name, and by its tag. Larger, it is the page."""
_LEAST_OWN = 0.03
"""A part that the page calls its main one, but that has less of its text, is not: the text stands beside it."""
_COVER = 0.5
"""The densest part is taken if it has at least this share of the page's text, links left out."""
_COVER_OF_CODE = 0.9
"""And at least this share of its blocks of code: pages of documentation have them in all their parts."""
_ALIKE = 0.03
"""Parts beside the densest one that are made like it belong to it, if they have at least this share of its text."""
_MOST_LIFTED = 2
"""They are looked for beside it, and beside the elements so many levels above."""
_LINKED, _ROW = 0.9, 3
"""The share of links in the letters of a menu, or of a row of buttons between pages of a manual; and their number."""
_LEAST = 600
"""Fewer characters than these are no dense part: of a product's page, they would be its description alone."""


class Main(NamedTuple):
    """The main part of a page, in a tree of its own."""

    element: turbohtml.Element
    part: Part
    found: str = ""
    """Its text, if another library found it."""

    @property
    def text(self) -> str:
        """The text that a person would read."""
        return self.found or self.element.to_text()


def find_main(document: turbohtml.Document) -> Main | None:
    """Returns the main part of a page, in a copy of its tree; None: it has no body.

    The densest part is taken only if it has at least half of the text, for pages of documentation have many parts; else
    the one that the page itself calls its main one, else all of the body. Nothing hidden is in it.
    """
    body = copy_seen(document)
    if body is None:
        return None
    _drop(body.select(_NEVER))
    _drop_furniture(body)
    own = _find_own(body)
    whole = body if own is None else own
    part: Part = "body" if own is None else "main"
    dense = body.main_content()
    if isinstance(dense, turbohtml.Element) and _stands_for(dense, body, whole):
        whole, part = _with_alike(dense), "dense"
    if whole is not body:
        take_lead(whole)
    return Main(whole, part)


def _with_alike(dense: turbohtml.Element) -> turbohtml.Element:
    """Returns the part that holds the densest one and those beside it that are made alike, such as further sections."""
    least, inner = _ALIKE * _weigh(dense), dense
    for _ in range(_MOST_LIFTED):
        above = inner.parent
        if not isinstance(above, turbohtml.Element) or above.tag in ("body", "html"):
            break
        beside = [one for one in above.children if isinstance(one, turbohtml.Element) and _is_alike(one, inner)]
        if sum(map(_weigh, beside)) >= least:
            dense = above
        inner = above
    return dense


def _is_alike(one: turbohtml.Element, other: turbohtml.Element) -> bool:
    return one is not other and one != other and one.tag == other.tag and one.attr("class") == other.attr("class")


def _find_own(body: turbohtml.Element) -> turbohtml.Element | None:
    """Returns the part that the page itself calls its main one; None: it names none, or several."""
    for selector in _OWN:
        found = body.select(selector)
        if len(found) == 1 and _weigh(found[0]) >= _LEAST_OWN * _weigh(body):
            return found[0]
    return None


def _stands_for(dense: turbohtml.Element, body: turbohtml.Element, whole: turbohtml.Element) -> bool:
    """Whether the densest part has enough of the page's text and nearly all of its code."""
    has_text = _weigh(dense) >= max(_LEAST, _COVER * _weigh(body))
    return has_text and len(dense.find_all("pre")) >= _COVER_OF_CODE * len(whole.find_all("pre"))


def copy_seen(document: turbohtml.Document) -> turbohtml.Element | None:
    """Returns the body in a copy of the tree, without elements that nobody sees; None: there is none."""
    body = copy.deepcopy(document).select_one("body")
    if body is not None:
        _drop(body.select(UNSEEN))
    return body


def _drop_furniture(body: turbohtml.Element) -> None:
    most = _MOST_OF_PAGE * len(body.text)
    named = [one for one in body.select("[class],[id]") if any(_is_furniture(name) for name in _names(one))]
    _drop(one for one in body.select("footer") if one.closest("article,main") is None)
    _drop(one for one in named if one.tag not in {"main", "article"} and len(one.text) < most)
    _drop(one for one in body.select("table.header,table.nav") if _is_row_of_links(one))
    _drop(_menus(body))
    most = _MOST_OF_SELDOM * len(body.text)
    _drop(one for one in body.select(_SELDOM) if len(one.text) < most)


def _menus(body: turbohtml.Element) -> list[turbohtml.Element]:
    """Returns the lists of links that stand before the page's heading."""
    before = list(takewhile(lambda one: one.tag != "h1", body.select("h1,ul,ol,table")))
    heading = body.select_one("h1")
    if heading is None:
        return []
    holders = set[turbohtml.Node]()
    above: turbohtml.Node | None = heading
    while above is not None:
        holders.add(above)
        above = above.parent
    return [one for one in before if one not in holders and _is_row_of_links(one)]


def _is_row_of_links(element: turbohtml.Element) -> bool:
    """Whether an element has several links, and hardly a letter outside of them."""
    links = element.find_all("a")
    linked = sum(map(str.isalpha, "".join([one.text for one in links])))
    return len(links) >= _ROW and linked >= _LINKED * sum(map(str.isalpha, element.text))


def _names(element: turbohtml.Element) -> Iterator[str]:
    for name in (element.attr("class"), element.attr("id")):
        if name:
            yield name[:_MOST_NAME]


@lru_cache(maxsize=4096)
def _is_furniture(name: str) -> bool:
    return not _FURNITURE.isdisjoint(word.lower() for word in _WORD.findall(name))


def _drop(elements: Iterable[turbohtml.Element]) -> None:
    for element in elements:
        element.decompose()


def _weigh(element: turbohtml.Element) -> int:
    """Returns how many characters of text an element has outside of links."""
    return len(element.text) - sum([len(link.text) for link in element.find_all("a")])
