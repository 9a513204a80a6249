"""Requisites and extra hops: exactly what the rules say, whatever came first, over kills and wider settings."""

from __future__ import annotations

import random
from collections import Counter

from tests.lossless.bench import Bench, Crawl, Kind
from tests.lossless.needs import REQUISITE, Rules, WebOf, make_web, sites_of, truth


async def killed(bench: Bench, rounds: int = 3) -> None:
    """Random webs, each killed at three moments."""
    for number in range(rounds):
        chance = random.Random(f"{bench.seed}-{number}")
        web, seeds = make_web(chance)
        rules = Rules(seeds, extra_hops=number % 3, max_depth=None if number % 2 else 2)
        async with bench.crawl(*sites_of(web), seeds=seeds, by_name=True, options=_options(rules)) as crawl:
            for _ in range(3):
                await crawl.run_and_kill(chance.randint(1, 6))
            await crawl.run()
            _check(crawl, web, rules)


async def switched_on(bench: Bench) -> None:
    """A crawl of pages alone goes on with requisites and an extra hop, killed once amid that."""
    web, seeds = make_web(random.Random(f"{bench.seed}-on"))
    narrow, wide = Rules(seeds, requisites=False), Rules(seeds, extra_hops=1)
    async with bench.crawl(*sites_of(web), seeds=seeds, by_name=True, options=("--traps", "off")) as crawl:
        await crawl.run()
        _check(crawl, web, narrow)
        await crawl.run_and_kill(3, *_options(wide))
        await crawl.run(*_options(wide))
        _check(crawl, web, wide)


def _options(rules: Rules) -> tuple[str, ...]:
    depth = () if rules.max_depth is None else ("--depth", str(rules.max_depth))
    return ("--traps", "off", "--requisites", "--extra-hops", str(rules.extra_hops), *depth)


def _check(crawl: Crawl, web: WebOf, rules: Rules) -> None:
    """Holds what was fetched against the truth; what is recorded as a requisite must be one, or have become a page."""
    wanted = {crawl.served.web.place(url): way for url, way in truth(web, rules).items()}
    crawl.is_exactly([*wanted])
    times = Counter(record["url"] for record in crawl.records)
    if again := [url for url, n in times.items() if n > 1]:
        crawl.wrong(f"recorded twice: {again[:3]}")
    for url, record in crawl.last.items():
        if wanted.get(url, 0) > REQUISITE and not record.get("requisite"):
            crawl.wrong(f"{url} is a requisite, and its record does not say so")


KINDS = (
    Kind("requisites/killed", killed),
    Kind("requisites/switched-on", switched_on, is_quick=True),
)
