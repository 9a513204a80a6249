"""Markdown of pages: each kind of element as GitHub's flavour writes it."""

from __future__ import annotations

import pytest
import turbohtml

from crawler.parse.markdown import render

BASE = "https://example.org/guide/"


def markdown(markup: str) -> str:
    body = turbohtml.parse(markup).select_one("body")
    assert body is not None
    return render(body, BASE)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<h1>One</h1><h3>Three</h3>", "# One\n\n### Three"),
        ('<h2>Title<a class=headerlink href="#title">¶</a></h2>', "## Title"),
        ('<h2><a href="#title">#</a>Title</h2>', "## Title"),
        ('<h2><a href="/about">About</a></h2>', "## [About](https://example.org/about)"),
        ("<ul><li>a<li>b<ol><li>c</ol></ul>", "- a\n- b\n  1. c"),
        ("<p>a <b>bold</b> and <i>slanted</i> word", "a **bold** and *slanted* word"),
        ('<a href="next?a=1&amp;b=2">next</a>', "[next](https://example.org/guide/next?a=1&b=2)"),
        ('<img src="/map.png" alt="A map">', "![A map](https://example.org/map.png)"),
        ('<a href="javascript:go()">Go</a>', "Go"),
        ('<p>x <img src="data:image/png;base64,AAAA" alt="dot"> y', "x dot y"),
        ("<blockquote><p>Said</p></blockquote>", "> Said"),
        ("<p>a|b * c", "a|b \\* c"),
        ("<table><tr><th>A<th>B<tr><td>1<td>2</table>", "| A | B |\n| --- | --- |\n| 1 | 2 |"),
        ("<table><tr><th colspan=2>A<tr><td>1<td>2</table>", "| A |  |\n| --- | --- |\n| 1 | 2 |"),
        ("<table><tr><th rowspan=2>A<th>B<tr><td>3</table>", "| A | B |\n| --- | --- |\n|  | 3 |"),
    ],
)  # fmt: skip
def test_elements_become_markdown(markup: str, expected: str) -> None:
    assert markdown(markup) == expected


CODE = "def f():\n\n    return `1`  "


@pytest.mark.parametrize(
    ("markup", "language"),
    [
        ("<pre>{}</pre>", ""),
        ("<pre><code class=language-python>{}</code></pre>", "python"),
        ("<pre class='lang-c++'>{}</pre>", "c++"),
        ("<div class='highlight-python3 notranslate'><div><pre><span></span>{}</pre></div></div>", "python3"),
        ("<div class='highlight highlight-source-shell'><pre>{}</pre></div>", "shell"),
        ("<div class='highlight-default notranslate'><div class=highlight><pre>{}</pre></div></div>", ""),
        ("<pre class='brush: js'>{}</pre>", "js"),
    ],
)  # fmt: skip
def test_code_stays_exact_and_names_its_language(markup: str, language: str) -> None:
    assert markdown(markup.format(CODE)) == f"```{language}\n{CODE}\n```"


def test_code_with_fences_gets_a_longer_fence() -> None:
    assert markdown("<pre>```\nx\n```</pre>") == "````\n```\nx\n```\n````"


def test_wide_and_high_cells_cannot_blow_a_page_up() -> None:
    huge = "<tr>" + "<td rowspan=9999 colspan=1000>x" * 30
    assert len(markdown(f"<table>{huge * 30}</table>")) < 200_000
