"""Registered domains, by the public suffix list."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from publicsuffixlist import PublicSuffixList

from crawler import urls
from crawler.urls import suffixes

ASKED = re.compile(r"checkPublicSuffix\('([^']+)', (?:'([^']+)'|null)\)|^(\S+) (\S+)$")
"""A line of test_psl.txt, in its old and its new form."""


def test_the_public_suite_is_passed() -> None:
    """The list's own suite comes with the package. Where it says that there is none, a host is its own domain."""
    lines = files("publicsuffixlist").joinpath("test_psl.txt").read_text().splitlines()
    found = [
        match
        for line in lines
        if not line.startswith("//") and (match := ASKED.search(line)) and match[3] != "checkPublicSuffix(null,"
    ]
    assert len(found) > 70
    for match in found:
        asked, wanted = match[1] or match[3], match[2] or match[4]
        host = urls.host(urls.parse(f"http://{asked}/"))
        domain = urls.host(urls.parse(f"http://{wanted}/")) if wanted and wanted != "null" else host
        assert urls.registered_domain_of_host(host) == domain, asked


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.corp.lan", "corp.lan"),
        ("docs.corp.lan", "corp.lan"),
        ("corp.lan", "corp.lan"),
        ("a.b.svc.cluster.local", "cluster.local"),
        ("www.corp.lan.", "corp.lan"),
        ("lan", "lan"),
        ("localhost", "localhost"),
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("www.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("me.github.io", "me.github.io"),
        ("a.me.claudeusercontent.com", "me.claudeusercontent.com"),  # in the list since August 2026
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_a_host_has_a_registered_domain(host: str, domain: str) -> None:
    assert urls.registered_domain_of_host(host) == domain


def test_the_package_that_brings_the_list_reads_it_in_the_same_way() -> None:
    rules = [rule.lstrip("!*.") for rule in sorted(suffixes._load().rules)]
    rules = [*rules[::5], *[rule.encode("idna").decode() for rule in rules if not rule.isascii()]]
    names = [name for rule in rules for name in (rule, f"b.{rule}", f"a.b.{rule}", f"x.a.b.{rule}")]
    theirs = PublicSuffixList()
    strange = [
        "a..b.uk",
        "",
        "a.b.nowhere",
        "nowhere",
        ".".join("a" * 200) + ".co.uk",
        "A.B.CO.UK",
        "a.xn--\udc80.uk",
        "a.xn--.uk",
        "xn--a.xn--zzzz.cn",
    ]
    for name in [*names, *strange]:
        for known in (True, False):
            found = suffixes.private_suffix(name, accept_unknown=known)
            assert found == theirs.privatesuffix(name, accept_unknown=known), name


@pytest.mark.parametrize(
    ("host", "is_listed"),
    [("example.org", True), ("org", False), ("co.uk", False), ("urls.txt", False), ("10.0.0.1", False)],
)
def test_a_file_name_is_below_no_listed_suffix(host: str, is_listed: bool) -> None:
    assert urls.has_listed_suffix(host) is is_listed


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("faẞ.de", "xn--fa-hia.de"),
        ("FA%E1%BA%9E.de", "xn--fa-hia.de"),
        ("fa%e1%ba%9e.de", "xn--fa-hia.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("fass.de", "fass.de"),
        ("σς.gr", "xn--3xab.gr"),
        ("ΣΣ.gr", "xn--4xaa.gr"),
        ("क्\u200dष.in", "xn--11b2ezcw70k.in"),
    ],
)
def test_letters_that_idna_once_mapped_away_stay(written: str, host: str) -> None:
    """UTS 46, non-transitional."""
    base = urls.parse("http://a.test/")
    assert urls.host(urls.parse(f"http://{written}/")) == host
    assert urls.make_resolver(base.text)(f"//{written}/x") == f"http://{host}/x"
