"""Words of people become a search, whatever they hold; none is an error of SQLite's own language."""

from __future__ import annotations

import sqlite3

import pytest

from crawler import ConfigError
from crawler.search.spelling import spell, unspell
from crawler.search.words import read_words

PAGES = {
    "cats": "The cat sat on the mat. It's a well-known C++ example.",
    "dogs": "A dog sat on a log; naïve café owners AND others (NEAR the park).",
    "chinese": "我们在北京的手机店买了iPhone手机。",
    "thai": "ผมชอบกินข้าวผัดที่กรุงเทพ",
    "hindi": "हिन्दी में लिखा हुआ पाठ",
    "greek": "Η Αθήνα είναι πρωτεύουσα",
}


def found(words: str) -> set[str]:
    base = sqlite3.connect(":memory:")
    base.execute(
        "CREATE VIRTUAL TABLE word USING fts5 (text,"
        """ tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'")"""
    )
    names = list(PAGES)
    for name in names:
        base.execute("INSERT INTO word (rowid, text) VALUES (?, ?)", (names.index(name), spell(PAGES[name])))
    rows = base.execute("SELECT rowid FROM word WHERE word MATCH ?", (read_words(words).match,))
    return {names[number] for (number,) in rows}


@pytest.mark.parametrize(
    ("words", "pages"),
    [
        ("cat", {"cats"}),
        ("SAT on", {"cats", "dogs"}),
        ("sat -cat", {"dogs"}),
        ('sat -"on the mat"', {"dogs"}),
        ('"cat sat"', {"cats"}),
        ('"sat cat"', set()),
        ("“the mat”", {"cats"}),
        ("exam*", {"cats"}),
        ('"well known ex"*', set()),
        ("well-known it's C++", {"cats"}),
        ("naive cafe", {"dogs"}),
        ("AND", {"dogs"}),
        ("NEAR(the park)", {"dogs"}),
        ("NOT", set()),
        ('title:x ^cat {a} : " *', set()),
        ("手机", {"chinese"}),
        ("北京手机", set()),
        ("iphone", {"chinese"}),
        ("iPhone手机", {"chinese"}),
        ("ข้าวผัด", {"thai"}),
        ("हिन्दी", {"hindi"}),
        ("ΑΘΉΝΑ", {"greek"}),
    ],
)
def test_words_find_what_a_person_means(words: str, pages: set[str]) -> None:
    assert found(words) == pages


@pytest.mark.parametrize(
    "words", ["'", '"', "(", ")", "*", "-", "a OR", 'x"y"z', "a\x00b", "a:b:c", "+a ^b", "col : x", "😀 a"]
)
def test_no_words_are_an_error_of_the_database(words: str) -> None:
    if any(map(str.isalnum, words)):
        found(words)
        return
    with pytest.raises(ConfigError, match="there is no letter or digit"):
        read_words(words)


def test_a_search_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="name one to find"):
        read_words("-cat -dog")
    with pytest.raises(ConfigError, match="1,000 are the most"):
        read_words("x" * 1001)
    with pytest.raises(ConfigError, match="33, and 32 are the most"):
        read_words("x " * 33)


def test_marks_are_not_seen() -> None:
    assert unspell(spell(PAGES["chinese"])) == PAGES["chinese"]
    assert spell("a\x02b\x00c") == "a b c"
