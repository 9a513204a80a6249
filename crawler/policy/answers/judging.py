"""Judges each answer of a site by those before it.

A site whose URLs brought different contents and that now answers one and the same to many of them in a row is *out*:
what came is no content. Nothing else counts as an outage: a site, or a kind of URLs, that always answered alike is as
it is, and so is a content that stands between others, unless it turns out to be a sick server's (`spread`). All this
is known for one run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...model import Bar, Reason, Request, Url
from .latest import NEAR, SAME, Answer, Kind, Run
from .naming import kind_of, widened
from .outage import Outage
from .spread import ALL_SICK, Spread, Spreads, Wanted

MOST_KINDS = 4096
"""Sites, and kinds of URLs, that are remembered, 2 kB each at most: what answered longest ago goes first."""
KINDS_PER_SITE = 32
MOST_OUTAGES = 4
"""Contents of a site that are known as those of an outage."""
MOST_GENUINE = 8
"""Contents of a site that looked like those of an outage and were none."""
PROVED_BY = 2
"""URLs that bring a content again at their last attempt, while others bring other contents: it is no outage's."""
LASTING = 4
"""URLs that spent all their attempts in an outage: it lasts, and whoever else is answered so is parked."""
BLOCKS = 5
"""Rests in a row that a site was given for blocks, each three times as long as the one before, until the rest of its
URLs is parked: some minutes, however many requests were under way at a time."""
SEED_BLOCKS = BLOCKS + 1
"""The same for URLs that somebody named."""
WEAK = 3
"""Different contents with a weak marker that a kind of URLs may bring until nobody believes such markers there."""


class Verdict(NamedTuple):
    """Why an answer is no content, and what follows."""

    reason: Reason
    detail: str
    step: int
    """How many rests in a row the site was given for it; 0: it needs none."""
    is_lasting: bool = False
    """It has lasted long: whoever has attempts left waits until the site answers otherwise, or somebody says so."""
    repeats: tuple[int, ...] = ()
    """Rows of earlier answers that were taken for content."""
    checks: tuple[int, ...] = ()
    """Rows of URLs that brought content: whether they still do tells whether there is an outage."""


class _Site:
    """What is remembered of one site."""

    __slots__ = (
        "blocked_by",
        "blocks",
        "genuine",
        "has_parked",
        "kinds",
        "ordinary",
        "outages",
        "rested",
        "sample",
        "spreads",
        "step",
        "weak",
    )

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.outages: list[Outage] = []
        self.genuine: list[Answer] = []
        self.spreads = Spreads()
        self.blocks = 0
        """In a row."""
        self.blocked_by = ""
        self.step = 0
        self.rested = float("-inf")
        """When the block ended that the site rests for."""
        self.ordinary = float("-inf")
        """When the latest exchange began that was neither blocked nor part of an outage."""
        self.sample: tuple[int, ...] = ()
        """The row of the latest URL that brought something else."""
        self.has_parked = False
        """Its URLs are parked since it answers nothing else."""
        self.weak: dict[int, float] = {}
        """Contents with a weak marker, and when they came first."""


