"""Turns the seeds that programs give into requests."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Literal, get_args

from .. import urls
from ..errors import ConfigError, UrlError
from ..model import Request, Url
from ..runtime.thread_reader import read_batches
from ..seeds import BadSeed, OnBad
from ..urls.canonical import Policy

Seed = str | Url | Request
OnBadSeed = Literal["raise", "skip"]
"""The fate of a seed that is no usable URL."""
SOURCE = "seeds"


def check_choice(on_bad_seed: str) -> None:
    """Raises ConfigError for a word that is no choice."""
    if on_bad_seed not in get_args(OnBadSeed):
        raise ConfigError(f"on_bad_seed={on_bad_seed!r}: should be one of {', '.join(get_args(OnBadSeed))}")


def seed_request(seed: Seed, policy: Policy) -> Request:
    """Returns the request of one seed, in its canonical spelling. Raises UrlError, RequestError."""
    if isinstance(seed, Request):
        return urls.check_request(seed, policy)
    return Request(urls.parse(str(seed), policy=policy))


def read_seeds(seeds: Iterable[Seed], policy: Policy, on_bad: OnBad | None, first: int = 1) -> Iterator[Request]:
    """Yields the requests of the seeds; the first one has the number `first`.

    Unusable ones go to `on_bad`. Without it they raise UrlError.
    """
    for number, seed in enumerate(seeds, first):
        try:
            request = seed_request(seed, policy)
        except UrlError as error:
            if on_bad is None:
                raise
            text = str(seed.url if isinstance(seed, Request) else seed)
            on_bad(BadSeed(SOURCE, number, text, str(error).partition(": ")[0]))
            continue
        yield request


async def seed_batches(
    seeds: Iterable[Seed] | AsyncIterable[Seed], policy: Policy, on_bad: OnBad | None
) -> AsyncIterator[Sequence[Request]]:
    """Yields the requests of the seeds in batches, as `read_seeds` does; an ordinary iterable is read in a thread."""
    first = 1
    if isinstance(seeds, AsyncIterable):
        async for seed in seeds:
            yield list(read_seeds([seed], policy, on_bad, first))
            first += 1
        return
    async with aclosing(read_batches([seeds] if isinstance(seeds, str) else seeds)) as read:
        async for batch in read:
            yield list(read_seeds(batch, policy, on_bad, first))
            first += len(batch)
