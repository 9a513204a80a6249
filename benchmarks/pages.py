"""A site that is the same every time: its addresses, its titles and its HTML follow from the seed alone."""

import html
import json
import math
import posixpath
import random
from collections.abc import Iterator
from dataclasses import dataclass

SECTIONS = (
    "news",
    "guides",
    "reference",
    "people",
    "events",
    "projects",
    "press",
    "library",
    "maps",
    "shop",
    "help",
    "about",
)
TOPICS = 20
LINKS_A_PAGE = 60
MEDIAN_BYTES, SPREAD, SMALLEST, LARGEST = 30_000, 0.5, 10_000, 80_000  # log-normal, as measured page sizes are
MODERN = 7.0  # times as many bytes: 240 kB on average
ROBOTS = b"User-agent: *\nDisallow: /private/\nDisallow: /*?print=\nAllow: /\n"
STYLE = "/assets/site.css?v=12"
FORBIDDEN = "/private/account"  # linked from every page, so that a crawler which ignores robots.txt is seen


@dataclass(frozen=True, slots=True)
class Plan:
    """What a site is made of. Two equal plans are the same bytes."""

    pages: int = 2000
    hosts: int = 1
    port: int = 80
    seed: int = 7
    is_packed: bool = False
    """Pages are served as gzip, as most of the web is."""
    is_modern: bool = False
    """Nearer to today's web: HTTPS, hosts with names, eight times the bytes, of which half are scripts."""


@dataclass(frozen=True, slots=True)
class Place:
    """One page before it is written: where it is, and the title it will carry."""

    index: int
    host: str
    target: str
    """Path and query, as a browser would send them: already in canonical form."""
    title: str
    scheme: str = "http"

    def url(self, port: int) -> str:
        return f"{self.scheme}://{self.host}:{port}{self.target}"


def lay_out(plan: Plan) -> list[Place]:
    """Every page of the site, the one at `/` first."""
    words = _vocabulary(random.Random(plan.seed))
    return [_place(index, plan, words) for index in range(plan.pages)]


def write(plan: Plan, places: list[Place]) -> Iterator[tuple[Place, bytes]]:
    """The HTML of each place; every page is reachable from the first."""
    rng = random.Random(plan.seed + 1)
    words = _vocabulary(random.Random(plan.seed))
    paragraphs = [_paragraph(rng, words) for _ in range(600)]
    for place in places:
        yield place, _page(place, places, plan, rng, paragraphs).encode()


def prose(rng: random.Random, size: int) -> str:
    """Paragraphs of inline HTML, `size` bytes of them and a little more."""
    words, texts, room = _vocabulary(rng), list[str](), size
    while room > 0:
        texts.append(f"<p>{_paragraph(rng, words)}</p>\n")
        room -= len(texts[-1].encode())
    return "".join(texts)


def _place(index: int, plan: Plan, words: list[str]) -> Place:
    rng = random.Random(plan.seed * 1_000_003 + index)
    section = SECTIONS[(index - 1) % len(SECTIONS)]
    if index == 0:
        target = "/"
    elif index <= len(SECTIONS):
        target = f"/{section}/"
    elif index % 10 == 3:
        target = f"/archive/{section}/?page={index}"  # one parameter: wget2 1.99 takes `&amp;` in an address for itself
    else:
        target = (
            f"/{section}/topic-{index // len(SECTIONS) % TOPICS}/{rng.choice(words)}-{rng.choice(words)}-{index}.html"
        )
    title = f"{rng.choice(words).title()} & {rng.choice(words)}, «page {index}»"
    if plan.is_modern:
        return Place(index, f"h{index % plan.hosts}.bench.test", target, title, "https")
    return Place(index, f"127.0.0.{1 + index % plan.hosts}", target, title)


def _page(place: Place, places: list[Place], plan: Plan, rng: random.Random, paragraphs: list[str]) -> str:
    size = min(max(rng.lognormvariate(math.log(MEDIAN_BYTES), SPREAD), SMALLEST), LARGEST)
    port, script = plan.port, ""
    if plan.is_modern:
        size *= MODERN
        script = _script(int(size / 2), rng, paragraphs)
    head, foot = _head(place, places, port) + script, _foot(place, places, port)
    anchors = [_anchor(place, other, port, rng) for other in _neighbours(place, places, rng)]
    room = size - len(head) - len(foot) - sum(map(len, anchors))
    texts = []
    while room > 0:
        texts.append(rng.choice(paragraphs))
        room -= len(texts[-1]) + 60
    return head + _article(texts, anchors) + foot


