"""Makes single parts of a crawl from settings, one function each, for crawls, dry runs and explanations."""

from __future__ import annotations

import json
import secrets
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..fetch import Budget, HttpFetcher, Network, make_budget
from ..fetch import open_fetcher as _open_fetcher
from ..frontier import Terms
from ..frontier.turns import Turns
from ..metrics.course import Terms as SpeedTerms
from ..model import CrawlInfo, make_crawl_id
from ..offload import Workers, count_cores
from ..parse import ParseJob
from ..policy.admitted import Admitted
from ..policy.pace import Adapt
from ..policy.politeness import Politeness
from ..policy.scope import Scope
from ..policy.site_rules import SiteRules
from ..proof import Terms as ProofTerms
from ..proof import terms_of
from ..protocols import Fetcher, Frontier, Observer, Offloader, Robots, Sink
from ..robots import IgnoreRobots, RobotsCache, product_token
from ..robots.memory import SharedRobots
from ..robots.tdmrep import Reservations
from ..robots.use import Use
from ..runtime.presence import Presence
from ..settings import Config, FetchConfig, Table
from ..settings.focus import read_focus
from ..settings.loading import chosen_settings, effective_user_agent, mask_value, project_version
from ..urls.canonical import Policy
from .parsing import Extract, Returns

if TYPE_CHECKING:
    from ..identity import RequestSigner
    from ..parse.selectors import Selector


def scope(config: Config, admitted: Admitted | None = None) -> Scope:
    """Returns the scope. `admitted` holds the places that the seeds admit. Raises ConfigError for a bad pattern."""
    said = config.scope
    return Scope(
        reach=said.reach,
        max_depth=said.max_depth,
        include=said.include,
        exclude=said.exclude,
        max_repeats=said.max_repeats,
        extra_hops=said.extra_hops,
        requisites=said.requisites,
        admitted=admitted,
    )


def proof_terms(config: Config) -> ProofTerms:
    """Returns the terms of politeness as the audit of requests has them."""
    agent = effective_user_agent(config)
    software = f"crawld/{project_version()}"
    return terms_of(config, software=software, user_agent=agent, agent=product_token(agent))


def speed_terms(config: Config) -> SpeedTerms:
    """Returns the settings that bound the speed, as the course of a run has them."""
    return {
        "delay_s": without_rests(config).politeness.delay_s, "per_site": config.politeness.per_site,
        "per_ip": per_ip(config), "concurrency": config.fetch.concurrency,
        "workers": config.offload.workers or count_cores(),
    }  # fmt: skip


def policy(config: Config) -> Policy:
    """Returns the rules for canonical spellings of URLs."""
    return Policy(config.urls.strip_params, config.urls.strip_session_ids, config.urls.sort_params)


def politeness(config: Config) -> Politeness:
    config = without_rests(config)
    said = config.politeness
    adapts = said.adapt == "latency"
    return Politeness(
        delay_s=said.delay_s,
        max_delay_s=said.max_delay_s,
        max_retry_after_s=said.max_retry_after_s,
        max_attempts=said.max_attempts,
        retry_delay_s=said.retry_delay_s,
        max_redirects=config.fetch.max_redirects,
        revisit_after_s=said.revisit_after_s,
        revisit_at_most_s=said.revisit_at_most_s,
        adapt=Adapt(said.adapt_factor, said.adapt_max_s) if adapts else None,
        sites=SiteRules(config.sites),
    )


def terms(config: Config, turns: Turns | None = None) -> Terms:
    """Returns the rules by which a frontier lends. `turns` is shared with other crawls of the process."""
    config = without_rests(config)
    said, sites = config.politeness, SiteRules(config.sites)
    return Terms(
        per_site=said.per_site,
        per_ip=per_ip(config),
        in_depth_order=config.scope.max_depth is not None,
        has_ways_out=config.scope.requisites or config.scope.extra_hops > 0,
        revisit_after_s=said.revisit_after_s,
        turns=turns,
        rest_s=said.delay_s,
        most_asked_s=said.max_delay_s,
        most_held_s=said.max_retry_after_s,
        longest_s=politeness(config).longest_s,
        traps=config.scope.traps,
        pages_per_site=config.scope.limit_per_site,
        pages_per_domain=config.scope.limit_per_domain,
        sites=sites,
        page_limits=sites.limit if sites.has_limits else None,
    )


