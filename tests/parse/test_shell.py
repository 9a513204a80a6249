# ruff: noqa: E501 - lines of other languages
"""Which pages are shells that scripts fill: those of the common frameworks are, and pages that servers made are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.model import Page, Url
from crawler.parse import Document, parse
from tests.defaults import make_job

WORDS = " ".join(["word"] * 90)
MANUAL = Path("/usr/share/doc/python3.11/html")
SHELLS = {
    "Vite": """<!doctype html><html lang="en"><head><meta charset="UTF-8" /><link rel="icon" type="image/svg+xml" href="/vite.svg" />
      <meta name="viewport" content="width=device-width, initial-scale=1.0" /><title>Vite + React</title>
      <script type="module" crossorigin src="/assets/index-C2a2b3d4.js"></script>
      <link rel="stylesheet" crossorigin href="/assets/index-D8b4DHJx.css"></head><body><div id="root"></div></body></html>""",
    "Create React App": """<!doctype html><html lang="en"><head><meta charset="utf-8"/><title>React App</title>
      <script defer="defer" src="/static/js/main.2f0c4d5c.js"></script></head><body>
      <noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div></body></html>""",
    "Angular": """<!doctype html><html lang="en" data-beasties-container><head><meta charset="utf-8"><title>Shop</title>
      <base href="/"><link rel="stylesheet" href="styles-5INURTSO.css"></head><body><app-root></app-root>
      <link rel="modulepreload" href="chunk-X.js"><script src="polyfills-B6TNHZQ6.js" type="module"></script>
      <script src="main-3MVDWIFN.js" type="module"></script></body></html>""",
    "Nuxt": """<!DOCTYPE html><html><head><meta charset="utf-8"><script type="module" src="/_nuxt/B1.js" crossorigin></script></head>
      <body><div id="__nuxt"></div><div id="teleports"></div><script type="application/json" data-nuxt-data="nuxt-app"
      data-ssr="false" id="__NUXT_DATA__">[{"serverRendered":1},false]</script></body></html>""",
    "Next": """<!DOCTYPE html><html><head><meta charSet="utf-8"/><script defer="" nomodule="" src="/_next/static/chunks/polyfills.js"></script>
      <script src="/_next/static/chunks/main-1a.js" defer=""></script></head><body><div id="__next"></div>
      <script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{}},"page":"/","nextExport":true}</script></body></html>""",
    "Svelte": """<!doctype html><html><head><title>app</title></head><body><div style="display: contents"><script>{
      __sveltekit_1 = {base: ""}; Promise.all([import("/_app/start.js")]) }</script></div>
      <script type="module" src="/_app/immutable/entry/start.js"></script></body></html>""",
}  # fmt: skip


class Everything:
    """Bounds within which every link lies."""

    def sieve(self, anchor: Url, depth: int, page: Url | None = None):  # type: ignore[no-untyped-def]
        return lambda text: 0

    def reaches(self, anchor: Url):  # type: ignore[no-untyped-def]
        return lambda text: True

    sieve_beyond = reaches

    def place(self, text: str) -> str:
        return ""


def read(html: str | bytes, looks_for: str = "auto") -> Page:
    body = html.encode() if isinstance(html, str) else html
    document = Document(Url("http://a.test/x"), body, "text/html; charset=utf-8", looks_for=looks_for)
    return parse(document, make_job(b"k" * 8, b"r", Everything()))


@pytest.mark.parametrize("name", SHELLS)
def test_the_shells_of_common_frameworks_need_rendering(name: str) -> None:
    assert read(SHELLS[name]).needs_rendering in ("empty-mount", "few-words")


@pytest.mark.parametrize(
    ("html", "why"),
    [
        (f"<p>{WORDS}</p><script src=x.js></script>", ""),
        ("<p>few words</p>", ""),
        ("<p>few words</p><script>console.log(1)</script>", ""),
        ("<p>few words</p><script src=x.js></script>", "few-words"),
        (f"<p>{WORDS[:200]}</p><script src=x.js></script>", ""),
        (f"<p>{WORDS[:200]}</p><script type=module src=x.js></script>", "few-words"),
        (f"<body><noscript>Enable JavaScript</noscript><p>{WORDS[:200]}</p><script src=x.js></script>", "few-words"),
        (f"<p>{WORDS}</p><div id=app> <!-- here --> <noscript>none</noscript></div><script>1</script>", "empty-mount"),
        (f"<p>{WORDS}</p><div id=app>made by the server</div><script src=x.js></script>", ""),
        (f"<body><noscript><p>{WORDS}</p></noscript><script src=x.js></script>", "few-words"),
        (f"<svg><text>{WORDS}</text></svg><script src=x.js></script>", "few-words"),
        ("<p>" + "\u4e2d\u6587" * 100 + "</p><script src=x.js></script>", ""),
    ],
)  # fmt: skip
def test_few_words_with_scripts_or_an_empty_place_need_rendering(html: str, why: str) -> None:
    assert read(html).needs_rendering == why


def test_a_page_is_not_looked_at_unless_somebody_asks() -> None:
    page = read(SHELLS["Vite"], "")
    assert (page.needs_rendering, page.n_words) == ("", 0)
    assert read(f"<p>{WORDS}</p>", "always").needs_rendering == "asked"


def test_links_of_a_shell_are_not_reported_before_it_is_rendered() -> None:
    shell = "<div id=root></div><script src=x.js></script><a href=/a>a</a>"
    assert read(shell).needs_rendering
    assert read(shell, "").news.split() == ["http://a.test/a"], "its first reading has not taken them"


@pytest.mark.long
def test_pages_that_a_server_made_are_not_rendered() -> None:
    pages = sorted(MANUAL.rglob("*.html"))
    if not pages:
        pytest.skip("there is no manual of Python: install python3.11-doc to try the rule on its pages")
    rendered = [page.name for page in pages if read(page.read_bytes()).needs_rendering]
    assert len(rendered) <= len(pages) / 100, rendered
