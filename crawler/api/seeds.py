"""Turns the seeds that programs give into requests."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import aclosing

from .. import urls
from ..model import Request, Url
from ..runtime.thread_reader import read_batches
from ..urls.canonical import Policy

Seed = str | Url | Request


def seed_request(seed: Seed, policy: Policy) -> Request:
    """Returns the request of one seed, in its canonical spelling. Raises UrlError, RequestError."""
    if isinstance(seed, Request):
        return urls.check_request(seed, policy)
    return Request(urls.parse(str(seed), policy=policy))


async def seed_batches(seeds: Iterable[Seed] | AsyncIterable[Seed], policy: Policy) -> AsyncIterator[Sequence[Request]]:
    """Yields the requests of the seeds in batches; an ordinary iterable is read in a thread. Raises UrlError."""
    if isinstance(seeds, AsyncIterable):
        async for seed in seeds:
            yield [seed_request(seed, policy)]
        return
    async with aclosing(read_batches([seeds] if isinstance(seeds, str) else seeds)) as read:
        async for batch in read:
            yield [seed_request(seed, policy) for seed in batch]
