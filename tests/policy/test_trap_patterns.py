"""One pattern of URLs by the numbers: when it is parked and cleared, what is news, how far a series reaches."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from crawler.model import Page
from crawler.policy.traps.pattern import Memory, Pattern, Standing
from crawler.policy.traps.recent import Ring, Sieve
from crawler.policy.traps.series import Series
from crawler.policy.traps.shapes import Shapes

SITE = "https://a.test"


def dull(pattern: Pattern, pages: int) -> None:
    for _ in range(pages):
        pattern.count(False, False)


def test_a_pattern_is_suspect_after_thirty_one_dull_pages_and_parked_after_a_hundred_and_twenty_seven() -> None:
    pattern = Pattern(f"{SITE}/#", SITE)
    turned = {}
    for number in range(1, 200):
        if pattern.count(False, False):
            turned[number] = pattern.standing
    assert turned == {31: Standing.SUSPECT, 127: Standing.PARKED}
    assert (pattern.fetched, pattern.news) == (199, 0)


@pytest.mark.parametrize(("sound", "standing"), [(1, Standing.PARKED), (2, Standing.SUSPECT)])
def test_one_page_that_is_vouched_for_saves_no_pattern_and_two_do(sound: int, standing: Standing) -> None:
    pattern = Pattern(f"{SITE}/#", SITE)
    for number in range(128):
        pattern.count(False, number < sound)
    assert pattern.standing is standing
    dull(pattern, sound)
    assert pattern.standing is Standing.PARKED, "and are forgotten"


def test_four_pieces_of_news_clear_a_suspect_and_three_do_not() -> None:
    pattern = Pattern(f"{SITE}/#", SITE)
    dull(pattern, 40)
    for news in range(1, 5):
        assert pattern.is_good is False
        assert pattern.count(True, True) is (news == 4)
    assert (pattern.standing, pattern.news) == (Standing.GOOD, 4)
    dull(pattern, 30)
    assert pattern.is_good
    dull(pattern, 1)
    assert not pattern.is_good


@pytest.mark.parametrize(("is_news", "is_finite"), [(True, False), (False, True)])
def test_a_parked_pattern_that_tells_something_is_tried_anew_for_thirty_one_pages(
    is_news: bool, is_finite: bool
) -> None:
    pattern = Pattern(f"{SITE}/#", SITE)
    dull(pattern, 140)
    assert pattern.count(is_news, is_news, is_finite=is_finite)
    assert _is_suspect(pattern)
    dull(pattern, 30)
    assert _is_suspect(pattern)
    dull(pattern, 1)
    assert pattern.standing is Standing.PARKED


def _is_suspect(pattern: Pattern) -> bool:
    return pattern.standing is Standing.SUSPECT


def test_what_somebody_trusts_is_counted_and_not_judged() -> None:
    pattern = Pattern(f"{SITE}/#", SITE)
    pattern.standing = Standing.TRUSTED
    dull(pattern, 200)
    assert (pattern.standing, pattern.is_good, pattern.fetched) == (Standing.TRUSTED, True, 200)


# -- news ------------------------------------------------------------------------------------------------------------


def page(gist: int = 1, numbers: int = 0, media: tuple[int, ...] = (), *, kind: str = "html", ahead: int = 0) -> Page:
    return Page(
        b"", length=1, kind=kind, gist=gist, numbers=numbers, media=array("I", media).tobytes(), is_ahead=bool(ahead)
    )


def test_other_letters_are_news_once() -> None:
    memory = Memory()
    assert [memory.is_news(page(gist)) for gist in (1, 2, 1, 2, 3)] == [True, True, False, False, True]


@pytest.mark.parametrize(("numbers", "is_news"), [(0x1, False), (0x11, False), (0x111, True), (0xFFF, True)])
def test_three_other_figures_are_news_and_two_are_a_count_of_visitors(numbers: int, is_news: bool) -> None:
    memory = Memory()
    memory.is_news(page(1, 0x1000_0000))
    assert memory.is_news(page(1, 0x1000_0000 ^ numbers)) is is_news


def test_figures_that_came_before_are_no_news() -> None:
    memory = Memory()
    found = [memory.is_news(page(1, numbers)) for numbers in (0x111, 0x222000, 0x111, 0x222000)]
    assert found == [True, True, False, False]


def test_other_pictures_are_news_but_for_those_of_a_calendar() -> None:
    memory = Memory()
    memory.is_news(page(1))
    assert [memory.is_news(page(1, media=media)) for media in ((10,), (10,), (10, 30), ())] == [
        True, False, True, False
    ]  # fmt: skip
    for _ in range(7):
        memory.is_news(page(1, ahead=1))
    assert memory.is_news(page(1, media=(51,)))
    memory.is_news(page(1, ahead=1))
    assert not memory.is_news(page(1, media=(71,))), "a picture, from the eighth page of a date far ahead on"
    assert memory.is_news(page(1, media=(90,))), "a document"


def test_a_file_that_nobody_reads_for_text_is_news() -> None:
    memory = Memory()
    assert [memory.is_news(page(1, kind="other")) for _ in range(3)] == [True] * 3


# -- series ----------------------------------------------------------------------------------------------------------


def test_an_end_is_believed_while_it_stands_and_for_so_many_pages() -> None:
    series = Series()
    assert not series.names_end((0, 7), 1), "none was named"
    assert series.names_end((40, 7), 1)
    assert series.names_end((40, 7), 40 + 16)
    assert not series.names_end((40, 7), 40 + 17)
    assert series.names_end((60, 8), 40 + 17), "another one, with pages of its own"
    assert not series.names_end((41, 7), 1), "it has moved"
    assert series.names_end((41, 7), 1)


def test_ends_that_move_eight_times_are_believed_no_more() -> None:
    series = Series()
    assert series.names_end((100, 7), 1)
    for moved in range(1, 9):
        assert series.names_end((100, 8), 1)
        assert not series.names_end((100 + moved, 7), 1)
    assert not series.names_end((100, 8), 1)


def test_ends_of_sixty_four_series_are_remembered() -> None:
    series = Series()
    assert [series.names_end((9, number), 1) for number in range(70)] == [True] * 64 + [False] * 6
    assert series.names_end((9, 0), 1)


def test_between_two_that_somebody_named_a_page_is_held_and_beyond_not() -> None:
    series = Series()
    assert not series.holds(f"{SITE}/5")
    assert not series.vouch(f"{SITE}/10")
    assert series.vouch(f"{SITE}/3")
    assert not series.vouch(f"{SITE}/7")
    assert [number for number in range(20) if series.holds(f"{SITE}/{number}")] == list(range(3, 11))
    assert not series.holds(f"{SITE}/other/5")
    assert series.vouch(f"{SITE}/20003")
    assert series.holds(f"{SITE}/9")
    assert series.vouch(f"{SITE}/20004")
    assert not series.holds(f"{SITE}/9"), "too far apart"


def test_spans_are_stored_and_restored_eight_at_most() -> None:
    series = Series(1)
    for book in range(12):
        series.vouch(f"{SITE}/{book}/2")
        if book:
            series.vouch(f"{SITE}/{book}/9")
    again = Series(1)
    words = series.stored()
    assert len(words) == 8
    for word in words:
        again.restore(word)
    assert [book for book in range(12) if again.holds(f"{SITE}/{book}/5")] == list(range(1, 9))
    assert not again.holds(f"{SITE}/1/10")


# -- what was met lately ---------------------------------------------------------------------------------------------


def test_a_ring_holds_the_latest_and_finds_none_that_straddles_two() -> None:
    ring = Ring(3)
    assert [ring.add(number) for number in (0x01020304, 0x05060708, 9)] == [0, 1, 2]
    assert ring.find(0x07080102) == ring.find(0x08010203) == -1
    assert [ring.find(number) for number in (0x01020304, 0x05060708, 9, 10)] == [0, 1, 2, -1]
    assert [ring.add(number) for number in (10, 11, 12, 13)] == [0, 1, 2, 0]
    assert [ring.find(number) for number in (0x01020304, 9, 10, 11, 12, 13)] == [-1, -1, -1, 1, 2, 0]


def test_a_sieve_takes_no_known_one_for_new_among_the_latest_thousands() -> None:
    sieve = Sieve()
    assert [sieve.add(number) for number in (5, 6, 5, 6, 7)] == [True, True, False, False, True]
    for number in range(8, 8192 + 5):
        assert sieve.add(number)
    assert not sieve.add(5), "the two kilobytes before are still there"
    for number in range(8192 + 5, 16384):
        sieve.add(number)
    assert not sieve.add(8200)


def test_patterns_at_hand_are_those_that_would_be_made_anew() -> None:
    remembering, anew, chance, known = Shapes(), Shapes(), Random(7), list[str]()
    for _ in range(3000):
        if not known or chance.random() < 0.4:
            words = (
                chance.choice(["a", "b", "12", "3-4", chance.choice("cdefghijklmnopqrstuvwxyz") * 2]) for _ in "123"
            )
            known.append(
                f"https://{chance.choice('abcdefghijkl')}.a.test/{'/'.join(words)}{chance.choice(['', '?x=1'])}"
            )
        text, learns = chance.choice(known), chance.random() < 0.5
        anew._forget_recent()
        assert remembering.pattern(text, learns=learns) == anew.pattern(text, learns=learns)
