"""Records what sites say about the use of their content, and leaves out what they refuse, if that is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, runtime_checkable

from ..dataclass import dataclass
from ..model import Disposition, Outcome, Page, Reason, Request, Statement, Url
from ..model.quick import replace
from ..model.response import Heads
from ..policy.pace import Exchange
from ..protocols import Rules
from ..usage import find_refusal
from .tdmrep import PATH, Reservations


@runtime_checkable
class Stating(Protocol):
    """Rules of a robots.txt that have preferences about use."""

    def statements(self, url: Url) -> tuple[Statement, ...]: ...


@dataclass(frozen=True, slots=True)
class Use:
    """The purposes of a crawl, and whether sites may refuse them."""

    purposes: Collection[str]
    obeys: bool
    reservations: Reservations | None = None
    """None: no purpose is text and data mining."""

    def asks(self, url: Url, rules: Rules) -> Request | None:
        """Returns a request for the site's tdmrep.json, if that must be known before the URL is fetched."""
        if self.reservations is None or self.reservations.knows(url.site):
            return None
        asked = Url(url.site + PATH)
        return Request(asked) if rules.allows(asked) else None

    def known(self, url: Url, rules: Rules) -> tuple[Statement, ...]:
        """Returns what is known of a URL before it is fetched."""
        said = rules.statements(url) if isinstance(rules, Stating) else ()
        return said + self.reservations.find(url) if self.reservations else said

    async def ask(self, request: Request, exchange: Exchange) -> float:
        """Sends a request that `asks` gave; returns how long the site rests then."""
        return await self.reservations.ask(request, exchange) if self.reservations else 0.0

    def know(self, begun: Outcome, rules: Rules) -> Outcome:
        """Returns the outcome with what is known before the fetch; excluded, if that refuses and counts."""
        return self.judge(replace(begun, usage=self.known(begun.url, rules)))

    def judge(self, outcome: Outcome) -> Outcome:
        """Returns the outcome with all statements; without content, and excluded, if one refuses and that counts."""
        said = outcome.usage + (outcome.page.usage if outcome.page else ())
        outcome = replace(outcome, usage=said)
        refusal = self.refusal(said)
        return _withhold(outcome, refusal) if refusal else outcome

    def refusal(self, statements: Iterable[Statement]) -> Statement | None:
        """Returns the statement that keeps content out; None: none does, or they are only recorded."""
        return find_refusal(statements, self.purposes) if self.obeys else None


def _withhold(outcome: Outcome, refusal: Statement) -> Outcome:
    page, response = outcome.page, outcome.response
    return replace(
        outcome,
        disposition=Disposition.EXCLUDED,
        reason=Reason.USAGE,
        detail=str(refusal),
        page=page and _bare(page),
        response=response and replace(response, body=b"", heads=Heads(), rendered=None),
    )


def _bare(page: Page) -> Page:
    """Returns a page without its content: its links are followed, and its digest tells whether it changes."""
    return Page(
        digest=page.digest, length=page.length, kind=page.kind, charset=page.charset, robots=page.robots,
        n_links=page.n_links, news=page.news, left_out=page.left_out, outside=page.outside, beyond=page.beyond,
        n_requisites=page.n_requisites, requisites=page.requisites, truncated=page.truncated, usage=page.usage,
        is_brief=True,
    )  # fmt: skip
