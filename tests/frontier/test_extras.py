"""Requests that are more than a URL: lent as they were given, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from crawler.model import Disposition, LeftOut, Outcome, Reason, Request, Url
from crawler.policy.wider import FAILURES
from crawler.protocols import Frontier
from crawler.standing import Left
from tests.frontier.conftest import HandClock, Open, deferred, fetched, lend, lend_one, opened, page

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


# -- known requests that are fetched anew ------------------------------------------------------------------------------


async def test_a_known_request_is_fetched_anew_once_more_and_whole(open_frontier: Open, clock: HandClock) -> None:
    given = [Request(Url("http://a/"), label="old", data={"n": 1}), POST, Request(Url("http://b/"))]
    async with open_frontier(revisit_after_s=100.0) as frontier:
        await frontier.add(given)
        for lease in await lend(frontier, 2):
            answered = fetched(lease, clock, page=page(frontier, digest=b"d" * 32), revisit_in_s=100.0)
            response = replace(answered.response, headers=((b"etag", b"x"),)) if answered.response else None
            await frontier.settle([replace(answered, response=response)], {})
        again = [Request(Url("http://a/"), data={"n": 2}), POST, Request(Url("http://c/"))]
        assert await frontier.add_again(again) == 2  # http://a/ and what is new; the form is queued
        leases = {(lease.request.url.text, lease.request.method): lease for lease in await lend(frontier, 9)}
        assert await frontier.add_again(again) == 0  # all are out
    anew, new = leases["http://a/", "GET"].request, leases["http://c/", "GET"].request
    assert (anew.visit, anew.label, anew.data, anew.etag, anew.digest) == (2, "", {"n": 2}, "", b"")
    assert new.visit == 1


async def test_what_is_fetched_anew_counts_once(frontier: Frontier, clock: HandClock) -> None:
    given = [Request(Url(f"http://a/{n}")) for n in range(3)] + [POST]
    await frontier.add(given)
    for number in (1, 2, 3):
        for _ in given:
            lease = await lend_one(frontier)
            assert lease.request.visit == number
            await frontier.settle([fetched(lease, clock, page=page(frontier))], {})
        assert frontier.counts().settled == {Disposition.FETCHED: 4}
        assert await lend(frontier, 1) == []
        assert await frontier.add_again(given) == 4
        assert await frontier.add_again(given) == 0
        counts = frontier.counts()
        assert (counts.known, counts.queued, sum(counts.settled.values())) == (4, 4, 0)


async def test_parked_and_failed_requests_are_fetched_anew_too(frontier: Frontier, clock: HandClock) -> None:
    given = [Request(Url("http://a/1")), Request(Url("http://a/2"))]
    await frontier.add(given)
    one, two = await lend_one(frontier), None
    await frontier.settle([Outcome(one, Disposition.PARKED, Reason.TRAP, pattern="http://a/*")], {})
    two = await lend_one(frontier)
    await frontier.settle([Outcome(two, Disposition.FAILED, Reason.STATUS_4XX, ended=clock.now)], {})
    assert await frontier.add_again(given) == 2
    visits = []
    for _ in given:
        lease = await lend_one(frontier)
        visits.append((lease.request.url.path, lease.request.visit))
        await frontier.settle([Outcome(lease, Disposition.FETCHED)], {})
    assert visits == [("/1", 1), ("/2", 2)]


async def test_a_scheduled_page_is_fetched_anew_and_not_twice(open_frontier: Open, clock: HandClock) -> None:
    async with open_frontier(revisit_after_s=5.0) as frontier:
        await frontier.add([Request(Url("http://a/"))])
        await frontier.settle([fetched(await lend_one(frontier), clock, page=page(frontier), revisit_in_s=5.0)], {})
        clock.move(6)
        assert await frontier.revisit(clock.both.wall()) == 1
        assert await frontier.add_again([Request(Url("http://a/"))]) == 0  # it is queued for its revisit
        lease = await lend_one(frontier)
        assert await frontier.add_again([Request(Url("http://a/"))]) == 0
        await frontier.settle([fetched(lease, clock, page=page(frontier), revisit_in_s=5.0)], {})
        assert await frontier.add_again([Request(Url("http://a/"))]) == 1
        assert await frontier.revisit(clock.both.wall() + 99) == 0
        assert (await lend_one(frontier)).request.visit == 3


async def test_what_is_fetched_anew_outlasts_a_restart(tmp_path: Path, clock: HandClock) -> None:
    for number in (1, 2, 3):
        async with opened(tmp_path / "f.sqlite", clock) as frontier:
            assert await frontier.add_again([POST]) == 1
        async with opened(tmp_path / "f.sqlite", clock) as frontier:
            assert await frontier.add_again([POST]) == 0
            clock.move(2)
            lease = await lend_one(frontier)
            assert (said(lease.request), lease.request.visit) == (said(POST), number)
            await frontier.settle([fetched(lease, clock, page=page(frontier))], {})
