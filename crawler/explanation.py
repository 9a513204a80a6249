"""Explains whether a crawl fetches one URL and why, and what a crawl folder knows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

from . import seeds, urls
from .assembly import parts
from .assembly.site_facts import find_site_facts
from .errors import FetchError
from .event_loop import require_asyncio
from .frontier import Known, Look, SiteTurn, look
from .model import Reason, Request, Statement, Url
from .offload import Inline
from .policy.admitted import Admitted
from .policy.pace import Pace
from .policy.scope import Ruling, Scope, place
from .reach.roots import AdmittedPlaces, Root
from .reach.slow_sites import NOTE, recall_slow_sites
from .runtime.times import iso
from .settings import Config
from .standing import Trap

T = TypeVar("T")

MOST_ROOTS = 10_000
"""The most seeds of a crawl folder that are tried as the root of a URL that the folder does not know."""
MOST_NEAR = 1_000_000
"""The most roots of the URL's own host or registered domain that are looked at, since they may admit it."""


class Asked(Protocol):
    """The open frontier of a crawl that this process holds."""

    async def ask(self, question: Callable[[Look], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """The verdict of the site's robots.txt on the URL."""

    verdict: Literal["allowed", "disallowed", "unreachable", "ignored", "not-asked"]
    """`ignored`: by the settings; `unreachable`: the file cannot be fetched, or must not be."""
    line: int = 0
    """Line of the rule that matched, from 1; 0: no rule matched."""
    rule: str = ""
    """The rule as it was read: `Disallow: /private/`."""
    reason: Reason | None = None
    """Why the URL is not fetched, or None."""
    detail: str = ""
    crawl_delay_s: float | None = None
    sitemaps: tuple[str, ...] = ()
    """As written in robots.txt."""
    usage: tuple[Statement, ...] = ()
    """Statements of robots.txt about the use of the content, if the settings have purposes."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that decides about one URL, and its state in a crawl folder."""

    url: Url
    """Its canonical form."""
    changes: tuple[str, ...]
    """Parts that were dropped or reordered to make it canonical, in a few words each."""
    request: Request
    """The request that was judged, with its depth and the root that scope measures from."""
    scope: Ruling
    """Whether it belongs to the crawl, and by which rule."""
    robots: RobotsAnswer
    """The answer of the site's robots.txt about it, with the line that decides."""
    rest_s: float
    """Seconds that its site rests after each request at least."""
    per_site: int
    """Requests at a time to its site: one if it asks for a Crawl-delay."""
    known: Known | None = None
    """Its state in the crawl folder. None: it was never queued there, or there is no folder."""
    turn: SiteTurn | None = None
    """The state of its site in the crawl folder. None: the site is not known there, or there is no folder."""
    trap: Trap | None = None
    """The pattern of URLs that it belongs to or is parked under, if its URLs are not fetched at present."""
    adapted_s: float = 0.0
    """Seconds that its site rests after each request now: more than `rest_s` while it is slow or in trouble."""
    slowed_by: str = ""
    """Why its site rests longer, in words. Empty: it does not, or there is no run to ask."""
    rules: tuple[str, ...] = ()
    """The names of the tables of `sites` that its site matches, the one that wins first."""
    proxy: str = ""
    """The proxy that its site goes to, without its password. Empty: it is reached directly."""
    render: Literal["never", "auto", "always"] = "never"
    """Whether it would be rendered: `auto`, if it seems empty without its scripts."""

    @property
    def reason(self) -> Reason | None:
        """Why a crawl would not fetch it now, or None."""
        return self.scope.reason or (self.trap.reason if self.trap else self.robots.reason)

    @property
    def verdict(self) -> Literal["fetch", "exclude", "unknown"]:
        """Whether a crawl would fetch it; `unknown` if robots.txt was not fetched."""
        if self.reason:
            return "exclude"
        return "unknown" if self.robots.verdict == "not-asked" else "fetch"

    def record(self, folder: Path | None = None) -> dict[str, object]:
        """Returns it as a JSON object; docs/explain.md describes its fields. `folder`: the folder that was read."""
        return _record(self, folder)


async def explain(
    text: str,
    config: Config,
    *,
    frontier: Path | Asked | None = None,
    scope: Scope | None = None,
    seed: str = "",
    is_offline: bool = False,
    pace: Pace | None = None,
    proxy_of: Callable[[str], str] | None = None,
) -> Explanation:
    """Returns what decides about the URL in `text`, which may be written as seeds are.

    `frontier` is the file of a crawl folder, which another process may be using, or an open frontier of this process;
    then `scope` is the scope of its crawl, `pace` knows which sites it finds slow, and `proxy_of` which proxy a site
    goes to now. If the folder does not know the URL, it is judged as a link that descends from `seed`; without all of
    these it is judged as a seed. Unless offline, one guarded request asks its site for robots.txt; no other request is
    sent. Raises UrlError, ConfigError, FrontierError.
    """
    require_asyncio()
    policy = parts.policy(config)
    url, changes = urls.explain(seeds.with_scheme(text), policy=policy)
    above: list[Root] = [(urls.fold_url(seeds.parse(seed), policy), None)] if seed else []
    near = place(url.text, config.scope.reach)
    story = _Story()
    if frontier is not None:
        story = await _ask(frontier, lambda opened: _find_story(opened, url, near))
    scope = scope or _scope(config, [*above, *story.near])
    request = _request(url, story, [root for root, _ in above] or story.roots, scope)
    robots = await ask_robots(url, config, is_offline=is_offline)
    facts = find_site_facts(config)
    politeness, site = facts.politeness, url.site
    rest_s = politeness.rest_s(site, robots.crawl_delay_s)
    pace = recall_slow_sites(Pace(), story.slow_sites) if pace is None else pace
    return Explanation(
        url=url,
        changes=tuple(changes),
        request=request,
        scope=scope.explain(request),
        robots=robots,
        rest_s=rest_s,
        per_site=facts.per_site_at(site, robots.crawl_delay_s),
        known=story.known,
        turn=story.turn,
        trap=_trap(story, config, is_asked_for=url == request.anchor),
        adapted_s=pace.rest_s(url.site, rest_s, politeness.adapt),
        slowed_by=pace.why(url.site, rest_s, politeness.adapt),
        rules=facts.rules.find(site).rules,
        proxy=(proxy_of or facts.proxy)(site),
        render=config.render.mode,
    )


def _trap(story: _Story, config: Config, *, is_asked_for: bool) -> Trap | None:
    """Returns the pattern that the URL is parked under, or the trap that it leads into; None: neither."""
    known, parks = story.known, config.scope.traps == "park"
    if known and known.parked_for and (parks or known.parked_for is not Reason.TRAP):
        return story.parking or Trap(known.pattern, 0, 0, reason=known.parked_for)
    return story.trap if parks and not is_asked_for else None


async def ask_robots(url: Url, config: Config, *, is_offline: bool = False) -> RobotsAnswer:
    """Fetches the robots.txt of the URL's site and returns its verdict. Raises ConfigError."""
    if config.politeness.robots == "ignore":
        return RobotsAnswer("ignored")
    if is_offline or config.fetch.archives:
        return RobotsAnswer("not-asked")
    async with parts.open_fetcher(config, parts.budget(config)) as fetcher:
        try:
            rules, _ = await parts.robots(config, fetcher, Inline()).rules(Request(url))
        except FetchError as error:
            return RobotsAnswer("unreachable", reason=error.reason, detail=error.detail)
    verdict = rules.verdict(url)
    use = parts.use(config, None)
    said = use.known(url, rules) if use else ()
    refusal = use.refusal(said) if use else None
    return RobotsAnswer(
        "allowed" if verdict.allowed else "disallowed",
        verdict.line,
        verdict.rule,
        Reason.ROBOTS if not verdict.allowed else Reason.USAGE if refusal else None,
        detail=str(refusal or ""),
        usage=said,
        crawl_delay_s=rules.delay_s,
        sitemaps=tuple(rules.sitemaps),
    )


def _record(answer: Explanation, folder: Path | None) -> dict[str, object]:
    scope, robots, known, turn = answer.scope, answer.robots, answer.known, answer.turn
    return {
        "v": 1,
        "url": answer.url.text,
        "changes": list(answer.changes),
        "verdict": answer.verdict,
        "reason": answer.reason,
        "scope": {
            "reason": scope.reason,
            "rule": scope.rule,
            "pattern": scope.pattern or None,
            "root": answer.request.anchor.text,
            "depth": answer.request.depth,
        },
        "robots": {
            "verdict": robots.verdict,
            "line": robots.line or None,
            "rule": robots.rule or None,
            "detail": robots.detail or None,
            "crawl_delay_s": robots.crawl_delay_s,
            "sitemaps": list(robots.sitemaps),
            "usage": [one._asdict() for one in robots.usage],
        },
        "site": {
            "site": answer.url.site,
            "delay_s": answer.rest_s,
            "rest_s": answer.adapted_s,
            "slowed_by": answer.slowed_by or None,
            "per_site": answer.per_site,
            "rules": list(answer.rules),
            "proxy": answer.proxy or None,
            "queued": turn.queued if turn else None,
            "next_turn_at": _moment(turn.next_at) if turn else None,
        },
        "trap": answer.trap._asdict() if answer.trap else dict.fromkeys(Trap._fields),
        "render": answer.render,
        "crawl": {"folder": str(folder), **_story(known)} if folder else None,
    }


def _moment(seconds: float | None) -> str | None:
    return iso(seconds) if seconds else None


def _story(known: Known | None) -> dict[str, object]:
    if known is None:
        return {"standing": None}
    return {
        "standing": known.standing,
        "disposition": known.disposition,
        "reason": known.reason,
        "detail": known.detail or None,
        "status": known.status,
        "depth": known.depth,
        "attempts": known.attempts,
        "visited_at": _moment(known.visited_at),
        "due_at": _moment(known.due),
        "duplicate_of": known.duplicate_of.text if known.duplicate_of else None,
        "via": [via.text for via in known.via],
        "seed": known.seed.text if known.seed else None,
        "parked_under": known.pattern or None,
        "parked_for": known.parked_for,
        "is_reread": known.is_reread,
        "extra_hop": known.extra_hop or None,
        "requisite": known.requisite > 0,
        "method": known.method,
        "label": known.label or None,
        "others": dict(known.others),
    }


class _Story(NamedTuple):
    """The facts that a crawl folder holds about a URL."""

    known: Known | None = None
    turn: SiteTurn | None = None
    trap: Trap | None = None
    roots: Sequence[Url] = ()
    near: Sequence[Root] = ()
    """The roots that may admit the URL."""
    parking: Trap | None = None
    """The pattern that the URL is parked under."""
    slow_sites: object = None
    """The note with the slow sites."""


async def _ask(source: Path | Asked, question: Callable[[Look], _Story]) -> _Story:
    if isinstance(source, Path):
        return await asyncio.to_thread(look, source, question)
    return await source.ask(question)  # noqa: ASYNC240  it is no path


def _find_story(opened: Look, url: Url, near: str) -> _Story:
    """Reads the facts about the URL. `near`: the place that the URL shares with the roots that may admit it."""
    known = opened.find(url)
    roots = [(root, seed) for _, root, seed in opened.roots(MOST_NEAR if near else MOST_ROOTS, near)]
    shown = [] if known else [root for root, _ in roots] or [root for _, root, _ in opened.roots(MOST_ROOTS)]
    parking = opened.parking(known.pattern) if known and known.pattern else None
    return _Story(known, opened.site(url.site), opened.trap(url), shown, roots, parking, opened.note(NOTE))


def _scope(config: Config, roots: Sequence[Root]) -> Scope:
    """Returns the scope of a crawl that has these roots alone."""
    ground = AdmittedPlaces(config.scope.reach, config.scope.follow_moved_seeds, Admitted())
    for root, seed in roots:
        ground.admit(root, seed)
    return parts.scope(config, ground.admitted)


def _request(url: Url, story: _Story, roots: Sequence[Url], scope: Scope) -> Request:
    """Returns the request as the crawl knew it; else a link below the root that admits it or comes nearest to it."""
    if story.known:
        known = story.known
        return Request(url, depth=known.depth, root=known.root, extra_hop=known.extra_hop, requisite=known.requisite)
    if not roots or url in roots:
        return Request(url)
    links = [Request(url, depth=1, root=root) for root in roots]
    let_in = (link for link in links if scope.reject(link) is None)
    near = (link for link in links if link.anchor.site == url.site)
    return next(let_in, None) or next(near, links[0])