def without_rests(config: Config) -> Config:
    """Returns the settings; those of a replay let no site rest and no attempt wait, for archives need neither."""
    if not config.fetch.archives:
        return config
    said, sites = config.politeness.model_copy(update=_NO_RESTS), config.sites
    unhurried = {name: site.model_copy(update={"delay_s": None}) for name, site in sites.items()}
    return config.model_copy(update={"politeness": said, "sites": unhurried})


_NO_RESTS = {
    "delay_s": 0.0, "max_delay_s": 0.0, "max_retry_after_s": 0.0, "retry_delay_s": 0.0, "adapt": "off",
}  # fmt: skip


def per_ip(config: Config) -> int:
    """Returns the most requests at a time to one address: never less than to any site."""
    return max(config.politeness.per_ip, SiteRules(config.sites).most_per_site)


def workers(config: Config) -> Workers:
    offload = config.offload
    return Workers(
        offload.executor, offload.workers, offload.inline_below_bytes, offload.batch, offload.page_cpu_s,
        offload.page_memory_bytes,
    )  # fmt: skip


def job(
    config: Config, bounds: Scope, key: bytes, extract: Extract | None = None, returns: Returns = "json"
) -> ParseJob:
    """Returns the job of one run. Its token is new, so workers report links again that they reported in other runs."""
    return ParseJob(
        key=key,
        run=secrets.token_bytes(8),
        bounds=bounds,
        max_depth=config.scope.max_depth,
        max_body_bytes=config.fetch.max_body_bytes,
        max_links=config.scope.max_links,
        extra_hops=config.scope.extra_hops,
        most_requisites=config.scope.max_requisites if config.scope.requisites else 0,
        tree_bytes=config.offload.page_memory_bytes,
        keeps_oversized=config.fetch.oversized == "keep",
        policy=policy(config),
        follow=frozenset(config.scope.follow),
        nofollow=config.scope.nofollow,
        agent=product_token(effective_user_agent(config)),
        wants_links=any(sink.links for sink in config.sinks),
        wants_text=any(sink.text for sink in config.sinks),
        wants_markdown=any(sink.markdown for sink in config.sinks),
        wants_metadata=any(sink.metadata for sink in config.sinks),
        wants_structured=any(sink.structured for sink in config.sinks),
        part=config.extract.part,
        wants_simhash=any(sink.simhash for sink in config.sinks),
        quality=config.extract.quality,
        wants_pdf=config.extract.pdf,
        wants_usage=bool(config.usage.purpose),
        wants_sketch=config.dedupe.near_duplicates != "keep",
        wants_audit=any(sink.audit for sink in config.sinks),
        fields=selectors(config),
        data_follows=config.scope.data_follows,
        focus=read_focus(config.scope.focus),
        extract=extract,
        returns=returns,
    )


def selectors(config: Config) -> tuple[Selector, ...]:
    """Returns the selectors of the fields that are taken out of pages. Raises ConfigError."""
    if not config.extract.fields:
        return ()
    from ..parse.selectors import read_selectors  # noqa: PLC0415 - it loads the parser

    return read_selectors(tuple(config.extract.fields.items()))


EXTRAS = {"extract.quality": ("trafilatura", "extract"), "extract.pdf": ("pypdfium2", "pdf")}
"""The package and the extra that a setting needs."""


def check_extras(config: Config) -> None:
    """Raises ConfigError if a package that workers will need is not installed. It is not imported here."""
    wanted = {"extract.quality": config.extract.quality == "best", "extract.pdf": config.extract.pdf}
    for key, (package, extra) in EXTRAS.items():
        if wanted[key] and find_spec(package) is None:
            raise ConfigError(f"{key} needs the extra `{extra}`: pip install 'crawld[{extra}]'", [key])


