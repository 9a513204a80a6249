"""Compares two sets of rules: which let in more than before, and what must so be looked at again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..model import LeftOut, Reason
from ..settings import Config

_REACHES = ("page", "prefix", "host", "domain", "any")
"""Reaches, from near to far."""
_NOFOLLOWS = ("links", "pages", "ignore")
"""Values of `nofollow`, from strict to lax."""
_OWN = frozenset({
    Reason.ROBOTS, Reason.OUT_OF_SCOPE, Reason.DEPTH_LIMIT, Reason.PAGE_LIMIT, Reason.TRAP, Reason.MOVED,
    Reason.DUPLICATE, Reason.SKIPPED,
})  # fmt: skip
"""Reasons by which rules exclude URLs; no further attempt changes these."""
FAILURES = tuple(reason for reason in Reason if reason not in _OWN)
"""Reasons why URLs fail: `--retry-failed` without a value means these."""


class Wider(NamedTuple):
    """Pages and URLs that are to be looked at again."""

    left_out: LeftOut = LeftOut(0)
    """The rules whose left-out links are looked for in their pages."""
    reasons: frozenset[Reason] = frozenset()
    """The reasons for which URLs ended that are visited again."""
    robots: bool = False
    """Whether the sitemaps that each robots.txt names are looked at."""

    def merge(self, other: Wider) -> Wider:
        return Wider(self.left_out | other.left_out, self.reasons | other.reasons, self.robots or other.robots)


NOTHING = Wider()
NEW_BOUNDS: Mapping[str, Any] = {"extra_hops": 0, "requisites": False}
"""Settings that older versions did not note, as these versions acted."""


def bounds(config: Config) -> dict[str, Any]:
    """Returns the settings that decide what belongs to a crawl, as JSON can hold them."""
    scope, fetch = config.scope, config.fetch
    return {
        "reach": scope.reach,
        "follow_moved_seeds": scope.follow_moved_seeds,
        "max_depth": scope.max_depth,
        "include": list(scope.include),
        "exclude": list(scope.exclude),
        "max_repeats": scope.max_repeats,
        "nofollow": scope.nofollow,
        "max_links": scope.max_links,
        "extra_hops": scope.extra_hops,
        "requisites": scope.requisites,
        "max_requisites": scope.max_requisites,
        "sitemaps": scope.sitemaps,
        "follow": sorted(scope.follow),
        "limit_per_site": scope.limit_per_site,
        "limit_per_domain": scope.limit_per_domain,
        "robots": config.politeness.robots,
        "allow_networks": [str(network) for network in fetch.allow_networks],
        "max_body_bytes": fetch.max_body_bytes,
        "oversized": fetch.oversized,
        "max_redirects": fetch.max_redirects,
        "cookies": fetch.cookies,
    }


def find_widened(before: Mapping[str, Any], now: Mapping[str, Any]) -> Wider:
    """Returns what the settings `now` let in that `before` did not; a setting missing in `before` lets in nothing."""
    old = {**now, **before}
    found, out = NOTHING, LeftOut.REACH | (LeftOut.BEYOND if old["extra_hops"] else 0)
    for is_wider, wider in (
        (_has_grown(old["max_depth"], now["max_depth"]), _links(LeftOut.DEPTH, Reason.DEPTH_LIMIT)),
        (_is_later(_REACHES, old["reach"], now["reach"]), _links(out, Reason.OUT_OF_SCOPE)),
        (now["follow_moved_seeds"] and not old["follow_moved_seeds"], _links(out, Reason.OUT_OF_SCOPE)),
        (now["extra_hops"] > old["extra_hops"], _links(LeftOut.REACH, Reason.OUT_OF_SCOPE)),
        (now["requisites"] and not old["requisites"], _links(LeftOut.REQUISITES, Reason.OUT_OF_SCOPE)),
        (now["max_requisites"] > old["max_requisites"], _links(LeftOut.REQUISITES)),
        (_has_fewer_bars(old, now), _links(LeftOut.PATTERNS, Reason.OUT_OF_SCOPE)),
        (_has_grown(old["max_repeats"], now["max_repeats"]), _links(LeftOut.REPEATS, Reason.TRAP)),
        (_is_later(_NOFOLLOWS, old["nofollow"], now["nofollow"]), _links(LeftOut.NOFOLLOW)),
        (_has_grown(old["max_links"], now["max_links"]), _links(LeftOut.MAX_LINKS)),
        (set(now["follow"]) - set(old["follow"]), _links(LeftOut.KINDS)),
        (_follows_sitemaps(now) and not _follows_sitemaps(old), Wider(robots=True)),
        (_has_grown(old["limit_per_site"], now["limit_per_site"]), _ended(Reason.PAGE_LIMIT)),
        (_has_grown(old["limit_per_domain"], now["limit_per_domain"]), _ended(Reason.PAGE_LIMIT)),
        (old["robots"] != now["robots"] == "ignore", _ended(Reason.ROBOTS, Reason.ROBOTS_UNREACHABLE)),
        (set(now["allow_networks"]) - set(old["allow_networks"]), _ended(Reason.BLOCKED_ADDRESS)),
        (_has_grown(old["max_body_bytes"], now["max_body_bytes"]), _ended(Reason.TOO_LARGE)),
        (old["oversized"] != now["oversized"] == "keep", _ended(Reason.TOO_LARGE)),
        (_has_grown(old["max_redirects"], now["max_redirects"]), _ended(Reason.TOO_MANY_REDIRECTS)),
        (now["cookies"] and not old["cookies"], _ended(Reason.TOO_MANY_REDIRECTS)),
    ):
        if is_wider:
            found = found.merge(wider)
    return found


def lets_more_in(before: Config, now: Config) -> bool:
    """Returns whether a crawl that is finished under `before` would find more under `now`."""
    old, new = before.scope, now.scope
    is_longer = _has_grown(old.limit, new.limit) or (old.traps == "park" != new.traps)
    return is_longer or find_widened(bounds(before), bounds(now)) != NOTHING


def _links(rule: LeftOut, *reasons: Reason) -> Wider:
    return Wider(rule, frozenset(reasons))


def _ended(*reasons: Reason) -> Wider:
    return Wider(reasons=frozenset(reasons))


def _has_grown(old: int | None, now: int | None) -> bool:
    """Returns whether a limit is higher now; None: no limit."""
    return old is not None and (now is None or now > old)


def _is_later(order: tuple[str, ...], old: str, now: str) -> bool:
    return order.index(now) > order.index(old)


def _follows_sitemaps(rules: Mapping[str, Any]) -> bool:
    """Returns whether the sitemaps that each robots.txt names are visited."""
    return bool(rules["sitemaps"] and rules["robots"] != "ignore")


def _has_fewer_bars(old: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Returns whether a pattern that kept links out is gone, or a pattern that lets links in is new."""
    if set(old["exclude"]) - set(now["exclude"]):
        return True
    was, are = set(old["include"]), set(now["include"])
    return bool(was) and (not are or bool(are - was))
