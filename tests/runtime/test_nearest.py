"""A misspelt word is answered with the name it was meant to be, if one is like it."""

from __future__ import annotations

from crawler.runtime.nearest import did_you_mean, find_nearest


def test_the_name_that_is_most_like_the_word_is_found() -> None:
    assert find_nearest("max_dept", ["max_depth", "max_delay_s", "limit"]) == "max_depth"
    assert find_nearest("quux", ["max_depth", "limit"]) is None


def test_a_message_ends_with_a_guess_or_as_it_is_told_to() -> None:
    assert did_you_mean("timeot", iter(["dns", "timeout"])) == "; did you mean timeout?"
    assert did_you_mean("quux", ["dns"]) == ""
    assert did_you_mean("quux", ["dns"], ".") == "."
