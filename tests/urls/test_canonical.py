"""Which spellings of a URL count as one, and which never do."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.errors import UrlError
from crawler.model import Url
from crawler.urls.canonical import TRACKING, Policy
from tests.defaults import make_policy

POLICY = make_policy()
ID = "0123456789abcdef0123456789ABCDEF"


def folded(text: str, policy: Policy = POLICY) -> str:
    return urls.parse(text, policy=policy).text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("http://h/?utm_source=a&utm_medium=b", "http://h/"),
        ("http://h/a?utm_source=a&x=1&utm_medium=b&y=2", "http://h/a?x=1&y=2"),
        ("http://h/a?x=1&gclid=Cj0K&y=2", "http://h/a?x=1&y=2"),
        ("http://h/a?x=1&fbclid=IwAR", "http://h/a?x=1"),
        ("http://h/a?GCLID=1&UTM_Campaign", "http://h/a"),
        ("http://h/a?x=1&amp;utm_source=b&amp;amp;utm_medium=c", "http://h/a?x=1"),
        ("http://h/a?x=&y&&utm_id=1", "http://h/a?x=&y&"),
        ("http://h/a?", "http://h/a"),
        ("http://h?#top", "http://h/"),
    ],
)
def test_how_a_reader_came_is_no_part_of_where_he_is(text: str, canonical: str) -> None:
    assert folded(text) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("http://h/a;jsessionid=1A2B.node1?x=1", "http://h/a?x=1"),
        ("http://h/a;JSESSIONID=1A2B", "http://h/a"),
        ("http://h/a;v=2;jsessionid=1!-5!6;w=3/b", "http://h/a;v=2;w=3/b"),
        ("http://h/a/..;jsessionid=1/b", "http://h/b"),
        ("http://h/a/%2e%2e;jsessionid=1/b", "http://h/b"),
        ("http://h/a?jsessionid=1A2B&x=1", "http://h/a?x=1"),
        ("http://h/(S(lit3py55t21z5v55vlm25s55))/a.aspx", "http://h/a.aspx"),
        ("http://h/shop/(A(abcdefghijklmnopqrstuv)F(abcdefghijklmnopqrstuv))/a.aspx", "http://h/shop/a.aspx"),
        ("http://h/?PHPSESSID=3vd5qm9b0hq2k8r1n5tfu7c4a6", "http://h/"),
        ("http://h/?ASPSESSIONIDAABBCCDD=ABCDEFGHIJKLMNOPQRSTUVWX", "http://h/"),
        (f"http://h/viewtopic.php?t=1&sid={ID}", "http://h/viewtopic.php?t=1"),
        (f"http://h/?osCsid={ID}&session_id={ID}&zenid={ID}", "http://h/"),
    ],
)
def test_who_is_reading_is_no_part_of_what_is_read(text: str, canonical: str) -> None:
    assert folded(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "http://h/?id=7&page=2&sort=price&lang=de&ref=home&source=x&cid=4&spm=1",
        "http://h/?sid=42&session=spring&sessionid=keynote-3",
        "http://h/?sid=abcdefghijklmnopqrstuvabcd",  # 26 letters and no digit: a word, for all we know
        "http://h/?s=d41d8cd98f00b204e9800998ecf8427e",  # a signature as likely as a session
        "http://h/?id=d41d8cd98f00b204e9800998ecf8427e&token=d41d8cd98f00b204e9800998ecf8427e",
        "http://h/?q=utm_source&x=utm_source=1",
        "http://h/?xutm_source=1&gclid2=1",
        "http://h/(S(short))/a",
        "http://h/(2024)/a;v=1;id=2",
        "http://h/a;sessions=1",
        "http://a;jsessionid=1/",
        "http://h/?b=2&a=1&b=1",
        "http://h/?&a&",
        "http://h/a/",
        "http://www.h/",
        "http://h/?a+b=%20&%61=1",
    ],
)
def test_what_may_choose_another_page_stays_byte_for_byte(text: str) -> None:
    assert folded(text) == text


def test_a_policy_of_ones_own_is_obeyed() -> None:
    mine = make_policy(strip_params=("ref", "track?", "x_*"), strip_session_ids=False, sort_params=True)
    assert folded("http://h/;jsessionid=1?utm_id=1&x_y=2&b=2&ref=3&a=1&b=1&track1=0", mine) == (
        "http://h/;jsessionid=1?a=1&b=2&b=1&utm_id=1"
    )
    assert folded("http://h/?a=1&b=2", make_policy(strip_params=("*",))) == "http://h/"
    assert folded("http://h/?a=1&utm_id=2", make_policy((), strip_session_ids=False)) == "http://h/?a=1&utm_id=2"


def test_without_a_policy_a_url_is_what_the_standard_says() -> None:
    text = f"http://h/a;jsessionid=1?utm_source=x&sid={ID}"
    assert urls.parse(text).text == text


def test_a_page_reached_by_a_stripped_link_is_the_base_of_its_own_links() -> None:
    base = urls.parse("http://h/a/b?utm_id=1", policy=POLICY)
    assert urls.make_resolver(base.text, POLICY)("c?gclid=1&x=2") == "http://h/a/c?x=2"
    assert urls.make_resolver("http://h/a;jsessionid=1/b", POLICY)("?x") == "http://h/a/b?x"


def test_a_url_can_be_explained() -> None:
    text = f"http://me:secret@h/a;jsessionid=1/b?utm_id=2&x=1&sid={ID}#top"
    url, said = urls.explain(text, policy=POLICY)
    assert url == Url("http://h/a/b?x=1")
    session, tracker, other = "session id ;jsessionid=1", "parameter utm_id=2", f"parameter sid={ID}"
    assert said == ["credentials", "fragment #top", session, tracker, other]
    assert urls.explain("c?", Url("http://h/a/b"), POLICY) == (Url("http://h/a/c"), ["empty query"])
    assert urls.explain("http://h/?b&a", policy=make_policy(sort_params=True))[1] == ["order of the parameters"]
    assert urls.explain("http://h/?x") == (Url("http://h/?x"), [])


def test_a_url_may_be_too_long_for_what_is_dropped_alone() -> None:
    dropped = "utm_id=" + "x" * urls.MAX_LENGTH
    assert folded(f"http://h/?a=1&{dropped}") == "http://h/?a=1"
    with pytest.raises(UrlError, match="longer"):
        folded(f"http://h/?{dropped}&{dropped}")


def test_a_policy_travels_to_workers() -> None:
    mine = make_policy(sort_params=True)
    assert pickle.loads(pickle.dumps(mine)) == mine


def test_no_two_patterns_of_the_default_say_the_same() -> None:
    assert len({name.lower() for name in TRACKING}) == len(TRACKING)


pieces = st.sampled_from(
    ["&", "=", "?", ";", "/", "..", "%2e", ".", "a", "utm_x", "gclid", "amp;", "jsessionid=", "(S(", "))/", "sid=", ID,
     "lit3py55t21z5v55vlm25s55", "PHPSESSID=", "%3B", "#"]
)  # fmt: skip
policies = st.builds(
    Policy, st.sampled_from([TRACKING, (), ("*",), ("a*",)]), strip_session_ids=st.booleans(), sort_params=st.booleans()
)


@given(st.lists(pieces, max_size=14).map("".join), policies)
def test_folding_twice_is_folding_once(rest: str, policy: Policy) -> None:
    once = folded(f"http://h/{rest}", policy)
    assert folded(once, policy) == once
    assert urls.parse(once).text == once
    assert urls.make_resolver("http://else/", policy)(f"http://h/{rest}") == once


@given(st.text(max_size=60), policies)
def test_any_text_is_folded_or_refused(text: str, policy: Policy) -> None:
    try:
        url, said = urls.explain(f"http://h/{text}", policy=policy)
    except UrlError:
        return
    assert (url.text == urls.parse(f"http://h/{text}").text) or said
