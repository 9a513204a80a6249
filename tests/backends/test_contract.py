"""What every backend promises to the nodes of a crawl, one after another and at the same time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from crawler import urls
from crawler.frontier.backend import Backend, Commit, ContentClaim, Fenced, Hold, Membership, Message, Wish
from crawler.frontier.change import Change, RequestGroup, Visit
from crawler.frontier.order import Entry, key, rank_of
from crawler.frontier.shards import base_of
from crawler.model import Url
from tests.backends.conftest import SHARDS, TTL_S, OpenBackend
from tests.defaults import make_terms
from tests.frontier.conftest import HandClock, request

TERMS = make_terms()
SITE = "http://a.example"


async def take(backend: Backend, member: Membership, shards: Sequence[int]) -> list[Hold]:
    beat = await backend.beat(member, Wish(take=shards))
    return [hold for hold in beat.held if hold.shard in shards]


def queued(member: Membership, hold: Hold, *texts: str) -> Change:
    """Returns the change that queues these URLs, all of one site, as the first ones of their shard."""
    first = base_of(hold.shard) + 1
    like = request(texts[0])
    change = Change(families=[RequestGroup(first, like.url.site, rank_of(like, False), like, 0, 0, 0, list(texts))])
    change.fingerprints = b"".join(urls.fingerprint(text, member.key).to_bytes(8, "little") for text in texts)
    change.grow(like.url.site, len(texts))
    return change


def visited(entry: Entry, digest: bytes = b"") -> Change:
    """Returns the change that a visit to a queued URL makes."""
    visit = Visit(entry.row, "fetched", None, "", 200, 1, 1.0, digest or None, None, 0)
    change = Change(gone=[entry], visits=[visit])
    change.grow(entry.request.url.site, -1)
    return change


def entry_of(hold: Hold, number: int, text: str) -> Entry:
    like = request(text)
    return Entry(key(rank_of(like, False), base_of(hold.shard) + number), like, 0, 0)


async def test_a_shard_has_one_holder_at_a_time(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        assert a.incarnation != b.incarnation
        assert (a.crawl, a.key, a.cut.shards) == (b.crawl, b.key, SHARDS)
        assert [hold.shard for hold in await take(one, a, range(8))] == list(range(8))
        assert [hold.shard for hold in await take(other, b, range(SHARDS))] == list(range(8, SHARDS))
        assert (await one.beat(a, Wish())).nodes == ["a", "b"]


async def test_what_is_given_up_is_free_at_once_and_its_epoch_grows(open_backend: OpenBackend) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        [hold] = await take(one, a, [3])
        assert not (await one.beat(a, Wish(free=[hold]))).held
        [taken] = await take(other, b, [3])
        assert taken.epoch > hold.epoch


async def test_a_silent_node_loses_its_shards_and_may_write_no_more(
    open_backend: OpenBackend, clock: HandClock
) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        [hold] = await take(one, a, [3])
        clock.move(TTL_S - 1)
        assert await take(other, b, [3]) == []
        clock.move(2)
        [taken] = await take(other, b, [3])
        with pytest.raises(Fenced):
            await one.commit(a, Commit([(hold, queued(a, hold, f"{SITE}/1"))]))
        state = await other.reader(b, taken).state(TERMS, clock.both.wall())
        assert len(state.seen) == state.queued == 0
        beat = await one.beat(a, Wish(held=[hold]))
        assert beat.held == []


async def test_a_commit_is_stored_whole_or_not_at_all(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        mine = a.cut.shard_of(SITE)
        [hold] = await take(one, a, [mine])
        [foreign] = await take(other, b, [(mine + 1) % SHARDS])
        batch = Commit([(hold, queued(a, hold, f"{SITE}/1"))], [Message(mine, b"m")], positions={"s": {"f": 1}})
        batch.holds = [Hold(foreign.shard, foreign.epoch)]
        with pytest.raises(Fenced):
            await one.commit(a, batch)
        assert (await one.standing()).positions == {}
        assert await one.inboxes() == {}
        assert await one.is_finished()
        batch.holds = ()
        await one.commit(a, batch)
        assert (await other.standing()).positions == {"s": {"f": 1}}
        assert await other.inboxes() == {mine: 1}
        assert not await other.is_finished()


async def test_the_next_holder_finds_all_that_was_committed(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one:
        a = await one.join("a", TERMS)
        [hold] = await take(one, a, [a.cut.shard_of(SITE)])
        texts = [f"{SITE}/{number}" for number in range(1, 6)]
        await one.commit(a, Commit([(hold, queued(a, hold, *texts))]))
        done = entry_of(hold, 2, texts[1])
        await one.commit(a, Commit([(hold, visited(done))], settled={"fetched": 1}, pages=1))
        await one.leave(a)
    async with open_backend() as other:
        b = await other.join("b", TERMS)
        [taken] = await take(other, b, [hold.shard])
        reader = other.reader(b, taken)
        state = await reader.state(TERMS, clock.both.wall())
        assert (len(state.seen), state.queued, state.shelved) == (5, 4, 1)
        assert urls.fingerprint(texts[4], b.key) in state.seen
        [site] = (await reader.unshelve(10, 10)).sites
        assert [packed[1] for packed in site.load.entries] == [texts[0], *texts[2:]]
        assert [packed[0] & (1 << 28) - 1 for packed in site.load.entries] == [1, 3, 4, 5]
        rest = await reader.load(site.site_id, site.load.entries[1][0], 10)
        assert [packed[1] for packed in rest.entries] == texts[3:]
        assert (await reader.first(done.row))[0].text == texts[1]
        assert [one.row for one in await reader.visited(0, 9)] == [done.row]
        told = await other.standing()
        assert (told.settled, told.pages) == ({"fetched": 1}, 1)


async def test_messages_come_in_order_and_leave_with_what_they_brought(open_backend: OpenBackend) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        [hold] = await take(one, a, [1])
        await other.commit(b, Commit(messages=[Message(1, b"x"), Message(2, b"y"), Message(1, b"z")]))
        first, second = await one.inbox([1], 10)
        assert (first.data, second.data) == (b"x", b"z")
        assert await one.inbox([1], 1) == [first]
        await one.commit(a, Commit(consumed=[first], holds=[hold]))
        assert [message.data for message in await one.inbox([1, 2], 10)] == [b"y", b"z"]
        with pytest.raises(Fenced):
            await other.commit(b, Commit(consumed=[second], holds=[Hold(1, hold.epoch)]))
        assert await other.inboxes() == {1: 1, 2: 1}


async def test_a_node_that_comes_back_begins_a_new_life(open_backend: OpenBackend) -> None:
    async with open_backend() as one:
        a = await one.join("a", TERMS)
        [hold] = await take(one, a, [5])
        again = await one.join("a", TERMS)
        assert again.incarnation > a.incarnation
        with pytest.raises(Fenced):
            await one.commit(a, Commit(messages=[], holds=[hold], settled={"fetched": 1}))
        with pytest.raises(Fenced):
            await one.beat(a, Wish())
        [taken] = await take(one, again, [5])
        assert taken.epoch > hold.epoch


async def test_a_dead_node_is_forgotten_without_waiting(open_backend: OpenBackend) -> None:
    async with open_backend() as one:
        a, b = await one.join("a", TERMS), await one.join("b", TERMS)
        await take(one, a, range(SHARDS))
        await one.forget("a")
        assert len(await take(one, b, range(SHARDS))) == SHARDS
        assert (await one.beat(b, Wish())).nodes == ["b"]


async def test_pages_are_allowed_up_to_the_limit_and_never_more(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one:
        a, b = await one.join("a", TERMS), await one.join("b", TERMS)
        assert (await one.beat(a, Wish(pages=60, limit=100))).pages == 60
        assert (await one.beat(b, Wish(pages=60, limit=100))).pages == 40
        await one.commit(a, Commit(settled={"fetched": 10}, pages=10))
        assert (await one.beat(b, Wish(pages=60, limit=100))).pages == 40
        assert (await one.beat(a, Wish(pages=20, limit=100))).pages == 20
        assert (await one.beat(b, Wish(pages=99, limit=100))).pages == 70
        clock.move(TTL_S + 1)
        assert (await one.beat(a, Wish(pages=99, limit=100))).pages == 90


async def test_an_address_is_shared_out_and_asked_back(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one:
        a, b = await one.join("a", TERMS), await one.join("b", TERMS)
        assert (await one.beat(a, Wish(addresses={"10.0.0.1": 4}, per_address=4))).addresses == {"10.0.0.1": 4}
        assert (await one.beat(b, Wish(addresses={"10.0.0.1": 2}, per_address=4))).addresses == {"10.0.0.1": 0}
        assert (await one.beat(a, Wish(addresses={"10.0.0.1": 4}, per_address=4))).wanted == ["10.0.0.1"]
        await one.beat(a, Wish(addresses={"10.0.0.1": 2}, per_address=4))
        assert (await one.beat(b, Wish(addresses={"10.0.0.1": 2}, per_address=4))).addresses == {"10.0.0.1": 2}
        await one.beat(a, Wish())
        assert (await one.beat(b, Wish(addresses={"10.0.0.1": 9}, per_address=4))).addresses == {"10.0.0.1": 4}


async def test_a_content_has_one_first_page_over_all_nodes(open_backend: OpenBackend, clock: HandClock) -> None:
    async with open_backend() as one, open_backend() as other:
        a, b = await one.join("a", TERMS), await other.join("b", TERMS)
        [hold] = await take(one, a, [a.cut.shard_of(SITE)])
        await one.commit(a, Commit([(hold, queued(a, hold, f"{SITE}/1", f"{SITE}/2"))]))
        first, digest = entry_of(hold, 1, f"{SITE}/1"), b"d" * 32
        mine = ContentClaim(digest, first.row, first.request.url)
        theirs = ContentClaim(digest, base_of(hold.shard ^ 1) + 1, Url("http://b.example/"))
        assert await one.claim(a, [mine, ContentClaim(b"e" * 32, first.row + 1, Url(f"{SITE}/2"))]) == [
            mine.url, Url(f"{SITE}/2"),
        ]  # fmt: skip
        assert await other.claim(b, [theirs]) == [mine.url]
        await one.commit(a, Commit([(hold, visited(first, digest))], claimed=[first.row], unclaimed=[first.row + 1]))
        assert await other.claim(b, [theirs]) == [mine.url]
        assert await other.claim(b, [theirs._replace(digest=b"e" * 32)]) == [theirs.url]
        await other.leave(b)
        assert await one.claim(a, [ContentClaim(b"e" * 32, first.row + 1, Url(f"{SITE}/2"))]) == [Url(f"{SITE}/2")]
        assert await one.claim(a, [theirs]) == [mine.url], "a settled claim outlives its node"
