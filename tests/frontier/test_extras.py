"""Requests that are more than a URL: lent as they were given, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crawler.model import Disposition, LeftOut, Outcome, Reason, Request, Url
from crawler.policy.wider import FAILURES
from crawler.protocols import Frontier
from crawler.standing import Left
from tests.frontier.conftest import HandClock, Open, deferred, fetched, lend, lend_one, page

POST = Request(
    Url("http://a/form"),
    method="POST",
    headers=(("X", "\u00e4"),),
    body=b"\0\xff" * 100,
    label="form",
    data={"n": [1, None]},
)
SAID = ("method", "headers", "body", "label", "data")


def said(request: Request) -> tuple[object, ...]:
    return tuple(getattr(request, name) for name in SAID)


async def test_requests_to_one_url_are_lent_each_as_it_was_given(frontier: Frontier) -> None:
    given = [
        Request(POST.url),
        POST,
        replace(POST, body=b""),
        replace(POST, headers=()),
        Request(POST.url, method="HEAD"),
    ]
    assert await frontier.add(given) == 5
    assert await frontier.add([*given, Request(POST.url, label="other", data={"m": 1})]) == 0
    leases = []
    for _ in given:
        lease = await lend_one(frontier)
        leases.append(lease)
        await frontier.settle([Outcome(lease, Disposition.FETCHED)], {})
    assert [said(lease.request) for lease in leases] == [said(request) for request in given]
    assert leases[0].request_id == ""
    assert len({lease.request_id for lease in leases}) == 5


async def test_an_extra_outlasts_attempts_parking_and_further_visits(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([POST])
    lease = await lend_one(frontier)
    first = lease.request_id
    await frontier.settle([deferred(lease, clock, 5.0)], {})
    clock.move(6)
    lease = await lend_one(frontier)
    assert (said(lease.request), lease.request.attempt) == (said(POST), 2)
    await frontier.release([lease])
    lease = await lend_one(frontier)
    await frontier.settle([Outcome(lease, Disposition.PARKED, Reason.TRAP, pattern="http://a/*")], {})
    assert await frontier.unpark() == 1
    lease = await lend_one(frontier)
    await frontier.settle([Outcome(lease, Disposition.FAILED, Reason.DNS, ended=clock.now)], {})
    await frontier.add([POST])
    assert await frontier.revive(FAILURES) == 1
    lease = await lend_one(frontier)
    assert (said(lease.request), lease.request.visit, lease.request_id) == (said(POST), 2, first)


async def test_safe_requests_are_visited_again_with_their_extra_and_others_never(
    open_frontier: Open, clock: HandClock
) -> None:
    labelled = Request(Url("http://b/"), headers=(("Accept-Language", "de"),), label="list", data={"n": 1})
    async with open_frontier(revisit_after_s=10.0) as frontier:
        await frontier.add([POST, labelled])
        for lease in await lend(frontier, 2):
            await frontier.settle([fetched(lease, clock, page=page(frontier), revisit_in_s=10.0)], {})
        clock.move(11)
        assert await frontier.revisit(clock.both.wall()) == 1
        lease = await lend_one(frontier)
        assert (said(lease.request), lease.request.visit) == (said(labelled), 2)


async def test_a_page_is_read_again_with_the_request_that_brought_it(frontier: Frontier, clock: HandClock) -> None:
    labelled = Request(Url("http://b/"), headers=(("Accept-Language", "de"),), label="list")
    await frontier.add([POST, labelled])
    for lease in await lend(frontier, 2):
        found = replace(page(frontier), left_out=int(LeftOut.REACH), n_links=1)
        await frontier.settle([fetched(lease, clock, page=found)], {})
    assert await frontier.take_back(Left(int(LeftOut.REACH))) == 1
    lease = await lend_one(frontier)
    assert lease.request.is_reread
    assert said(lease.request) == said(labelled)


async def test_links_that_a_visit_names_bring_their_extra(frontier: Frontier, clock: HandClock) -> None:
    await frontier.add([Request(Url("http://a/"))])
    lease = await lend_one(frontier)
    above: dict[str, Any] = {"depth": 1, "via": lease.request.url, "seed": lease.request.url, "root": lease.request.url}
    found = (
        Request(Url("http://a/1"), **above),
        replace(POST, **above),
        Request(Url("http://a/2"), data={"i": 2}, **above),
    )
    await frontier.settle([Outcome(lease, Disposition.FETCHED, found=found, ended=clock.now)], {})
    lent = []
    for _ in found:
        lease = await lend_one(frontier)
        lent.append(lease.request)
        await frontier.settle([Outcome(lease, Disposition.FETCHED)], {})
    assert lent == list(found)
