"""The best main text: what trafilatura finds, and markdown of the same part with exact code."""

from __future__ import annotations

import pytest
import turbohtml

from crawler.parse.markdown import render
from tests.parse.test_main_text import DOCS, PROSE, page, prose

pytest.importorskip("trafilatura", reason="the extra `extract` is not installed")

from crawler import urls
from crawler.parse import Document, parse
from crawler.parse.best_text import find_best
from tests.defaults import make_job, make_scope

RELATED = "<div class=box><p><a href=/1>Other news of the day that nobody asked for</a></p></div>"
ARTICLE = page(
    f"<article><h1>The frozen harbour</h1>{prose(4)}<pre><code class='language-python'>if cold:\n    stay()"
    f"</code></pre>{prose(2)}</article>{RELATED}<p style='display:none'>{PROSE}Hidden.</p>"
)


def test_text_and_markdown_have_the_article_and_nothing_beside_it() -> None:
    found = find_best(turbohtml.parse(ARTICLE))
    assert found is not None
    written = render(found.element, "http://h.example/")
    for text in (found.text, written):
        assert text.count(PROSE.strip()) >= 6
        assert "nobody asked" not in text
        assert "Hidden" not in text
        assert "Imprint" not in text
    assert "```python\nif cold:\n    stay()\n```" in written


def test_a_page_on_which_nothing_is_found_is_read_in_the_fast_way() -> None:
    job = make_job(b"k" * 16, b"run", make_scope(), wants_text=True, wants_markdown=True, quality="best")
    url = urls.parse("http://h.example/")
    short = parse(Document(url, page("<main><p>Closed on Mondays.</p></main>").encode(), "text/html"), job)
    assert (short.text, short.text_from) == ("Closed on Mondays.", "main")
    long = parse(Document(url, ARTICLE.encode(), "text/html"), job)
    assert long.text_from == "best"


def test_code_of_documentation_is_exact_in_markdown() -> None:
    found = find_best(turbohtml.parse(DOCS))
    assert found is not None
    written = render(found.element, "http://h.example/")
    assert all(f"```\ncall({number})\n  then()\n```" in written for number in range(12))


def test_deeply_nested_pages_are_pruned_in_linear_time() -> None:
    deep = page("<div>" * 3000 + "<span>" * 3000 + prose(2) + "</div>" * 3000)
    found = find_best(turbohtml.parse(deep))
    assert found is None or PROSE.strip() in found.text