class Answers:
    """Decides in plain functions. Times are monotonic seconds."""

    def __init__(self, brought: Callable[[Url], int] = lambda url: 0, most: int = MOST_KINDS) -> None:
        """`brought` says how many different contents URLs like one brought before this run began."""
        self._brought = brought
        self._most = most
        self._sites: dict[str, _Site] = {}
        """The one that answered longest ago first."""
        self._kinds = 0
        self._recovered: tuple[str, ...] = ()
        self._wanted = Wanted()

    def __len__(self) -> int:
        """Kinds of URLs that are remembered."""
        return self._kinds

    # -- soft outages ------------------------------------------------------------------------------------------------

    def judge(self, answer: Answer, *, is_known: bool = False) -> Verdict | None:
        """Learn from an answer that is no block; why it is no content, or None.

        `is_known`: an earlier visit found the very same content at this URL, which no outage begins with.
        """
        site = self._site(answer.url.site)
        kind = self._kind(site, answer.url)
        site.spreads.answered += 1
        for outage in site.outages:
            if outage.matches(answer, kind):
                return self._again(site, kind, outage, answer)
        for outage in site.outages:
            outage.hear_other(kind, answer)
        if site.spreads.known:
            if sick := site.spreads.sick(kind, answer):
                return self._sick(site, kind, sick, answer)
            self._hear(site, answer)
        if not answer.is_kept:
            self._note_ordinary(site, answer.began, all_of(answer.url))
        if answer.row in kind.rows:  # the same URL again: it says nothing of others
            return None
        kind.push(answer)
        site.sample = (answer.row,)
        return None if is_known or _is_genuine(site, answer) else self._compare(site, kind, answer)

    def _compare(self, site: _Site, kind: Kind, answer: Answer) -> Verdict | None:
        """What the latest answer is, beside those before it."""
        if run := kind.run(answer, self._brought):
            return self._begin(site, kind, answer, run)
        if checks := site.spreads.note(kind, answer):
            self._want(checks=checks)
        return None

    def _begin(self, site: _Site, kind: Kind, answer: Answer, run: Run) -> Verdict:
        """An outage was noticed: all that was answered so since it may have begun is to be asked for again."""
        outage = Outage(answer, run, max((one.step for one in site.outages if not one.is_over), default=0))
        kind.has_varied = True
        rows = kind.take_back(outage.is_alike, float("-inf"))
        for other in site.kinds.values():
            rows += other.take_back(outage.is_alike, run.after)
        site.spreads.forget(answer)
        site.outages = [outage, *site.outages[: MOST_OUTAGES - 1]]
        outage.hit(kind, answer)
        return _soft(outage, tuple([row for row in rows if row != answer.row]), outage.sample)

    def _again(self, site: _Site, kind: Kind, outage: Outage, answer: Answer) -> Verdict | None:
        """The content of a known outage."""
        comes_alone = outage.is_over_for(answer) and answer.is_last
        if outage.is_disproved(answer) or (comes_alone and outage.proves(PROVED_BY)):
            return self._believe(site, kind, outage, answer)
        if comes_alone:
            return None
        begins = outage.hit(kind, answer)
        if outage.is_contradicted:
            return self._believe(site, kind, outage, answer)
        outage.failed += answer.is_last
        site.has_parked = site.has_parked or outage.failed >= LASTING
        return _soft(outage, checks=outage.sample if begins else ())

    def _believe(self, site: _Site, kind: Kind, outage: Outage, answer: Answer) -> Verdict | None:
        """It is no outage: the content is what it seems, or a sick server's, if URLs that it hit have got over it."""
        site.outages.remove(outage)
        if outage.has_passed and outage.way != NEAR:
            return self._sick(site, kind, site.spreads.add_sick(answer, outage.number), answer)
        site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
        kind.is_strict = kind.is_strict or outage.way != SAME
        kind.push(answer)
        return None

    # -- sick servers ------------------------------------------------------------------------------------------------

    def _hear(self, site: _Site, answer: Answer) -> None:
        """A URL that was asked once more tells whether what it brought before was its own."""
        sick, genuine = site.spreads.hear(answer)
        if genuine:
            site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
        if sick:
            rows = dict.fromkeys(sick.rows)
            for kind in site.kinds.values():
                if kind.varies:
                    rows |= dict.fromkeys(kind.take_back(sick.is_alike, float("-inf")))
            self._want(repeats=tuple(rows))

    def _sick(self, site: _Site, kind: Kind, spread: Spread, answer: Answer) -> Verdict | None:
        """A notice that comes between other answers: the others are well, so the site need not rest."""
        if spread.is_proved(answer):
            site.spreads.forget(answer)
            site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
            kind.push(answer)
            return None
        if spread.in_a_row >= ALL_SICK:
            other = next(iter(site.sample), None)
            return self._begin(site, kind, answer, Run(SAME, ALL_SICK, float("inf"), answer.simhash, {}, other))
        detail = f"the same answer to {spread.number} different URLs, others between them"
        return Verdict(Reason.SOFT_OUTAGE, detail, 0)

    def _want(self, repeats: tuple[int, ...] = (), checks: tuple[int, ...] = ()) -> None:
        self._wanted = Wanted(self._wanted.repeats + repeats, self._wanted.checks + checks)

    def take_wanted(self) -> Wanted | None:
        """What is to be asked once more since the last call, whatever the answer was that said so."""
        wanted, self._wanted = self._wanted, Wanted()
        return wanted if any(wanted) else None

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, answer: Answer, evidence: str, *, is_weak: bool = False) -> Verdict | None:
        """Count an answer that bears the mark of a protection; None where it turns out to be content."""
        site = self._site(answer.url.site)
        is_new = is_weak and answer.gist not in site.weak
        if is_weak and self._is_own(site, answer):
            return self.judge(answer)
        site.blocks += 1
        site.blocked_by = evidence
        if answer.began >= site.rested:  # what was under way together is one block
            site.step += 1
            site.rested = max(answer.ended, answer.judged)
        return Verdict(Reason.BLOCKED, evidence, site.step, checks=site.sample if is_new else ())

    def other(self, url: Url, began: float) -> None:
        """Learn that the site gave an answer that is no block."""
        if site := self._sites.get(url.site):
            self._note_ordinary(site, began, all_of(url))

    def take_recovered(self) -> tuple[str, ...]:
        """The patterns of sites whose URLs were parked and that have answered otherwise since the last call."""
        recovered, self._recovered = self._recovered, ()
        return recovered

    def bar(self, request: Request) -> Bar | None:
        """Why a request is not worth asking: its site blocks everything. Seeds are asked a little longer."""
        site = self._sites.get(request.url.site)
        if site is None or request.is_reread or site.step < (SEED_BLOCKS if request.url == request.anchor else BLOCKS):
            return None
        site.has_parked = True
        detail = f"{site.blocks} answers in a row were blocks: {site.blocked_by}"
        return Bar(Reason.BLOCKED, detail, all_of(request.url))

    def _is_own(self, site: _Site, answer: Answer) -> bool:
        """Whether pages that look like a weak block are the site's own: they differ, or stand between others."""
        kind = self._kind(site, answer.url)
        kind.weak = kind.weak if answer.gist in kind.weak or len(kind.weak) >= WEAK else (*kind.weak, answer.gist)
        if len(kind.weak) >= WEAK:
            return True
        came = site.weak.setdefault(answer.gist, answer.ended)
        if len(site.weak) > MOST_GENUINE:
            del site.weak[next(iter(site.weak))]
        return answer.is_last and site.ordinary >= came

    def _note_ordinary(self, site: _Site, began: float, pattern: str) -> None:
        site.ordinary = max(site.ordinary, began)
        if began >= site.rested:
            site.blocks = site.step = 0
            if site.has_parked:
                site.has_parked = False
                self._recovered += (pattern,)

    # -- what is remembered ------------------------------------------------------------------------------------------

    def _site(self, name: str) -> _Site:
        """The site, as the one that answered last."""
        site = self._sites.pop(name, None)
        if site is None:
            site = _Site()
            self._make_room()
        self._sites[name] = site
        return site

    def _kind(self, site: _Site, url: Url) -> Kind:
        """The kind of a URL, as the one that was met last."""
        name = kind_of(url)
        kind = site.kinds.pop(name, None)
        if kind is None:
            name, members = widened(name, site.kinds)
            kind = site.kinds.pop(name, None) or self._new(site, members)
        site.kinds[name] = kind
        return kind

    def _new(self, site: _Site, members: Sequence[str]) -> Kind:
        """One more kind, that takes the place of others."""
        kind = Kind()
        for member in members:
            narrow = site.kinds.pop(member)
            kind.absorb(narrow)
            for outage in site.outages:
                outage.widen(narrow, kind)
        self._kinds += 1 - len(members)
        if len(site.kinds) >= KINDS_PER_SITE:
            del site.kinds[next(iter(site.kinds))]
            self._kinds -= 1
        return kind

    def _make_room(self) -> None:
        """Forget the sites that answered longest ago."""
        while self._sites and (len(self._sites) >= self._most or self._kinds >= self._most):
            self._kinds -= len(self._sites.pop(next(iter(self._sites))).kinds)


def all_of(url: Url) -> str:
    """The pattern that all URLs of a site are parked under which keeps us out, or is out for long."""
    return f"{url.site}/**"


def _is_genuine(site: _Site, answer: Answer) -> bool:
    """Whether the content looked like that of an outage before, and was none."""
    return any(one.content == answer.content or one.gist == answer.gist for one in site.genuine)


def _soft(outage: Outage, repeats: tuple[int, ...] = (), checks: tuple[int, ...] = ()) -> Verdict:
    is_lasting = outage.failed >= LASTING
    step = 0 if is_lasting or outage.is_over else outage.step
    detail = f"the same answer to {outage.number} different URLs"
    return Verdict(Reason.SOFT_OUTAGE, detail, step, is_lasting, repeats, checks)
