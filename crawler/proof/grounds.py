"""Says why a request may leave: the robots.txt and the line that allow it, and the rest that its site got before.

Whoever decides about a request puts its grounds into the context of the task; whoever sends it records them there. So
they reach the wire through all fetchers of others that stand between.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import NamedTuple

from ..model import Request
from ..protocols import Rules


class Grounds(NamedTuple):
    """The grounds of one request."""

    purpose: str
    """`page`, `requisite`, `redirect` (the target of one), `robots`, `robots-redirect`, `single` (of a program) or
    `other`."""
    source: int = 0
    """The number of the request whose answer is the robots.txt; of `robots-redirect` the one that redirected. 0: none
    is known."""
    line: int = 0
    """The line of robots.txt that decided; 0: none matched."""
    why: str = "-"
    """Why the site rests so long: `setting`, `crawl-delay`, or `setback` (it is slow or in trouble)."""
    rest_s: float = -1.0
    """The rest in force at the site. Negative: the one that the settings say."""
    least_s: float = -1.0
    """The part of it that must be kept, without what trouble adds."""


NO_GROUNDS = Grounds("other")
ROBOTS = Grounds("robots")

grounds: ContextVar[Grounds] = ContextVar("grounds of a request", default=NO_GROUNDS)


def redirected_robots(source: int) -> Grounds:
    """Returns the grounds for the target of a redirect that answered the request for a robots.txt."""
    return Grounds("robots-redirect", source)


def grounds_of(request: Request, rules: Rules, word_s: float, least_s: float, rest_s: float) -> Grounds:
    """Returns the grounds of a visit. `word_s` is the part of the rest that the site itself asks for."""
    why = "setback" if rest_s > least_s else "crawl-delay" if 0 < least_s <= word_s else "setting"
    purpose = "requisite" if request.requisite else "redirect" if request.redirects else "page"
    source = getattr(rules, "source", 0)  # rules of others need not have one
    return Grounds(purpose, source, rules.verdict(request.url).line, why, rest_s, least_s)


NoteGrounds = Callable[[Request, Rules, float, float, float], None]
"""Takes what `grounds_of` takes."""


def note_grounds(request: Request, rules: Rules, word_s: float, least_s: float, rest_s: float) -> None:
    """Puts the grounds of a visit into the context of its task."""
    grounds.set(grounds_of(request, rules, word_s, least_s, rest_s))


def note_no_grounds(request: Request, rules: Rules, word_s: float, least_s: float, rest_s: float) -> None:
    """Does nothing: nobody records requests."""
