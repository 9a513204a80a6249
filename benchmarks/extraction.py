"""How well the main text of pages is found, on public sets that you fetch yourself, and what it costs: `extraction`.

`--articles DIR`: a clone of scrapinghub/article-extraction-benchmark (181 news pages, MIT). Told as its own F1:
shingles of four words, each page the same weight. `--documentation DIR`: a folder of HTML documentation, such as that
of Debian's python3-doc; told as the share of its code blocks and paragraphs that are kept.

`--metadata DIR`: a clone of adbar/trafilatura (titles, authors, dates). `--dates DIR`: a clone of adbar/htmldate, whose
own figure stands beside ours if it is installed. `--structured DIR`: a clone of scrapinghub/extruct, whose samples are
compared with what it expects. `--checked DIR`: a folder that holds those clones and unpacked packages of Debian, for
the pages that were read by hand.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

import turbohtml

from benchmarks.extraction_checked import tell_checked
from benchmarks.extraction_facts import tell_dates, tell_metadata, tell_structured
from benchmarks.machine import describe
from benchmarks.pages import prose
from crawler.parse.main_text import find_main
from crawler.parse.markdown import render

WORD = re.compile(r"\w+")
SHINGLE = 4
MOST_DOCUMENTS = 60
LONGEST = 300_000
SHORTEST_PARAGRAPH = 20
FENCE = re.compile(r"^( *)(`{3,})[^`\n]*\n(.*?)^\1\2$", re.DOTALL | re.MULTILINE)

Extract = Callable[[turbohtml.Document], str]


def main() -> int:
    asked = _parser().parse_args()
    print(describe(sys.executable))
    if asked.articles:
        for name, extract in _QUALITIES[: 1 if find_spec("trafilatura") is None else 2]:
            precision, recall = _score_articles(asked.articles, extract)
            f1 = 2 * precision * recall / (precision + recall)
            print(f"articles, {name}: F1 {f1:.3f}, precision {precision:.3f}, recall {recall:.3f}")
    if asked.documentation:
        told = "documentation: kept {:.3f} of {} code blocks, {:.3f} exact in markdown, {:.3f} of {} paragraphs"
        print(told.format(*_score_documentation(asked.documentation)))
    for folder, tell in (
        (asked.metadata, tell_metadata),
        (asked.dates, tell_dates),
        (asked.structured, tell_structured),
        (asked.checked, tell_checked),
    ):
        if folder:
            tell(folder)
    _tell_costs()
    return 0


def text(document: turbohtml.Document) -> str:
    main_part = find_main(document)
    return main_part.element.to_text() if main_part else ""


def markdown(document: turbohtml.Document) -> str:
    main_part = find_main(document)
    return render(main_part.element, "https://example.org/") if main_part else ""


def best_text(document: turbohtml.Document) -> str:
    from crawler.parse.best_text import find_best

    found = find_best(document) or find_main(document)
    return found.text if found else ""


_QUALITIES = (("fast", text), ("best", best_text))


def _score_articles(folder: Path, extract: Extract) -> tuple[float, float]:
    """Returns precision and recall, as the benchmark's own script computes them."""
    wanted = json.loads((folder / "ground-truth.json").read_bytes())
    precisions, recalls = [], []
    for name, page in wanted.items():
        body = gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())
        true, found = _shingles(page["articleBody"]), _shingles(extract(turbohtml.parse(body)))
        both = (true & found).total()
        if found:
            precisions.append(both / found.total())
        if true:
            recalls.append(both / true.total())
    return fmean(precisions), fmean(recalls)


def _shingles(words: str) -> Counter[tuple[str, ...]]:
    tokens = WORD.findall(words)
    return Counter(tuple(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1)) if tokens)


def _score_documentation(folder: Path) -> tuple[float, int, float, float, int]:
    """Returns the share of code blocks that are kept, their number, the share that is exact, and both of paragraphs."""
    blocks = exact = paragraphs = kept_blocks = kept_paragraphs = 0
    for body in _documents(folder):
        document = turbohtml.parse(body)
        code = [one.text for one in document.find_all("pre")]
        said = [one.text for one in document.find_all("p") if len(one.text) > SHORTEST_PARAGRAPH]
        whole, fences = _squeeze(text(document)), set(_fences(markdown(document)))
        blocks, paragraphs = blocks + len(code), paragraphs + len(said)
        kept_blocks += sum(_squeeze(one) in whole for one in code)
        kept_paragraphs += sum(_squeeze(one) in whole for one in said)
        exact += sum(one.strip("\n") in fences for one in code)
    return kept_blocks / blocks, blocks, exact / blocks, kept_paragraphs / paragraphs, paragraphs


def _documents(folder: Path) -> Iterable[bytes]:
    files = sorted(file for file in folder.rglob("*.html") if file.stat().st_size < LONGEST)
    random.Random(7).shuffle(files)
    return [file.read_bytes() for file in files[:MOST_DOCUMENTS]]


def _fences(written: str) -> Iterable[str]:
    """Yields the code of each fenced block; in a list, without the indent of its item."""
    for indent, _, code in FENCE.findall(written):
        yield "\n".join(line.removeprefix(indent) for line in code.split("\n")).strip("\n")


def _squeeze(words: str) -> str:
    return "".join(words.split())


def _tell_costs() -> None:
    pages = [turbohtml.parse(_page(number)) for number in range(60)]
    for name, extract in (
        ("text", text),
        ("markdown", markdown),
        *_QUALITIES[2 if find_spec("trafilatura") is None else 1 :],
    ):
        print(f"{name} of a page of 40 kB: {min(_cost(extract, pages) for _ in range(5)):.2f} ms")


def _page(number: int) -> str:
    written = prose(random.Random(number), 28_000)
    links = "".join(f'<li class="item-{n}"><a href="/p/{n}">Item {n} of the list</a>' for n in range(64))
    paragraphs = "".join(f"<p class=text>{written[i : i + 400]}</p>" for i in range(0, len(written), 400))
    return (
        f"<body><nav><ul>{links}</ul></nav><div class=page><div class=story>{paragraphs}</div>"
        f"<div class=related-links>{links}</div></div><footer>Imprint</footer>"
    )


def _cost(extract: Extract, pages: Sequence[turbohtml.Document]) -> float:
    began = time.process_time()
    for page in pages:
        extract(page)
    return (time.process_time() - began) / len(pages) * 1000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks extraction", description=__doc__)
    parser.add_argument("--articles", type=Path, metavar="DIR")
    parser.add_argument("--documentation", type=Path, metavar="DIR")
    for name in ("--metadata", "--dates", "--structured", "--checked"):
        parser.add_argument(name, type=Path, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
