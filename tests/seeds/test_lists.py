"""One URL a line, and all that people put around it: nothing is glued, and nothing is cut that belongs to a URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.seeds.cells import BEHIND, EDGES, SEVERAL

from .got import got

A, B, C = "https://a.example/", "https://b.example/", "https://c.example/"
PLAIN = f"{B}\n{C}\n"


@pytest.mark.parametrize(
    "line",
    [
        f"{A} {B}",
        f"{A}\t{B}",
        f"{A}  \u00a0 {B}",
        f"{A},{B}",
        f"{A}, {B}",
        f"{A};{B}",
        f"{A}|{B}",
        f'"{A}","{B}"',
        f"<{A}> <{B}>",
        f"[a]({A}) [b]({B})",
        f"{A} and {B}",
        f"{A} www.b.com",
        f"{A} b.com",
        "https://a.example/x,https://b.example/y",
        "https://a.examplehttps://b.example/",
        "https://a.examplehttp:",
        "a.example,b.example",
        "a.com;b.com",
        "a.com b.com",
        "www.a.com, www.b.com",
    ],
)
def test_a_line_of_two_urls_is_told_and_never_glued(tmp_path: Path, line: str) -> None:
    read = got(tmp_path, f"{PLAIN}{line}\n")
    assert read.urls == [B, C]
    assert read.bad == [(3, SEVERAL)]
    assert read.lines == [line]
    assert read.told == ["urls.txt: one URL a line, 2 URLs, 1 unusable line"]


@pytest.mark.parametrize("separator", [",", ", ", ";", " ", "\t", "|", " | "])
def test_a_list_of_nothing_but_two_urls_a_line_is_told_too(tmp_path: Path, separator: str) -> None:
    lines = "".join(f"https://{n}.example/{separator}https://{n}.example/b\n" for n in range(5))
    read = got(tmp_path, f"{A}\n{lines}")
    assert read.urls == [A]
    assert [line for line, _ in read.bad] == [2, 3, 4, 5, 6]
    assert all(why.startswith(SEVERAL) for _, why in read.bad)


@pytest.mark.parametrize(
    "url",
    [
        "https://web.example/web/2020/https://b.example/",
        "https://a.example/?to=https://b.example/x",
        "https://a.example/login?next=//b.example/",
        "https://a.example/x,y?q=1",
        "https://a.example/article/0,1,2.html",
        "https://a.example/x;jsessionid=1?a;b",
        "https://a.example/;sid=1",
        "https://a.example/a|b",
        "https://a.example/a(b)",
        "https://a.example/what's-new",
        "https://a.example/#a,b",
        "https://[2001:db8::1]:8080/x",
        "[2001:db8::1]:8080",
        "127.0.0.1:80/x",
        "https://user:word@a.example/",
        "b\u00fccher.example/\u00fc",
    ],
)
def test_what_belongs_to_a_url_stays(tmp_path: Path, url: str) -> None:
    read = got(tmp_path, f"{PLAIN}{url}\n{PLAIN}")
    assert (len(read.urls), read.bad) == (5, [])
    before, _, alone = url.partition("/?to")
    assert got(tmp_path, f"{url}\n", column="0").urls == [read.urls[2]]
    assert before
    assert alone is not None


def test_a_blank_within_a_url_is_its_own_unless_text_stands_behind_it(tmp_path: Path) -> None:
    read = got(tmp_path, f"{PLAIN}https://a.example/my file.pdf\n{A} the site of A\nhttps://a.example/x, of A\n")
    assert read.urls == [B, C, "https://a.example/my%20file.pdf"]
    assert [line for line, _ in read.bad] == [4, 5]
    assert {why for _, why in read.bad} == {BEHIND}


@pytest.mark.parametrize("end", [",", ";", ", ", " ,", ",,", "|", "\t", ' "', "\r"])
def test_what_hangs_on_at_the_end_of_a_line_is_dropped(tmp_path: Path, end: str) -> None:
    for lines in (f"{A}{end}\n{PLAIN}", f"{A}{end}\n{B}{end}\n{C}{end}\n", f"{PLAIN}{A}{end}\n"):
        read = got(tmp_path, lines)
        assert (sorted(read.urls), read.bad) == ([A, B, C], [])


@pytest.mark.parametrize(
    "char", [char for char in EDGES if char not in "\n\r\0"], ids=lambda char: f"U+{ord(char):04X}"
)
def test_what_nobody_sees_at_an_end_is_dropped(tmp_path: Path, char: str) -> None:
    for text in ("https://a.example/x", "a.example/x"):
        read = got(tmp_path, f"{B}\n{char}{text}{char}\n{char}{char}{C}\n")
        assert (read.urls, read.bad) == ([B, "https://a.example/x", C], [])


@pytest.mark.parametrize(
    "line",
    [
        f"<{A}>", f'"{A}"', f"'{A}'", f"\u201c{A}\u201d", f"\u00ab{A}\u00bb", f"`{A}`", f"({A})", f'"{A}",', f"'{A}',",
        f"<URL:{A}>", f'="{A}"', f"'{A}", f"[A, the first]({A})", f'[A]({A} "of A")', f"[A](<{A}>)", f"- {A}",
        f"* [A]({A})", f"1. {A}", f"2) [A]({A})", f"- [x] [A]({A})", f"[1]: {A}", f"![A]({A})", f"[A [b]]({A})",
        f'=HYPERLINK("{A}","A")', f'=hyperlink("{A}";"A, b")', f'"=HYPERLINK(""{A}"",""A"")"', f'=HYPERLINK("{A}")',
        f" <{A}> ", f"\u200b\"{A}\"\u200b,", f"\"\u00a0{A} \"", f"\ufeff{A}",
    ],
)  # fmt: skip
def test_what_is_wrapped_around_a_url_is_taken_off(tmp_path: Path, line: str) -> None:
    for lines in (f"{line}\n", f"{PLAIN}{line}\n", f"{line}\n{line}\n{line}\n", f"{line}\n{PLAIN}"):
        read = got(tmp_path, lines)
        assert (set(read.urls) - {B, C}, read.bad) == ({A}, [])


@pytest.mark.parametrize(
    "torn", ["[a[b]", "'", "(", "1. ", "URL:", "[x](", '"', "<", "=HYPERLINK(", ",", "a,", "www.", "- "]
)
def test_no_line_takes_quadratic_time(tmp_path: Path, torn: str) -> None:
    line = torn * (100_000 // len(torn))
    read = got(tmp_path, f"{A}\n{line}\n{line}{B}\n{C}\n" * 10)
    assert read.urls[-1] == C
    assert len(read.urls) >= 20


def test_brackets_of_a_url_stay_within_those_of_markdown(tmp_path: Path) -> None:
    read = got(tmp_path, "[A](https://a.example/x_(y))\n[B](https://b.example/)\n")
    assert read.urls == ["https://a.example/x_(y)", B]


@pytest.mark.parametrize("header", ["URL", "urls", '"Url"', "Website URL", "\ufeffpage_url", "Links", "seeds"])
def test_a_header_is_no_bad_line(tmp_path: Path, header: str) -> None:
    assert got(tmp_path, f"{header}\n{PLAIN}")[:2] == ([B, C], [])


def test_words_that_are_no_header_are_told(tmp_path: Path) -> None:
    for number, lines in ((1, f"not a seed\n{PLAIN}"), (3, f"{PLAIN}url\n"), (1, f"Our partners\n{PLAIN}")):
        assert got(tmp_path, lines).bad == [(number, "neither a URL nor a host name")]


@pytest.mark.parametrize(
    "lines",
    [
        [f"https://www.paper.example/article/0,{n},45.html" for n in range(50)],
        [f"https://www.paper.example/a{n},nId,{n}" for n in range(50)],
        [f"https://www.paper.example/a{n};jsessionid={n}" for n in range(50)],
        [f"https://{n}.example/a,b?c=d" for n in range(50)],
        [f"https://{n}.example/0,1,{n}.html" for n in range(50)],
        [f"https://www.paper.example/a{n}" for n in range(50)] + [f"https://{n}.example/a,{n}" for n in range(12)],
        [f"https://www.paper.example/a|{n}" for n in range(50)],
        [f"https://www.paper.example/{n} of 50.pdf" for n in range(50)],
    ],
    ids=["news", "words", "sessions", "queries", "hosts", "some", "bars", "blanks"],
)
def test_a_plain_list_of_urls_with_commas_is_not_cut(tmp_path: Path, lines: list[str]) -> None:
    for order in (lines, lines[::-1]):
        read = got(tmp_path, "".join(f"{line}\n" for line in order))
        assert read.urls == [line.replace(" ", "%20") for line in order]
        assert read.told == [f"urls.txt: one URL a line, {len(lines)} URLs"]


def test_columns_in_some_lines_of_a_list_are_cut_or_told(tmp_path: Path) -> None:
    """They are too few for a table, but no path begins with a comma."""
    read = got(
        tmp_path, f"{PLAIN}{A},NLD,City\nhttps://d.example;Title\ne.example,x\nhttps://f.example/x,NLD,The City\n"
    )
    assert read.urls == [B, C, A, "https://d.example/", "https://e.example/"]
    assert read.bad == [(6, BEHIND)]
