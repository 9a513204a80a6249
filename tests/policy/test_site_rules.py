"""Which tables of settings a site matches, and what they say together."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from crawler.errors import ConfigError
from crawler.policy.site_rules import MOST_KNOWN, SiteRules
from crawler.settings.loading import load
from tests.cpu_time import check_time
from tests.defaults import make_politeness, make_rules

NAMES = [
    "*", "*.example.org", "www.example.org", "https://www.example.org", "http://*.example.org:8080", "*ample.org:443",
    "[::1]:80",
]  # fmt: skip


def numbered(*names: str) -> SiteRules:
    """Rules whose delays say which of them was found."""
    return make_rules({name: {"delay_s": float(number)} for number, name in enumerate(names)})


@pytest.mark.parametrize(
    ("site", "rules"),
    [
        (
            "https://www.example.org",
            ["https://www.example.org", "www.example.org", "*ample.org:443", "*.example.org", "*"],
        ),
        ("http://www.example.org", ["www.example.org", "*.example.org", "*"]),
        ("http://www.example.org:81", ["www.example.org", "*.example.org", "*"]),
        ("http://a.b.example.org:8080", ["http://*.example.org:8080", "*.example.org", "*"]),
        ("https://a.example.org:8080", ["*.example.org", "*"]),
        ("https://example.org", ["*ample.org:443", "*"]),
        ("https://badexample.org:8443", ["*"]),
        ("http://[::1]", ["[::1]:80", "*"]),
        ("https://[::1]", ["*"]),
        ("http://10.0.0.1:99", ["*"]),
    ],
)
def test_a_site_wins_over_a_host_a_host_over_patterns_and_the_longest_of_those(site: str, rules: list[str]) -> None:
    assert numbered(*NAMES).find(site).rules == tuple(rules)
    assert numbered(*reversed(NAMES)).find(site).rules == tuple(rules)
    assert numbered(*NAMES).delay_s(site) == NAMES.index(rules[0])


def test_of_two_patterns_of_one_length_the_later_one_wins() -> None:
    assert numbered("a*.test", "*b.test").find("http://ab.test").rules == ("*b.test", "a*.test")
    assert numbered("*b.test", "a*.test").find("http://ab.test").rules == ("a*.test", "*b.test")


def test_a_pattern_of_hosts_is_not_taken_for_one_of_schemes() -> None:
    """The text of a site begins with an h, too."""
    assert numbered("h*.test").find("https://a.test").rules == ()
    assert numbered("h*.test").find("https://ha.test").rules == ("h*.test",)


def test_each_setting_is_taken_from_the_first_table_that_has_it_and_header_fields_from_all() -> None:
    rules = make_rules(
        {
            "*.a.test": {"delay_s": 5, "per_site": 2, "headers": {"X-One": "far", "X-Two": "far"}},
            "https://www.a.test": {"delay_s": 0, "bearer": "token", "headers": {"x-one": "near"}},
        }
    )
    said = rules.find("https://www.a.test").said
    assert (said.delay_s, said.per_site, said.bearer, said.limit) == (0, 2, "token", None)
    assert said.headers == {"X-Two": "far", "x-one": "near"}
    assert rules.find("http://www.a.test").said.bearer == ""


def test_without_rules_nothing_is_said() -> None:
    assert SiteRules({}).find("http://a.test").is_plain
    assert numbered("b.test").find("http://a.test").is_plain


def test_the_delay_of_a_site_is_its_own_and_a_larger_crawl_delay_wins() -> None:
    politeness = make_politeness(delay_s=1.0, max_delay_s=60.0, sites=make_rules({"slow.test": {"delay_s": 9}}))
    assert politeness.own_delay_s("http://slow.test") == 9
    assert politeness.own_delay_s("http://quick.test") == 1
    assert politeness.rest_s("http://slow.test", 4.0) == 9
    assert politeness.rest_s("http://slow.test", 20.0) == 20
    assert politeness.asked_s("http://slow.test", 4.0) == 9


def test_a_delay_that_is_longer_than_all_others_is_still_there_after_a_restart() -> None:
    assert make_politeness(sites=make_rules({"slow.test": {"delay_s": 7200}})).longest_s == 7200


def test_sites_in_memory_are_few_and_found_again() -> None:
    rules = numbered("*.test")
    for number in range(MOST_KNOWN + 10):
        assert not rules.find(f"http://{number}.test").is_plain
    assert len(rules._known) <= MOST_KNOWN


@pytest.mark.parametrize("name", ["*" * 100 + ".test", "*a" * 100 + "b.test"])
def test_a_pattern_with_many_stars_takes_no_longer(name: str) -> None:
    rules = make_rules({name[:240]: {"delay_s": 1}})
    numbers = count()  # so that no cache knows it
    check_time(lambda: rules.find(f"http://{next(numbers)}{'a' * 240}.test"), 0.5)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://Example.org:443", "https://example.org"),
        ("http://example.org:443/", "http://example.org:443"),
        ("EXAMPLE.org", "example.org"),
        ("example.org:80", "example.org:80"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("*.Bücher.test", "*.xn--bcher-kva.test"),
        ("https://*.example.org:443", "https://*.example.org"),
        ("[::0:1]:81", "[::1]:81"),
    ],
)
def test_names_are_kept_in_one_spelling(written: str, read: str) -> None:
    assert list(load(settings={"sites": {written: {}}}).sites) == [read]


@pytest.mark.parametrize(
    ("sites", "told"),
    [
        ({"https://a.test/path": {}}, "'https://a.test/path' should be a site like https://example.org, a host"),
        ({"ftp://a.test": {}}, "should be a site like"),
        ({"https://me:pw@a.test": {}}, "should be a site like"),
        ({"a b": {}}, "should be a site like"),
        ({"": {}}, "should be a site like"),
        ({"*.0.0.1": {}}, "not a URL"),
        ({"bü*.test": {}}, "a part with * should be of ASCII letters"),
        ({"a.test": {}, "A.test": {}}, "there twice, in two spellings: a.test"),
        ({"a.test": {"dealy_s": 1}}, "sites.a.test.dealy_s: no such setting; did you mean delay_s?"),
        ({"a.test": {"delay_s": -1}}, "sites.a.test.delay_s: should be greater than or equal to 0"),
        ({"a.test": {"per_site": 0}}, "sites.a.test.per_site: should be greater than or equal to 1"),
        ({"a.test": {"limit": True}}, "sites.a.test.limit: should not be true or false"),
        ({"a.test": {"bytes_per_s": "2X"}}, "bytes_per_s: should be a number of bytes, or a size such as 500K or 2M"),
        ({"a.test": {"proxy": "proxy.test"}}, "sites.a.test.proxy: should begin with http://"),
        ({"a.test": {"bearer": "s3cret"}}, "bearer is sent to one site alone: name it with its scheme"),
        ({"*.a.test": {"basic_auth": "me:s3cret"}}, "basic_auth is sent to one site alone"),
        ({"a.test": {"headers": {"cookie": "s3cret"}}}, "headers.cookie is sent to one site alone"),
        ({"https://*.a.test": {"client_cert": "me.pem"}}, "client_cert is sent to one site alone"),
        ("slow", "sites: should be a valid dictionary"),
        ({"a.test": 3}, "sites.a.test: should be a table"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_by_its_name(sites: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(settings={"sites": sites})
    assert told in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_sizes_are_written_as_people_write_them() -> None:
    written = {"500K": 512_000, "2M": 2 << 20, "1GiB": 1 << 30, "7": 7, "1_000": 1000}
    for text, size in written.items():
        assert load(settings={"sites": {"a.test": {"bytes_per_s": text}}}).sites["a.test"].bytes_per_s == size
