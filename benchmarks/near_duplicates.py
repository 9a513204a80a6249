"""How many near duplicates are found, by the way in which they differ, and how many pages wrongly: `near_duplicates`.

Real pages that you fetch yourself are altered, parsed as a crawl does it, and looked for in an index of the originals.
`--articles DIR`: a clone of scrapinghub/article-extraction-benchmark. `--documentation DIR`: a folder of HTML files,
such as Debian's python3-doc. Both repeatable. Pages with fewer than 150 words are left out; those that repeat an
earlier one of the set are not altered. Ends with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from benchmarks.machine import describe
from crawler import urls
from crawler.assembly import parts
from crawler.near_duplicates import Index, Text
from crawler.parse import Document, ParseJob, parse
from crawler.parse.sketch import similarity, sketch
from crawler.settings import Config

SEED = 7
MOST_PAGES = 170
LEAST_WORDS = 150
LARGEST = 400_000
RECALL, FALSE = 0.9, 0.003
CONFIG = Config(near_duplicates="mark")
LEAST = CONFIG.dedupe.near_similarity

_TEXT = re.compile(r">([^<>]*[^<>\s][^<>]*)<")
_SILENT = re.compile(r"<(script|style|noscript|template|title)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
_BOX = re.compile(r"</?(div|section|article|aside|ul|ol|table|td|form|main|nav|header|footer|body|dl)\b", re.IGNORECASE)
_PARAGRAPH = re.compile(r"(<p\b[^>]*>)(.*?)(?=</p>|<p\b)", re.IGNORECASE | re.DOTALL)

Alter = Callable[["Html", random.Random, Sequence[str]], str]


class Html(NamedTuple):
    """A page as text."""

    text: str

    def spans(self) -> list[tuple[int, int]]:
        """Returns where the text that people read stands in its body."""
        start = max(self.text.lower().find("<body"), 0)
        silent = sorted(one.span() for one in _SILENT.finditer(self.text))
        begins = [begin for begin, _ in silent]
        found = [one.span(1) for one in _TEXT.finditer(self.text, start)]
        return [(a, b) for a, b in found if not (at := bisect_right(begins, a)) or silent[at - 1][1] <= a]

    def change(self, alter: Callable[[str], str]) -> str:
        """Returns the page with its texts altered, in their order."""
        parts, at = [], 0
        for a, b in self.spans():
            parts += [self.text[at:a], alter(self.text[a:b])]
            at = b
        return "".join([*parts, self.text[at:]])

    def put(self, places: Sequence[int], added: Callable[[], str]) -> str:
        """Returns the page with something added at these places."""
        text = self.text
        for place in sorted(places, reverse=True):
            text = text[:place] + added() + text[place:]
        return text

    @property
    def top(self) -> int:
        """The place behind its `<body>`."""
        found = re.search(r"<body[^>]*>", self.text, re.IGNORECASE)
        return found.end() if found else 0


# -- the ways in which pages differ ------------------------------------------------------------------------------------


def one_word_in(number: int) -> Alter:
    def alter(page: Html, rng: random.Random, words: Sequence[str]) -> str:
        def other(found: re.Match[str]) -> str:
            return rng.choice(words) if rng.random() * number < 1 else found[0]

        return page.change(lambda text: _WORD.sub(other, text))

    return alter


def text_on_top(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    return page.put([page.top], lambda: f"<p>{_prose(300, rng, words)}</p>")


def a_fifth_cut_off(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    left = sum(b - a for a, b in page.spans()) // 5

    def cut(text: str) -> str:
        nonlocal left
        gone = min(left, len(text))
        left -= gone
        return f" {text[gone:]}"

    return page.change(cut)


def paragraphs_reordered(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    """Of the paragraphs that follow each other, the second half stands before the first half."""
    text, runs = page.text, list[list[re.Match[str]]]()
    for one in _PARAGRAPH.finditer(text):
        if runs and not _BOX.search(text, runs[-1][-1].end(), one.start()):
            runs[-1].append(one)
        else:
            runs.append([one])
    turned: dict[int, str] = {}
    for run in runs:
        half = len(run) // 2
        turned |= {one.start(): other[2] for one, other in zip(run, [*run[half:], *run[:half]], strict=True)}
    return _PARAGRAPH.sub(lambda one: one[1] + turned[one.start()], text)


def digits_changed(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    return page.change(lambda text: re.sub(r"(?<![#\d])\d", lambda _: str(rng.randrange(10)), text))


def comments_added(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    """Five comments, together a fifth of its text."""
    each = max(60, sum(b - a for a, b in page.spans()) // 25)
    end = page.text.lower().rfind("</body")
    written = (f"<div class=post><b>{rng.choice(words)}</b><p>{_prose(each, rng, words)}</p></div>" for _ in range(5))
    return page.put([end if end > 0 else len(page.text)], lambda: "".join(written))


def advertised(page: Html, rng: random.Random, words: Sequence[str]) -> str:
    """Three advertisements of 100 characters between its paragraphs."""
    places = [one.start() for one in _PARAGRAPH.finditer(page.text)] or [page.top]
    chosen = rng.sample(places, min(3, len(places)))
    return page.put(chosen, lambda: f'<div class="teaser"><a href="/x">{_prose(100, rng, words)}</a></div>')


WAYS: dict[str, Alter] = {
    "one word in 100": one_word_in(100),
    "one word in 20": one_word_in(20),
    "one word in 7": one_word_in(7),
    "300 characters on top": text_on_top,
    "first fifth cut off": a_fifth_cut_off,
    "halves swapped": paragraphs_reordered,
    "digits changed": digits_changed,
    "comments added": comments_added,
    "advertisements": advertised,
}


def _prose(length: int, rng: random.Random, words: Sequence[str]) -> str:
    text = ""
    while len(text) < length:
        text += f"{rng.choice(words)} "
    return text


# -- judging -----------------------------------------------------------------------------------------------------------


def main() -> int:
    asked = _parser().parse_args()
    print(describe(sys.executable))
    sets = [(f"articles ({folder.name})", list(_articles(folder))) for folder in asked.articles]
    sets += [(f"documentation ({folder.name})", list(_documents(folder))) for folder in asked.documentation]
    jobs = [_job(text=False), _job(text=True)]
    missed = [name for name, bodies in sets for job in jobs if not _judge(name, bodies, job)]
    return 1 if missed else 0


def _judge(name: str, bodies: Sequence[bytes], job: ParseJob) -> bool:
    """Prints how one set came out; returns whether both goals are reached."""
    pages = _choose(bodies)
    rng = random.Random(SEED)
    words = [word for page in rng.sample(pages, min(60, len(pages))) for word in _WORD.findall(_words(page, job))]
    known = [_sketch(page, number, job) for number, page in enumerate(pages)]
    print(f"\n{name}, {len(pages)} pages, compared by {'their main text' if job.wants_text else 'all their words'}")
    is_reached = True
    with closing(Index(None, LEAST, is_synced=False)) as index:
        firsts = index.add([Text(str(number), made) for number, made in enumerate(known)])
        expected = [number for number, first in enumerate(firsts) if known[number] and not first]
        for way, alter in WAYS.items():
            altered = (_sketch(Html(alter(Html(pages[at]), rng, words)).text, at, job) for at in expected)
            found = [_is_found(index, made, known[at]) for at, made in zip(expected, altered, strict=True)]
            recall = sum(found) / len(found)
            is_reached &= recall >= RECALL
            print(f"  {way:<24} {recall:.3f} found")
    pairs = [similarity(one, other) >= LEAST for one, other in combinations(filter(None, known), 2)]
    print(f"  {'pairs of the originals':<24} {sum(pairs) / len(pairs):.3%} called near ({sum(pairs)} of {len(pairs)})")
    _tell_cost(pages, job)
    return is_reached and sum(pairs) <= FALSE * len(pairs)


def _is_found(index: Index, made: bytes, original: bytes) -> bool:
    """Whether the index names the original of an altered page, or one that is nearer. It learns nothing from that."""
    nearest = index.find(Text("altered", made)) if made else None
    return nearest is not None and similarity(nearest.sketch, made) >= similarity(original, made)


def _choose(bodies: Sequence[bytes]) -> list[str]:
    pages = [body.decode("utf-8", "replace") for body in bodies if len(body) <= LARGEST]
    long = [page for page in pages if len(_words(page, _job(text=False)).split()) >= LEAST_WORDS]
    random.Random(SEED).shuffle(long)
    return long[:MOST_PAGES]


def _sketch(page: str, number: int, job: ParseJob) -> bytes:
    url = urls.parse(f"http://h.example/{number}")
    document = Document(url, page.encode("utf-8", "replace"), "text/html;charset=utf-8")
    return parse(document, job).sketch


def _words(page: str, job: ParseJob) -> str:
    from crawler.parse import html

    return html.read(page.encode("utf-8", "replace"), "utf-8", "http://h.example/", job).words


def _job(*, text: bool) -> ParseJob:
    return replace(parts.job(CONFIG, parts.scope(CONFIG), b"benchmark"), wants_text=text)


def _tell_cost(pages: Sequence[str], job: ParseJob) -> None:
    texts = [_words(page, job) for page in pages[:100]]
    began = time.process_time()
    for text in texts:
        sketch(text, b"\2")
    spent, size = time.process_time() - began, sum(map(len, texts))
    figures = f"{spent / len(texts) * 1000:.2f} ms a page of {size / len(texts):,.0f} characters"
    print(f"  {'a sketch of all words':<24} {figures}")


def _articles(folder: Path) -> Iterator[bytes]:
    for file in sorted((folder / "html").glob("*.html.gz")):
        yield gzip.decompress(file.read_bytes())


def _documents(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.rglob("*.html")):
        yield file.read_bytes()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks near_duplicates", description=__doc__)
    parser.add_argument("--articles", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--documentation", type=Path, action="append", default=[], metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