def open_near_duplicates(config: Config, folder: Path | None) -> AbstractAsyncContextManager[Sink] | None:
    """Returns what finds near duplicates; None: the settings ask for none."""
    said = config.dedupe
    if said.near_duplicates == "keep":
        return None
    from ..near_duplicates import open_near_duplicates as open_index  # noqa: PLC0415 - needed where asked for alone

    is_synced, skips_text = config.frontier.durability == "power", said.near_duplicates == "skip"
    return open_index(folder, said.near_similarity, skips_text=skips_text, is_synced=is_synced)


def budget(config: Config) -> Budget:
    return make_budget(config.fetch)


def open_fetcher(
    config: Config, budget: Budget, network: Network | None = None, presence: Presence | None = None
) -> AbstractAsyncContextManager[HttpFetcher]:
    """Opens the HTTP fetcher. Raises ConfigError on entering."""
    agent = effective_user_agent(config)
    return _open_fetcher(
        _fetch_settings(config), agent, contact=config.contact, per_ip=per_ip(config), budget=budget, network=network,
        presence=presence, sites=SiteRules(config.sites), signer=_signer(config),
    )  # fmt: skip


def _signer(config: Config) -> RequestSigner | None:
    """Returns what signs requests; None: the settings name no key."""
    said = config.identity
    if not said.key_file:
        return None
    if not said.signature_agent:
        words = "needs identity.signature_agent, which tells sites where your public key is"
        raise ConfigError(f"identity.key_file: {words}", ["identity.key_file"], [words])
    from ..identity import RequestSigner  # noqa: PLC0415 - needed where asked for alone

    return RequestSigner(Path(said.key_file), said.signature_agent)


def _fetch_settings(config: Config) -> FetchConfig:
    """Returns the settings of fetching. Where archives are written, zstd is not offered unless somebody asks for it."""
    is_archived = any(sink.kind == "warc" for sink in config.sinks)
    is_said = any(name.lower() == "accept-encoding" for name in config.fetch.headers)
    if not is_archived or is_said or config.warc.zstd:
        return config.fetch
    headers = {**config.fetch.headers, "Accept-Encoding": "gzip, deflate, br"}
    return config.fetch.model_copy(update={"headers": headers})


def crawl_info(config: Config, frontier: Frontier, folder: Path | None) -> CrawlInfo:
    """Returns what sinks that ask for it get to know of the crawl."""
    said = {key: mask_value(key, value) for key, value in chosen_settings(config).items()}
    return CrawlInfo(
        make_crawl_id(frontier.key),
        folder,
        not frontier.counts().known,
        software=f"crawld/{project_version()}",
        user_agent=effective_user_agent(config),
        contact=config.contact,
        robots=config.politeness.robots,
        settings_digest=f"sha256:{sha256(json.dumps(said, default=_plain, sort_keys=True).encode()).hexdigest()}",
        node=config.frontier.node if config.frontier.kind == "engine" else "",
    )


def _plain(value: object) -> object:
    """Returns a table of settings as JSON takes it."""
    return value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Table) else str(value)


def use(config: Config, reservations: Reservations | None) -> Use | None:
    """Returns what is made of preferences about use; None: the crawl has no purposes."""
    said = config.usage
    if not said.purpose:
        return None
    is_mined = not {"ai-train", "ai-input"}.isdisjoint(said.purpose)
    return Use(frozenset(said.purpose), said.respect == "obey", reservations if is_mined else None)


def robots(
    config: Config,
    fetcher: Fetcher,
    offloader: Offloader,
    observer: Observer | None = None,
    presence: Presence | None = None,
    shared: SharedRobots | None = None,
) -> Robots:
    """Returns the source of robots.txt rules. `observer` gets each answer to a request for robots.txt.

    `shared` keeps the answers for other crawls, too. None: each crawl asks by itself.
    """
    if config.politeness.robots == "ignore":
        return IgnoreRobots()
    agent = effective_user_agent(config)
    ttl_s = config.politeness.robots_ttl_s
    memory = shared.of(agent) if shared else None
    return RobotsCache(fetcher, offloader, agent, ttl_s=ttl_s, observer=observer, presence=presence, memory=memory)
