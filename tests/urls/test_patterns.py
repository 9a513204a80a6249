"""Regular expressions of users: they mean what Python's mean, and none can be made slow."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.fetch.proxies import make_matcher
from crawler.model import Reason, Request, Url
from crawler.robots import parse as parse_robots
from crawler.urls import parse
from crawler.urls.canonical import describe_folding, make_folder
from crawler.urls.patterns import MOST_REPEATS, Pattern, PatternError, compile_pattern
from tests.cpu_time import check_growth, check_time
from tests.defaults import make_policy, make_scope

ROOT = parse("http://h.test/")
"""Above it a function is not linear in what it is given."""


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("a(?=b)", "a lookahead, (?=,"),
        ("a(?!b)", "a lookahead, (?!,"),
        ("(?<=a)b", "a lookbehind, (?<=,"),
        ("(?<!a)b", "a lookbehind, (?<!,"),
        (r"(a)\1", r"a backreference, \1,"),
        (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)\12", r"a backreference, \12,"),
        ("(?P<n>a)(?P=n)", "a backreference, (?P=,"),
        ("(?>a+)b", "an atomic group, (?>,"),
        ("(a)?(?(1)b|c)", "a condition, (?(,"),
        ("a*+b", "a possessive repeat, *+,"),
        ("a++b", "a possessive repeat, ++,"),
        ("a?+b", "a possessive repeat, ?+,"),
        ("a{1,2}+b", "a possessive repeat, {1,2}+,"),
        ("a(?#b)", "a comment, (?#,"),
        ("[[:alpha:]]", "a set in a set, [[:alpha:]:"),
        (r"\Qa\E", r"an escape, \Q,"),
        (r"\pN", r"an escape, \p,"),
        (r"\u00e9", r"an escape, \u,"),
        (r"\N{DASH}", r"an escape, \N,"),
    ],
)
def test_an_expression_that_re2_cannot_say_or_reads_otherwise_is_refused_by_name(expression: str, named: str) -> None:
    with pytest.raises(PatternError) as error:
        Pattern(expression)
    assert str(error.value).startswith(f"holds {named}")


@pytest.mark.parametrize("expression", ["a{1001}", "a{5000000000}", "a{0,99999999999999999999}", "(a{500}){500}"])
def test_more_repeats_than_re2_has_are_refused(expression: str) -> None:
    with pytest.raises(PatternError, match=f"{MOST_REPEATS} times is the most"):
        Pattern(expression)


@pytest.mark.parametrize(
    "expression", ["(", ")", "[", "[z-a]", "*", "\\", "a**", "(?x) a", "(?P<>a)", "(?P>n)", "(?i", "\\é", "(" * 2000]
)
def test_an_expression_that_is_none_is_refused(expression: str) -> None:
    with pytest.raises(PatternError, match="is not a regular expression: "):
        Pattern(expression)


def test_an_expression_that_is_too_large_is_refused() -> None:
    assert Pattern("|".join(f"word-{number:x}" for number in range(2000))).search("a word-7cf")
    with pytest.raises(PatternError, match="is too large: give several smaller patterns"):
        Pattern("|".join(f".{{{number}}}q" for number in range(200, 1000)))


def test_a_refusal_says_nothing_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    for expression in ("(", "(?i", "(a{500}){500}", "|".join(f".{{{number}}}q" for number in range(200, 1000))):
        with pytest.raises(PatternError):
            Pattern(expression)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("expression", "matching", "missing"),
    [
        ("^a{,2}$", "a aa", "aaa a{,2}"),
        ("^a{,}$", "a aaaa", "b"),
        (r"a\Z", "ba", "ab"),
        (r"\x41[\x42]", "AB", "ab"),
        ("[]a]b", "]b ab", "b"),
        ("[^]a]b", "cb", "]b ab"),
        ("[(?=]a{2}", "(aa ?aa =aa", "aa"),
        (r"\(\?=\*\+", "(?=*+", "a"),
        ("[*+?]+", "* ++", "a"),
        (r"\[\[:alpha:]", "[[:alpha:]", "a"),
        ("é?b", "b", "a"),
        ("[^é]b", "ab", "b"),
        ("łb|[a-ł]c", "bc", "lb"),
        (r"a\101", "aA", "a101"),
        ("(?i)ABC(?-i:d)", "abcd ABCd", "abcD"),
        ("", "a", ""),
    ],
)
def test_an_expression_means_what_it_means_to_python(expression: str, matching: str, missing: str) -> None:
    pattern = Pattern(expression)
    assert [text for text in matching.split() if not pattern.search(text)] == []
    assert [text for text in missing.split() if pattern.search(text)] == []


@pytest.mark.parametrize(
    ("glob", "url"),
    [
        ("/my folder/*", "http://a.test/my%20folder/x"),
        ("/{x}", "http://a.test/%7Bx%7D"),
        ("*q={x}", "http://a.test/?q={x}"),
        ("/it's", "http://a.test/it's"),
        ("*q='*", "http://a.test/?q=%27x"),
        ('/a"<>^`', "http://a.test/a%22%3C%3E%5E%60"),
        ("/é", "http://a.test/%C3%A9"),
    ],
)
def test_a_glob_is_encoded_as_urls_are(glob: str, url: str) -> None:
    assert compile_pattern(glob)(url)
    assert not compile_pattern(glob)("http://a.test/other")


_ATOMS = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "/",
        "[ab]",
        "[^a]",
        r"\d",
        r"\w",
        r"\W",
        r"\b",
        r"\.",
        "^",
        "$",
        r"\Z",
        "é",
        "[]b]",
        "1",
        r"\101",
        "{,",
        "{",
    ]
)
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        inner.map("(?:{})".format),
        inner.map("(?i:{})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "??", "{2}", "{,2}", "{1,}", "{,}", "{0,3}?"])).map(
            "".join
        ),
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS, st.lists(st.text("aAb1/.{,}]", min_size=1, max_size=12), max_size=5))
def test_no_expression_that_is_taken_means_something_else_than_in_python(expression: str, texts: list[str]) -> None:
    try:
        pattern = Pattern(expression)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            python = re.compile(expression)
    except (PatternError, re.error):
        return
    assert [pattern.search(text) for text in texts] == [python.search(text) is not None for text in texts]
    assert [pattern.fullmatch(text) for text in texts] == [python.fullmatch(text) is not None for text in texts]


def test_a_pattern_travels_to_workers() -> None:
    away: Pattern = pickle.loads(pickle.dumps(Pattern("(?i)b")))
    assert (away.search("aB"), away.search("a"), away.fullmatch("aB")) == (True, False, False)


def test_a_redirect_made_to_make_an_expression_begin_again_costs_nothing() -> None:
    scope = make_scope("any", exclude=("re:.*foo.*bar.*baz$",))

    def reject(text: str) -> Reason | None:
        return scope.reject(Request(parse(text), depth=1, via=ROOT, root=ROOT))

    target = ("http://h.test/" + "foobar" * 400)[:1_980]
    assert reject(target) is None
    check_time(lambda: reject(target), 0.01)
    assert reject(f"{target}baz") is Reason.OUT_OF_SCOPE


def _excluding(pattern: str) -> Callable[[str], object]:
    return make_scope("any", exclude=(pattern,)).judge(ROOT, 1)


def _folds(*names: str) -> Callable[[str], object]:
    return make_folder(make_policy(strip_params=names))


STARS = "*a" * 12 + "*b"
ROBOTS = parse_robots(f"User-agent: *\nDisallow: /{STARS}$".encode(), "us")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "text"),
    [
        (_excluding("re:.*foo.*bar.*baz$"), "foobar"),
        (_excluding("re:(a|aa)+$"), "a"),
        (_excluding(r"re:(\w+\s?)*$"), "a"),
        (_excluding("re:(?:a.{0,90}){4}b"), "a"),
        (_excluding(STARS), "a"),
        (_excluding(STARS.replace("a", "a?")), "a"),
        (_excluding(f"/{STARS}"), "a/"),
        (_excluding(f"h.test/{STARS}"), "a"),
        (_excluding(f"h{STARS}/x"), "a"),
        (_folds(STARS), "a"),
        (_folds(STARS.replace("a", "a?"), "*" * 50 + "b"), "a"),
        (_folds(STARS), "a&"),
        (_folds(STARS), "amp;"),
        (_folds("utm_*"), "&amp;utm_a"),
        (_folds("amp;*b"), "amp;"),
        (_folds("x"), "&x=1&sid=0123456789abcdef0123456789abcdef"),
        (_folds("x"), "&sid=a"),
        (lambda text: describe_folding(text, make_policy((STARS,))), "a&"),
        (make_matcher("*.a.test"), ".a"),
        (lambda text: ROBOTS.verdict(Url(text)), "a"),
    ],
)
def test_no_wildcard_of_the_user_is_slow_on_any_url(work: Callable[[str], object], text: str) -> None:
    numbers = count()  # so that no cache knows it
    check_growth(work, lambda size: f"http://h.test/?{next(numbers)}{text * size}", 500)
    check_growth(work, lambda size: f"http://h.test/{next(numbers)}{text * size}", 500)
