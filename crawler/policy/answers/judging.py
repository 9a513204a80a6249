"""Judges each answer of a site by the answers before it.

A site whose URLs brought different contents, and that now gives one and the same answer to many of them in a row, is
*out*: that answer is no content. Nothing else counts as an outage. A site, or a kind of URLs, that always answered
alike is taken as it is. So is a content that comes between others, unless it turns out to be a sick server's
(`spread`). All this is known for one run alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ...model import Bar, Reason, Request, Url
from .latest import NEAR, SAME, Answer, Kind, Run
from .naming import kind_of, widen_kind, wider_names
from .outage import Outage
from .spread import ALL_SICK, Spread, Spreads, Wanted

MOST_KINDS = 4096
"""Most sites, and most kinds of URLs, that are remembered, 2 kB each at most. The one that answered longest ago goes
first."""
KINDS_PER_SITE = 32
MOST_NAMES = 1024
MOST_OUTAGES = 4
"""Most contents of a site that are remembered as outages."""
MOST_GENUINE = 8
"""Most contents of a site that are remembered as false alarms: they looked like outages and were none."""
PROVED_BY = 2
"""URLs that bring a content again at their last attempt, while others bring other contents, until it counts as
content."""
LASTING = 4
"""URLs that spend all their attempts in an outage until it counts as lasting, and further URLs with that answer are
parked."""
BLOCKS = 5
"""Rests in a row for blocks, each three times as long as the one before, until the other URLs of the site are parked.
This takes some minutes, however many requests were under way at a time."""
SEED_BLOCKS = BLOCKS + 1
"""The same for seeds."""
WEAK = 3
"""Different contents with a weak marker of a block that a kind of URLs may bring until such markers do not count
there."""


_NOTHING_WANTED = Wanted()


class Verdict(NamedTuple):
    """The reason why an answer is no content, and the next steps."""

    reason: Reason
    detail: str
    step: int
    """Number of rests in a row that the site was given for it; 0: it needs none."""
    is_lasting: bool = False
    """Whether it has lasted long. Then URLs with attempts left are parked until the site answers otherwise, or a person
    asks for them."""
    repeats: tuple[int, ...] = ()
    """Rows of earlier answers that were wrongly taken for content."""
    checks: tuple[int, ...] = ()
    """Rows of URLs that brought content: another request to them shows whether there is an outage."""


class _Site:
    """The memory of one site."""

    __slots__ = (
        "blocked_by",
        "blocks",
        "genuine",
        "has_parked",
        "kinds",
        "near",
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
        """Blocks in a row."""
        self.blocked_by = ""
        self.step = 0
        self.rested = float("-inf")
        """End of the block for which the site rests."""
        self.ordinary = float("-inf")
        """Start of the latest exchange that was neither blocked nor part of an outage."""
        self.sample: tuple[int, ...] = ()
        """The row of the latest URL that brought something else."""
        self.has_parked = False
        """Whether URLs of the site are parked, since it answers nothing else."""
        self.weak: dict[int, float] = {}
        """Contents with a weak marker, and when each came first."""
        self.near: Counter[str] = Counter()
        """How many kinds have each of the `wider_names`."""

    def find(self, url: Url) -> tuple[str, list[str]]:
        """Returns the name of a URL's kind, which may be new, and the known kinds that it is to replace."""
        name = kind_of(url)
        return (name, []) if name in self.kinds else widen_kind(name, self.kinds, self.near)

    def add(self, name: str, kind: Kind) -> None:
        """Adds a new kind."""
        self.kinds[name] = kind
        self.near.update(wider_names(name))

    def take(self, name: str) -> Kind:
        """Removes a kind and returns it."""
        for wide in wider_names(name):
            self.near[wide] -= 1
            if not self.near[wide]:
                del self.near[wide]
        return self.kinds.pop(name)


