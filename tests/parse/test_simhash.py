"""Texts that share their words lie near each other."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_digest

from crawler.parse.simhash import simhash

RANDOM = random.Random(7)
VOCABULARY = ["".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=RANDOM.randint(3, 9))) for _ in range(3000)]


def prose(words: int, seed: int) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=words)


def apart(one: list[str], other: list[str]) -> int:
    return (simhash(" ".join(one)) ^ simhash(" ".join(other))).bit_count()


@given(st.lists(st.text("abcde", min_size=1, max_size=3), max_size=70))
def test_each_bit_is_the_majority_of_the_words_bits(words: list[str]) -> None:
    hashes = [int.from_bytes(xxh3_64_digest(word.encode()), "little") for word in words]
    expected = sum(1 << bit for bit in range(64) if 2 * sum(hash >> bit & 1 for hash in hashes) > len(hashes))
    assert simhash(" ".join(words)) == expected


def test_a_text_without_words_is_zero() -> None:
    assert simhash("") == simhash(" \n\t") == 0


def test_the_same_words_give_the_same_hash_in_every_process() -> None:
    assert simhash("a harbour at dawn") == simhash("a  harbour\nat dawn") == simhash("dawn at harbour a")


def test_near_duplicates_differ_in_few_bits_and_strangers_in_many() -> None:
    for length in (100, 400, 5000):
        text = prose(length, seed=length)
        near = [*text[: length // 3], "changed", *text[length // 3 + 2 :]]
        assert apart(text, near) <= 12
        assert apart(text, prose(length, seed=length + 1)) >= 16


@given(st.text(st.characters()))
def test_any_text_has_a_hash(text: str) -> None:
    assert 0 <= simhash(text) < 1 << 64