def _script(size: int, rng: random.Random, paragraphs: list[str]) -> str:
    """The state of a page as today's sites hand it to their scripts."""
    entries, room = [], size
    while room > 0:
        entry = {"id": rng.getrandbits(48), "kind": "card", "body": rng.choice(paragraphs), "score": rng.random()}
        entries.append(json.dumps(entry).replace("<", "\\u003c"))
        room -= len(entries[-1])
    return f'<script type="application/json" id="state">[{",".join(entries)}]</script>\n'


def _neighbours(place: Place, places: list[Place], rng: random.Random) -> list[Place]:
    """A page's children in a tree of four branches (so that all can be reached), then others by chance."""
    children = range(4 * place.index + 1, min(4 * place.index + 5, len(places)))
    chance = LINKS_A_PAGE - len(SECTIONS) - 10 - len(children) + rng.randint(-6, 6)
    return [places[i] for i in children] + [rng.choice(places) for _ in range(chance)]


def _head(place: Place, places: list[Place], port: int) -> str:
    title = html.escape(place.title)
    sections = (places[i] for i in range(min(len(SECTIONS) + 1, len(places))))
    menu = "\n".join(
        f'      <li class="menu-item"><a class="menu" href="{_root_href(place, other, port)}">{name.title()}</a></li>'
        for other, name in zip(sections, ("home", *SECTIONS), strict=False)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{title}</title>
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="description" content="What there is to say about {title}, at some length.">
  <link rel="stylesheet" href="{STYLE}">
  <script>window.site = {{"page": {place.index}, "beacon": "off", "tags": ["a", "b", "<b>not markup</b>"]}};</script>
</head>
<body class="page page-{place.index}" data-page="{place.index}">
  <header class="site-header" role="banner">
    <nav class="menu" aria-label="Main">
      <ul class="menu-list">
{menu}
      </ul>
    </nav>
    <h1 class="headline">{title}</h1>
  </header>
  <main id="content" class="content" role="main">
"""


def _article(texts: list[str], anchors: list[str]) -> str:
    """Paragraphs with the links spread evenly over them, the rest of the links in a list."""
    blocks = []
    share = max(1, math.ceil(len(anchors) * 0.7 / max(1, len(texts))))
    for number, text in enumerate(texts):
        here, anchors = anchors[:share], anchors[share:]
        blocks.append(
            f'    <section class="part" id="part-{number}">\n    <p>{text} See {", ".join(here)}.</p>\n    </section>\n'
        )
    items = "".join(f'      <li class="related-item">{anchor}</li>\n' for anchor in anchors)
    return "".join(blocks) + f'    <aside class="related">\n    <ul>\n{items}    </ul>\n    </aside>\n'


def _foot(place: Place, places: list[Place], port: int) -> str:
    often = places[len(SECTIONS) + 1 : len(SECTIONS) + 9]
    links = " · ".join(
        f'<a rel="bookmark" href="{html.escape(other.url(port))}">{html.escape(other.title)}</a>' for other in often
    )
    return f"""  </main>
  <footer class="site-footer" role="contentinfo">
    <p class="often">{links} · <a href="{FORBIDDEN}">Your account</a></p>
    <p class="small">&copy; the site of {len(places)} pages &mdash; made to be crawled</p>
  </footer>
</body>
</html>
"""


def _anchor(place: Place, other: Place, port: int, rng: random.Random) -> str:
    fragment = rng.choice(("#content", "#part-1")) if rng.random() < 0.05 else ""
    href = html.escape(_href(place, other, port, rng) + fragment)
    return f'<a class="ref" href="{href}" title="more on this">{html.escape(other.title)}</a>'


def _href(place: Place, other: Place, port: int, rng: random.Random) -> str:
    """One of the ways authors write an address: absolute, from the root, relative with `../`, or a bare query."""
    chance = rng.random()
    if place.host != other.host or chance < 0.2:
        return other.url(port)
    if chance < 0.4:
        return other.target
    return _relative(place.target.partition("?")[0], other.target)


def _relative(base: str, target: str) -> str:
    path, mark, query = target.partition("?")
    if mark and path == base:
        return mark + query
    relative = posixpath.relpath(path, posixpath.dirname(base))
    return relative + ("/" if path.endswith("/") else "") + mark + query


def _root_href(place: Place, other: Place, port: int) -> str:
    return other.target if other.host == place.host else other.url(port)


def _vocabulary(rng: random.Random) -> list[str]:
    syllables = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "er", "ol", "in")]
    return sorted({"".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(3000)})


def _paragraph(rng: random.Random, words: list[str]) -> str:
    sentences = []
    for _ in range(rng.randint(5, 9)):
        text = rng.choices(words, k=rng.randint(8, 22))
        text[rng.randrange(len(text))] = rng.choice(
            ("<em>café</em>", "<strong>so</strong>", "&amp;", "<code>x &lt; y</code>", "naïve", "“so”")
        )
        sentences.append(" ".join(text).capitalize() + ".")
    return " ".join(sentences)
