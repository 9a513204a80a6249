"""The one place that escapes what came from outside."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
import turbohtml
from hypothesis import given
from hypothesis import strategies as st

from crawler.runtime.escaping import (
    _HARMFUL,
    MOST_ESCAPED_ALONE,
    escape_text,
    json_line,
    unescape_attribute,
    unescape_html,
)

IGNORED = [
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *(*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),
    *range(0xE0000, 0xE1000),
]
"""Unicode's Default_Ignorable_Code_Point, which fonts show as nothing, and the marks of interlinear annotation."""
BLANK = [0x2800, 0x16FE4, 0x1D159]
"""Signs that are drawn as nothing: of Braille, Khitan, music."""
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=50)


def test_nothing_that_acts_on_a_terminal_or_cannot_be_seen_is_left() -> None:
    acting = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert [one for one in acting if not escape_text(one).isascii()] == []
    assert escape_text("\x1b[2J\r\n\u202e\u200b\udc80\ufeff\u3164") == r"\x1b[2J\r\n\u202e\u200b\udc80\ufeff\u3164"


def test_nothing_that_fonts_draw_as_nothing_is_left() -> None:
    assert [f"{code:x}" for code in IGNORED + BLANK if not escape_text(f"a{chr(code)}b").isascii()] == []
    assert [f"{code:x}" for code in IGNORED if not json_line({"a": f"{chr(code)}b"}).isascii()] == []


def test_what_makes_a_sign_a_picture_stays_behind_such_a_sign_alone() -> None:
    for text in ("❤\ufe0f ☎\ufe0e ©\ufe0f", "1\ufe0f\u20e3 #\ufe0f\u20e3", "🅰\ufe0f"):
        assert escape_text(text) == text
    assert escape_text("❤\ufe0f\ufe0f") == "❤\ufe0f\\ufe0f"
    assert escape_text("❤\ufe00") == "❤\\ufe00"
    assert escape_text("a\ufe0f 1\ufe0f é\ufe0e") == "a\\ufe0f 1\\ufe0f é\\ufe0e"
    assert escape_text("a\ufe0f\u20e3 1\ufe0e\u20e3") == "a\\ufe0f\u20e3 1\\ufe0e\u20e3"


@pytest.mark.slow
def test_the_dashboard_escapes_the_same() -> None:
    source = (Path(__file__).parents[2] / "crawler/daemon/dashboard/words.js").read_text()
    found = re.search("^const HARMFUL = /(.*)/gu;$", source, re.MULTILINE)
    assert found
    theirs = re.sub(r"\\u\{(\w+)\}|\\u(\w{4})", lambda one: re.escape(chr(int(one[1] or one[2], 16))), found[1])
    every = "".join(f"a{chr(code)}" for code in range(0x110000)) + "©\ufe0f❤\ufe0f\ufe0f1\ufe0f\u20e3"
    assert re.findall(theirs, every) == _HARMFUL.findall(every)


def test_text_in_any_language_stays_as_it_is() -> None:
    text = "Größe — 猫、ネコ\u3000ไทย עברית العربية 한국어 prix\xa0: 5\xa0€ 🐈 \ufffd हिन्दी தமிழ் ᠮᠣᠩᠭᠣᠯ ខ្មែរ မြန်မာ"
    assert escape_text(text) == text
    assert json_line({"t": text}) == f'{{"t":"{text}"}}\n'.encode()


@given(ANYTHING)
def test_a_line_of_json_can_be_shown_and_means_the_same(text: str) -> None:
    line = json_line({"a": text, "b": [{"c": text}]}).decode()
    assert line.endswith("}\n")
    assert escape_text(line[:-1]) == line[:-1]
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert json.loads(line) == {"a": whole, "b": [{"c": whole}]}


@pytest.mark.parametrize("number", [MOST_ESCAPED_ALONE - 1, MOST_ESCAPED_ALONE, MOST_ESCAPED_ALONE + 1, 5000])
def test_a_line_with_many_harmful_characters_means_the_same(number: int) -> None:
    value = {"a": '\u202e\x7f\U000e0001\u00e9\\\\x85"' * number, "b": [1, -0.1, 2**63, None, True, {"c\u200b": ""}]}
    line = json_line(value).decode()
    assert line.endswith("}\n")
    assert escape_text(line[:-1]) == line[:-1]
    assert json.loads(line) == value


def test_what_json_cannot_say_is_still_an_error() -> None:
    with pytest.raises(TypeError):
        json_line({"a": object()})


@pytest.mark.parametrize("digits", ["9" * 5000, "x" + "f" * 5000, "0" * 5000 + "65", "X" + "0" * 5000])
def test_an_entity_of_thousands_of_digits_is_no_error(digits: str) -> None:
    assert unescape_html(f"a&#{digits};b&amp;&#65;") == "a\ufffdb&A"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("?a=1&section=2", "?a=1&section=2"),
        ("?a=1&copy=2&reg=3&not=4", "?a=1&copy=2&reg=3&not=4"),
        ("?a=1&copy;=2", "?a=1©=2"),
        ("?a&copy", "?a©"),
        ("?a&copy&b", "?a©&b"),
        ("?a&copy b", "?a© b"),
        ("?a&copyright", "?a&copyright"),
        ("?a&copy1", "?a&copy1"),
        ("?a&notit;", "?a&notit;"),
        ("?a&notin;", "?a∉"),
        ("?a&amp;b&ampb&amp=&amp", "?a&b&ampb&amp=&"),
        ("?a&lang=de&lang;", "?a&lang=de⟨"),
        ("&#38;&#38&#x26=1&#38b", "&&&=1&b"),
        ("&AMP;&AMP=&COPY", "&&AMP=©"),
        ("&&amp;amp;&;&=", "&&amp;&;&="),
    ],
)
def test_half_named_entities_of_an_attribute_stay_where_the_name_may_be_a_parameter(written: str, meant: str) -> None:
    assert unescape_attribute(written) == meant
    assert turbohtml.parse(f'<a href="{written}">').select("a")[0].attr("href") == meant
