"""Sketches tell how much of two texts is the same, wherever in them it stands."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse.sketch import ALL, KEYS, LEAST, MAIN, MOST, hashes_of, keys, similarity, sketch
from tests.parse.test_simhash import prose

NEAR = 0.4
CHINESE = (
    "港口在黎明时分醒来渔船一艘接一艘地驶向大海海鸥在码头上空盘旋商人们打开了他们的店铺空气中弥漫着咸味和新鲜面包的香气"
)


def share(one: list[str], other: list[str]) -> float:
    return similarity(sketch(" ".join(one), ALL), sketch(" ".join(other), ALL))


@pytest.mark.parametrize("length", [120, 600, 6000])
def test_what_moves_is_put_on_top_or_cut_off_leaves_a_text_near(length: int) -> None:
    text, ads = prose(length, seed=length), prose(length // 4, seed=1)
    for other in (
        [*ads, *text], [*text, *ads], text[length // 5 :], [*text[length // 2 :], *text[: length // 2]],
        [word for at, word in enumerate(text) for word in ([ads[at % len(ads)]] if at % 7 == 3 else [word])],
    ):  # fmt: skip
        assert share(text, other) >= NEAR
    assert share(text, prose(length, seed=length + 1)) < 0.1


def test_numbers_capitals_and_punctuation_do_not_count() -> None:
    text = prose(200, seed=3)
    dated = [f"{word.title()}, {at % 7}:" for at, word in enumerate(text)]
    assert share(text, dated) == 1.0


def test_in_a_table_of_numbers_the_numbers_count() -> None:
    one, other = ([f"{random.Random(seed + at).randrange(10**6)}" for at in range(200)] for seed in (1, 5000))
    assert share([*one, "metres"], [*other, "metres"]) < 0.1


def test_a_text_without_spaces_is_compared_by_its_letters() -> None:
    letters = "".join(random.Random(7).choices(CHINESE, k=900))
    assert similarity(sketch(letters, ALL), sketch(letters[200:] + "新的一段文字。", ALL)) > 0.6
    assert similarity(sketch(letters, ALL), sketch("".join(random.Random(8).choices(CHINESE, k=900)), ALL)) < 0.2


def test_short_texts_have_none_and_texts_of_different_parts_are_not_compared() -> None:
    text = prose(200, seed=3)
    assert sketch(" ".join(text[:LEAST]), ALL) == b""
    assert similarity(b"", sketch(" ".join(text), ALL)) == 0.0
    assert similarity(sketch(" ".join(text), MAIN), sketch(" ".join(text), ALL)) == 0.0
    assert not set(keys(sketch(" ".join(text), MAIN))) & set(keys(sketch(" ".join(text), ALL)))


def test_a_sketch_of_a_long_text_is_no_longer_and_its_keys_are_the_first_of_it() -> None:
    made = sketch(" ".join(prose(50_000, seed=1)), ALL)
    found = list(hashes_of(made))
    assert len(found) == MOST
    assert found == sorted(found)
    assert [key & 0xFFFFFFFF for key in keys(made)] == found[:KEYS]


@given(st.text(st.characters(), max_size=300))
def test_any_text_is_as_near_to_itself_as_can_be(text: str) -> None:
    made = sketch(text, ALL)
    assert similarity(made, made) == (1.0 if made else 0.0)