class Answers:
    """Judges answers in plain functions. Times are monotonic seconds."""

    def __init__(self, brought: Callable[[Url], int] = lambda url: 0, most: int = MOST_KINDS) -> None:
        """`brought` returns how many different contents URLs like the given one brought before this run."""
        self._brought = brought
        self._most = most
        self._sites: dict[str, _Site] = {}
        """Sites by name; the one that answered longest ago first."""
        self._kinds = 0
        self._names: dict[str, str] = {}
        """The kinds of URLs that were asked about and not judged yet."""
        self._recovered: tuple[str, ...] = ()
        self._wanted = _NOTHING_WANTED

    def __len__(self) -> int:
        """Returns how many kinds of URLs are remembered."""
        return self._kinds

    @property
    def have_news(self) -> bool:
        """Whether `take_recovered` or `take_wanted` has something."""
        return bool(self._recovered) or self._wanted is not _NOTHING_WANTED

    # -- soft outages ------------------------------------------------------------------------------------------------

    def judge(self, answer: Answer, *, is_known: bool = False) -> Verdict | None:
        """Learns from an answer that is no block; returns why it is no content, or None.

        `is_known`: an earlier visit found exactly the same content at this URL. No outage begins with such an answer.
        """
        site = self._site(answer.url.site)
        kind = self._kind(site, answer.url)
        site.spreads.answered += 1
        for outage in site.outages:
            if outage.matches(answer, kind):
                return self._judge_known_outage(site, kind, outage, answer)
        for outage in site.outages:
            outage.note_other(kind, answer)
        if site.spreads.known:
            if sick := site.spreads.sick(kind, answer):
                return self._judge_sick(site, kind, sick, answer)
            self._learn_from_probe(site, answer)
        if not answer.is_kept:
            self._note_ordinary(site, answer.began, answer.url)
        if answer.row in kind.rows:  # the same URL again says nothing about others
            return None
        kind.push(answer)
        site.sample = (answer.row,)
        if is_known or (site.genuine and _is_genuine(site, answer)):
            return None
        return self._compare(site, kind, answer)

    def _compare(self, site: _Site, kind: Kind, answer: Answer) -> Verdict | None:
        """Compares the latest answer with those before it."""
        if run := kind.run(answer, self._brought):
            return self._begin_outage(site, kind, answer, run)
        if checks := site.spreads.note(kind, answer):
            self._note_wanted(checks=checks)
        return None

    def _begin_outage(self, site: _Site, kind: Kind, answer: Answer, run: Run) -> Verdict:
        """Begins an outage: all URLs with this answer since it may have begun are to be requested again."""
        outage = Outage(answer, run, max((one.step for one in site.outages if not one.is_over), default=0))
        kind.has_varied = True
        rows = kind.take_back(outage.is_alike, float("-inf"), answer.frame)
        for other in site.kinds.values():
            rows += other.take_back(outage.is_alike, run.after, answer.frame)
        site.spreads.forget(answer)
        site.outages = [outage, *site.outages[: MOST_OUTAGES - 1]]
        outage.hit(kind, answer)
        return _outage_verdict(outage, tuple([row for row in rows if row != answer.row]), outage.sample)

    def _judge_known_outage(self, site: _Site, kind: Kind, outage: Outage, answer: Answer) -> Verdict | None:
        """Judges an answer with the content of a known outage."""
        comes_alone = outage.is_over_for(answer) and answer.is_last
        if outage.is_disproved(answer) or (comes_alone and outage.proves(PROVED_BY)):
            return self._end_false_outage(site, kind, outage, answer)
        if comes_alone:
            return None
        begins = outage.hit(kind, answer)
        if outage.is_contradicted:
            return self._end_false_outage(site, kind, outage, answer)
        outage.failed += answer.is_last
        site.has_parked = site.has_parked or outage.failed >= LASTING
        return _outage_verdict(outage, checks=outage.sample if begins else ())

    def _end_false_outage(self, site: _Site, kind: Kind, outage: Outage, answer: Answer) -> Verdict | None:
        """Ends a false outage.

        The content is genuine, or a sick server's if URLs that it hit brought other contents later.
        """
        site.outages.remove(outage)
        if outage.has_passed and outage.way != NEAR:
            return self._judge_sick(site, kind, site.spreads.add_sick(answer, outage.number), answer)
        site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
        kind.is_strict = kind.is_strict or outage.way != SAME
        kind.push(answer)
        return None

    def knows_well(self, url: Url) -> bool:
        """Returns whether answers like this URL's differ, and nothing is wrong with its site, so that not all of them
        need be compared in full."""
        site = self._sites.get(url.site)
        if site is None or site.outages or site.genuine or site.spreads.known or site.step:
            return False
        name, _ = site.find(url)
        kind = site.kinds.get(name)
        if kind is None:
            return False
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        self._names[url.text] = name
        return kind.is_well_known

    # -- sick servers ------------------------------------------------------------------------------------------------

    def _learn_from_probe(self, site: _Site, answer: Answer) -> None:
        """Learns from a URL that was requested once more whether its earlier content was its own."""
        sick, genuine = site.spreads.hear(answer)
        if genuine:
            site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
        if sick:
            rows = dict.fromkeys(sick.rows)
            for kind in site.kinds.values():
                if kind.varies:
                    rows |= dict.fromkeys(kind.take_back(sick.is_alike, float("-inf")))
            self._note_wanted(repeats=tuple(rows))

    def _judge_sick(self, site: _Site, kind: Kind, spread: Spread, answer: Answer) -> Verdict | None:
        """Judges a sick server's notice between other answers.

        The other servers are well, so the site need not rest.
        """
        if spread.is_proved(answer):
            site.spreads.forget(answer)
            site.genuine = [answer, *site.genuine[: MOST_GENUINE - 1]]
            kind.push(answer)
            return None
        if spread.in_a_row >= ALL_SICK:
            other = next(iter(site.sample), None)
            return self._begin_outage(site, kind, answer, Run(SAME, ALL_SICK, float("inf"), answer.simhash, {}, other))
        detail = f"the same answer to {spread.number} different URLs, others between them"
        return Verdict(Reason.SOFT_OUTAGE, detail, 0)

    def _note_wanted(self, repeats: tuple[int, ...] = (), checks: tuple[int, ...] = ()) -> None:
        self._wanted = Wanted(self._wanted.repeats + repeats, self._wanted.checks + checks)

    def take_wanted(self) -> Wanted | None:
        """Returns the rows to request once more, noted since the last call, or None."""
        wanted, self._wanted = self._wanted, _NOTHING_WANTED
        return wanted if wanted is not _NOTHING_WANTED and any(wanted) else None

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, answer: Answer, evidence: str, *, is_weak: bool = False) -> Verdict | None:
        """Counts an answer that bears the mark of a protection; returns None where it turns out to be content."""
        site = self._site(answer.url.site)
        is_new = is_weak and answer.gist not in site.weak
        if is_weak and self._is_own(site, answer):
            return self.judge(answer)
        site.blocks += 1
        site.blocked_by = evidence
        if answer.began >= site.rested:  # requests that were under way together count as one block
            site.step += 1
            site.rested = max(answer.ended, answer.judged)
        return Verdict(Reason.BLOCKED, evidence, site.step, checks=site.sample if is_new else ())

    def other(self, url: Url, began: float) -> None:
        """Notes that the site gave an answer that is no block."""
        if site := self._sites.get(url.site):
            self._note_ordinary(site, began, url)

    def take_recovered(self) -> tuple[str, ...]:
        """Returns the patterns of parked sites that have answered otherwise since the last call."""
        recovered, self._recovered = self._recovered, ()
        return recovered

    def bar(self, request: Request) -> Bar | None:
        """Returns why a request is not worth making: its site blocks everything. Seeds may go on a little longer."""
        site = self._sites.get(request.url.site)
        if site is None or request.is_reread or site.step < BLOCKS:
            return None
        if site.step < SEED_BLOCKS and request.url == request.anchor:
            return None
        site.has_parked = True
        detail = f"{site.blocks} answers in a row were blocks: {site.blocked_by}"
        return Bar(Reason.BLOCKED, detail, all_of(request.url))

    def _is_own(self, site: _Site, answer: Answer) -> bool:
        """Returns whether pages that look like a weak block are the site's own: they differ, or come between others."""
        kind = self._kind(site, answer.url)
        kind.weak = kind.weak if answer.gist in kind.weak or len(kind.weak) >= WEAK else (*kind.weak, answer.gist)
        if len(kind.weak) >= WEAK:
            return True
        came = site.weak.setdefault(answer.gist, answer.ended)
        if len(site.weak) > MOST_GENUINE:
            del site.weak[next(iter(site.weak))]
        return answer.is_last and site.ordinary >= came

    def _note_ordinary(self, site: _Site, began: float, url: Url) -> None:
        site.ordinary = max(site.ordinary, began)
        if began >= site.rested:
            site.blocks = site.step = 0
            if site.has_parked:
                site.has_parked = False
                self._recovered += (all_of(url),)

    # -- what is remembered ------------------------------------------------------------------------------------------

    def _site(self, name: str) -> _Site:
        """Returns the site, new where it must be, and marks it as the one that answered last."""
        site = self._sites.pop(name, None)
        if site is None:
            site = _Site()
            self._make_room()
        self._sites[name] = site
        return site

    def _kind(self, site: _Site, url: Url) -> Kind:
        """Returns the kind of a URL, new where it must be, and marks it as the one met last."""
        name = self._names.pop(url.text, None)
        kind = None if name is None else site.kinds.pop(name, None)
        if name is None or kind is None:
            name, members = site.find(url)
            kind = site.kinds.pop(name, None)
            if kind is None:
                return self._new(site, name, members)
        site.kinds[name] = kind
        return kind

    def _new(self, site: _Site, name: str, members: Sequence[str]) -> Kind:
        """Returns a new kind that replaces its narrower members."""
        kind = Kind()
        for member in members:
            narrow = site.take(member)
            kind.absorb(narrow)
            for outage in site.outages:
                outage.widen(narrow, kind)
        self._kinds += 1 - len(members)
        if len(site.kinds) >= KINDS_PER_SITE:
            site.take(next(iter(site.kinds)))
            self._kinds -= 1
        site.add(name, kind)
        return kind

    def _make_room(self) -> None:
        """Forgets the sites that answered longest ago."""
        while self._sites and (len(self._sites) >= self._most or self._kinds >= self._most):
            self._kinds -= len(self._sites.pop(next(iter(self._sites))).kinds)


def all_of(url: Url) -> str:
    """Returns the pattern under which all URLs of a site are parked that blocks us or is out for long."""
    return f"{url.site}/**"


def _is_genuine(site: _Site, answer: Answer) -> bool:
    """Returns whether the content looked like an outage before, and was none."""
    return any(one.content == answer.content or one.gist == answer.gist for one in site.genuine)


def _outage_verdict(outage: Outage, repeats: tuple[int, ...] = (), checks: tuple[int, ...] = ()) -> Verdict:
    is_lasting = outage.failed >= LASTING
    step = 0 if is_lasting or outage.is_over else outage.step
    detail = f"the same answer to {outage.number} different URLs"
    return Verdict(Reason.SOFT_OUTAGE, detail, step, is_lasting, repeats, checks)
