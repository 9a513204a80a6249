"""Names what can limit the speed of a crawl, and says what helps."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Bound(StrEnum):
    """A limit on the speed of a crawl."""

    POLITENESS = "politeness"
    CRAWL_DELAY = "crawl-delay"
    PER_SITE = "per-site"
    PER_IP = "per-ip"
    RETRIES = "retries"
    DNS = "dns"
    HELD = "held"
    PARKED = "parked"
    BANDWIDTH = "bandwidth"
    NETWORK = "network"
    CONCURRENCY = "concurrency"
    PLACES = "places"
    PARSING = "parsing"
    OUTPUT = "output"
    LOOP = "loop"
    SEEDS = "seeds"
    IDLE = "idle"

    @property
    def advice(self) -> str:
        """Its meaning, and flags of the command line that help; empty: nothing is known to help."""
        return ADVICE[self]


class Advice(NamedTuple):
    """The meaning of a bound, and what helps, as flags and as settings. Empty: nothing is known to help."""

    why: str = ""
    flags: str = ""
    """Help, in flags of the command line."""
    settings: str = ""
    """Help, in names of settings."""

    @property
    def on_command_line(self) -> str:
        return "; ".join(filter(None, [self.why, self.flags]))

    @property
    def in_settings(self) -> str:
        return "; ".join(filter(None, [self.why, self.settings]))


_ADVICE = {
    Bound.POLITENESS: Advice(
        "sites rest between requests, longer where they are slow or in trouble",
        "if they are yours: a smaller --delay, a larger --per-site",
        "if they are yours: a smaller politeness.delay_s, a larger politeness.per_site",
    ),
    Bound.CRAWL_DELAY: Advice("sites ask for this pace (Crawl-delay), and get one request at a time"),
    Bound.PER_SITE: Advice(
        "sites have not answered the requests that they have",
        "if they are yours: a larger --per-site",
        "if they are yours: a larger politeness.per_site",
    ),
    Bound.PER_IP: Advice(
        "addresses have as many requests as they are allowed",
        "if they are yours: --set politeness.per_ip=N",
        "if they are yours: a larger politeness.per_ip",
    ),
    Bound.RETRIES: Advice(
        "all URLs that are left wait for another attempt, or for sites that asked to be left alone or failed"
    ),
    Bound.DNS: Advice(
        "name servers do not answer, or do so slowly",
        "other ones may help: --set fetch.name_servers=9.9.9.9",
        "other ones may help: fetch.name_servers",
    ),
    Bound.HELD: Advice("all URLs that are left are of sites that are held", "", "release them"),
    Bound.PARKED: Advice(
        "all URLs that are left are parked", "--traps off, or --unpark PATTERN", "scope.traps = off, or unpark it"
    ),
    Bound.BANDWIDTH: Advice(
        "as much is received as fetch.bytes_per_s allows",
        "more may help: --set fetch.bytes_per_s=SIZE",
        "more may help: a larger fetch.bytes_per_s",
    ),
    Bound.NETWORK: Advice("answers are slow to come"),
    Bound.CONCURRENCY: Advice(
        "all visits are under way",
        "more at a time may help: a larger --concurrency",
        "more at a time may help: a larger fetch.concurrency",
    ),
    Bound.PLACES: Advice(
        "the crawls of this process have all their visits under way", "", "more at a time may help: daemon.concurrency"
    ),
    Bound.PARSING: Advice(
        "workers are behind",
        "more of them on more cores: --set offload.workers=N",
        "more of them on more cores: daemon.workers",
    ),
    Bound.OUTPUT: Advice("the disk is behind; put the crawl folder on a faster one"),
    Bound.LOOP: Advice("one core is full with network work; split the seeds over several crawls"),
    Bound.SEEDS: Advice("seeds are read more slowly than they are visited"),
    Bound.IDLE: Advice(),
}
ADVICE = {bound: advice.on_command_line for bound, advice in _ADVICE.items()}
ADVICE_IN_SETTINGS = {bound: advice.in_settings for bound, advice in _ADVICE.items()}
