"""The roots of a crawl are within its reach, whatever happens meanwhile to settings, seeds and the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from crawler import urls
from crawler.errors import FrontierError, StorageFull
from crawler.model import Disposition, Lease, Outcome, Request, Url
from crawler.parse import Document, parse
from crawler.policy.admitted import Admitted
from crawler.policy.scope import Reach
from crawler.reach.roots import AT_ONCE, READ_AT_ONCE, Roots
from tests.defaults import make_job, make_scope

A, B, C = (urls.parse(f"http://{name}.org/") for name in "abc")


class Stored:
    """A frontier with these roots, that fails as often as it is told."""

    def __init__(self, *roots: tuple[Url, Url | None], fails: int = 0) -> None:
        self.rows = [(row, *root) for row, root in enumerate(roots, 1)]
        self.fails = fails

    async def roots(self, after: int, limit: int) -> Sequence[tuple[int, Url, Url | None]]:
        if self.fails:
            self.fails -= 1
            raise FrontierError("the store is gone")
        return [row for row in self.rows if row[0] > after][:limit]


async def test_all_roots_that_are_stored_are_read_once() -> None:
    hosts = [urls.parse(f"http://h{i}.org/") for i in range(2 * READ_AT_ONCE + AT_ONCE + 1)]
    stored = Stored(*((host, None) for host in hosts))
    roots = Roots(stored, Admitted)
    roots.choose(ground := roots.ground("host", False))
    await roots.fill()
    assert len(ground.admitted) == len(hosts)
    stored.fails = 1
    await roots.fill()


async def test_seeds_on_their_way_and_redirects_not_settled_count_under_other_settings_too() -> None:
    """Neither is stored yet when the store is asked under the new reach."""
    roots = Roots(Stored((A, None)), Admitted)
    roots.choose(roots.ground("host", False))
    www = urls.parse("http://www.c.org/")
    roots.admit(www, C)
    with roots.admit_added([Request(B)]):
        roots.choose(wider := roots.ground("domain", False))
        await roots.fill()
    assert [wider.admitted.holds(name) for name in ("a.org", "b.org", "c.org")] == [True, True, True]


async def test_what_comes_while_settings_change_counts_under_the_old_and_the_new() -> None:
    roots = Roots(Stored(), Admitted)
    roots.choose(old := roots.ground("host", False))
    new = roots.ground("domain", False)
    with roots.admit_added([Request(A)]):
        pass
    roots.admit(urls.parse("http://www.b.org/"), B)
    assert old.admitted.holds("a.org")
    assert old.admitted.holds("www.b.org")
    assert new.admitted.holds("a.org")
    assert new.admitted.holds("b.org")


async def test_a_crawl_in_memory_keeps_its_roots_for_other_settings() -> None:
    roots = Roots(None, Admitted)
    roots.choose(roots.ground("host", False))
    with roots.admit_added([Request(A), Request(B)]):
        pass
    assert roots.admit(C, B) is False
    roots.choose(following := roots.ground("domain", True))
    await roots.fill()
    assert [following.admitted.holds(name) for name in ("a.org", "b.org", "c.org")] == [True, True, True]


async def test_settings_that_were_not_chosen_in_the_end_leave_nothing_behind(tmp_path: Path) -> None:
    names = iter("abcdef")
    roots = Roots(None, lambda: Admitted(path=tmp_path / next(names)))
    roots.choose(first := roots.ground("host", False))
    roots.ground("domain", False)
    roots.ground("prefix", False)
    assert roots.ground("host", False) is first
    roots.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_visit_waits_for_the_roots_and_is_put_off_where_they_cannot_be_had() -> None:
    stored = Stored((A, None), fails=1)
    roots = Roots(stored, Admitted)
    roots.choose(ground := roots.ground("host", False))
    seen: list[bool] = []

    async def visit(lease: Lease) -> Outcome:
        seen.append(ground.admitted.holds("a.org"))
        return Outcome(lease, Disposition.FETCHED)

    filled = roots.wait_for(ground, visit)
    put_off = await filled(Lease(Request(A), 1))
    assert (put_off.disposition, put_off.reason, seen) == (Disposition.DEFERRED, None, [])
    assert put_off.retry_in_s
    assert (await filled(Lease(Request(A), 1))).disposition is Disposition.FETCHED
    assert seen == [True]


@pytest.mark.parametrize("reach", ["prefix", "host", "domain"])
def test_a_place_that_was_outside_when_a_page_was_read_is_found_again_once_a_seed_is_there(reach: Reach) -> None:
    key = b"the crawl's key."
    job = make_job(key, f"test-roots-{reach}".encode(), make_scope(reach))
    page = parse(Document(A, b"<a href=http://www.b.org/d/x>b</a> <a href=http://c.org/>c</a>", "text/html"), job)
    roots = Roots(None, lambda: Admitted(key))
    roots.choose(roots.ground(reach, False))
    with roots.admit_added([Request(A)]):
        assert not roots.reaches(page.outside)
    with roots.admit_added([Request(urls.parse("http://www.b.org/d/"))]):
        assert roots.reaches(page.outside)
    assert not roots.reaches(b"")


async def test_an_error_of_the_store_is_told_to_who_asks() -> None:
    roots = Roots(Stored(fails=1), Admitted)
    roots.choose(roots.ground("host", False))
    with pytest.raises(FrontierError):
        await roots.fill()


def test_a_seed_whose_place_has_no_room_is_refused(tmp_path: Path) -> None:
    table = Admitted(path=tmp_path / "places")
    roots = Roots(None, lambda: table)
    roots.choose(roots.ground("host", False))
    table.path = str(tmp_path / "gone" / "places")  # where the file would grow, there is nothing
    with pytest.raises(StorageFull), roots.admit_added([Request(urls.parse(f"http://h{i}.org/")) for i in range(2000)]):
        pass
