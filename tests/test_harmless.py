"""The one place that escapes what came from outside."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.harmless import json_line, printable, unescaped

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=50)


def test_nothing_that_acts_on_a_terminal_or_cannot_be_seen_is_left() -> None:
    acting = [
        chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert [one for one in acting if not printable(one).isascii()] == []
    assert printable("\x1b[2J\r\n\u202e\u200b\udc80\ufeff\u3164") == r"\x1b[2J\r\n\u202e\u200b\udc80\ufeff\u3164"


def test_text_in_any_language_stays_as_it_is() -> None:
    text = "Größe — 猫、ネコ\u3000ไทย עברית العربية 한국어 prix\xa0: 5\xa0€ 🐈 \ufffd"
    assert printable(text) == text
    assert json_line({"t": text}) == f'{{"t":"{text}"}}\n'.encode()


@given(ANYTHING)
def test_a_line_of_json_can_be_shown_and_means_the_same(text: str) -> None:
    line = json_line({"a": text, "b": [{"c": text}]}).decode()
    assert line.endswith("}\n")
    assert printable(line[:-1]) == line[:-1]
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert json.loads(line) == {"a": whole, "b": [{"c": whole}]}


def test_what_json_cannot_say_is_still_an_error() -> None:
    with pytest.raises(TypeError):
        json_line({"a": object()})


@pytest.mark.parametrize("digits", ["9" * 5000, "x" + "f" * 5000, "0" * 5000 + "65", "X" + "0" * 5000])
def test_an_entity_of_thousands_of_digits_is_no_error(digits: str) -> None:
    assert unescaped(f"a&#{digits};b&amp;&#65;") == "a\ufffdb&A"
