"""How well titles, authors, dates and structured data are read, on public sets: a part of `extraction`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zlib import crc32

import turbohtml

from crawler.parse import embedded, metadata
from crawler.parse.plain import last

_SETS = ("test_set", "cache", "eval")
"""Folders of a clone in which its pages stand, the first that has one counts."""
_DAY = re.compile(r"\d{4}-(?:0\d|1[0-2])-[0-3]\d")
_SIGNS = str.maketrans({**dict.fromkeys("‘’‚`´", "'"), **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("–—‐‑", "-")})
_BETWEEN = re.compile(r"\s*(?:[;,/&]|\b(?:and|und|et|y|e)\b)\s*")
_BASES = {
    "microdata.7.1": "http://blog.example.com/progress-report",
    "microdata.object": "http://www.example.com/microdata/",
}
"""Addresses that extruct's tests give its samples."""

Facts = dict[str, Any]


def tell_metadata(folder: Path) -> None:
    """Prints how many titles, authors and dates of a clone of adbar/trafilatura are found, its halves apart."""
    wanted = json.loads((folder / "tests" / "evaldata.json").read_bytes())
    halves: list[Counter[str]] = [Counter(), Counter()]
    for url, page in wanted.items():
        if any(page.get(name) for name in ("title", "author", "date")):
            halves[crc32(url.encode()) & 1] += _judge(page, _read(folder, page["file"], url))
    for name, found in (("half looked at", halves[0]), ("half held out", halves[1]), ("all", halves[0] + halves[1])):
        told = [
            f"{what} {found[what] / found[f'all {kind}']:.3f}"
            for kind, what in (("titles", "titles"), ("titles", "titles to the letter"), ("authors", "authors"),
                               ("authors", "authors to the letter"), ("dates", "dates"))
        ]  # fmt: skip
        of = ", ".join(f"{found[f'all {kind}']} {kind}" for kind in ("titles", "authors", "dates"))
        print(f"metadata, {name} ({of}): {', '.join(told)}")


def _judge(page: Facts, found: Facts) -> Counter[str]:
    """Returns which facts of a page are right; names are compared as sets, without capitals and kinds of signs."""
    right: Counter[str] = Counter()
    if title := page.get("title"):
        said = found["title"] or ""
        right["all titles"] = 1
        right["titles"] = fold(said) == fold(title)
        right["titles to the letter"] = " ".join(said.split()) == " ".join(title.split())
    if author := page.get("author"):
        right["all authors"] = 1
        right["authors"] = names(author) == names(found["authors"])
        right["authors to the letter"] = "; ".join(found["authors"]) == "; ".join(_as_list(author))
    if _DAY.fullmatch(page.get("date") or ""):
        right["all dates"] = 1
        right["dates"] = (found["published"] or "")[:10] == page["date"]
    return right


def fold(text: str) -> str:
    """Returns a text in small letters, with one kind of quotation marks, of dashes and of blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_SIGNS).casefold().split())


def names(author: str | list[str]) -> set[str]:
    return {name for one in _as_list(author) for name in _BETWEEN.split(fold(one)) if name}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def tell_dates(folder: Path) -> None:
    """Prints how many dates of a clone of adbar/htmldate are found, by us and by htmldate if that is installed."""
    for file in sorted((folder / "tests").glob("eval_*.json")):
        wanted = {url: page for url, page in json.loads(file.read_bytes()).items() if _DAY.fullmatch(str(page["date"]))}
        ours = theirs = 0
        for url, page in wanted.items():
            ours += (_read(folder, page["file"], url)["published"] or "")[:10] == page["date"]
            theirs += _find_theirs(_body(folder, page["file"])) == page["date"]
        beside = f", htmldate {theirs / len(wanted):.3f}" if find_spec("htmldate") else ""
        print(f"dates of {file.stem} ({len(wanted)}): {ours / len(wanted):.3f}{beside}")


def _find_theirs(body: bytes) -> str:
    if find_spec("htmldate") is None:
        return ""
    from htmldate import find_date

    return find_date(body.decode("utf-8", "replace"), original_date=True, extensive_search=True) or ""


def _read(folder: Path, name: str, url: str) -> Facts:
    document = turbohtml.parse(_body(folder, name))
    return metadata.read(document, embedded.read(document, url), url, "")


def _body(folder: Path, name: str) -> bytes:
    return next(file for one in _SETS if (file := folder / "tests" / one / name).is_file()).read_bytes()


# -- structured data ---------------------------------------------------------------------------------------------------


def tell_structured(folder: Path) -> None:
    """Prints how many samples of a clone of scrapinghub/extruct give what it expects, and lists the others."""
    same, differing = Counter[str](), list[str]()
    for kind, name, wanted, found in _samples(folder / "tests" / "samples"):
        same[f"{kind} of all"] += 1
        same[kind] += wanted == found
        if wanted != found:
            differing.append(f"{name} ({kind})")
    for kind in ("jsonld", "microdata", "opengraph", "RDFa Lite", "other RDFa"):
        print(f"structured data, {kind}: {same[kind]} of {same[f'{kind} of all']} samples as extruct reads them")
    print("  different: " + (", ".join(differing) or "none"))


def _samples(folder: Path) -> Iterator[tuple[str, str, object, object]]:
    """Yields the kind of data, the name of a sample, the data that extruct expects and the data that we read."""
    for page in sorted(folder.rglob("*.html")):
        kinds = embedded.read(turbohtml.parse(page.read_bytes()), _BASES.get(page.stem, "")).kinds
        for kind, wanted in _expected(page):
            ours = kinds.get("rdfa" if "RDFa" in kind else kind)
            yield kind, page.stem, _plain(kind, wanted), _plain(kind, ours, is_ours=True)


def _expected(page: Path) -> Iterator[tuple[str, object]]:
    known = {"json-ld": "jsonld", "microdata": "microdata", "opengraph": "opengraph"}
    for ending in (".jsonld", ".json", ".expanded.json"):
        file = page.with_name(page.stem + ending)
        said = json.loads(file.read_bytes()) if file.is_file() else None
        if isinstance(said, dict) and set(said) & set(known):
            yield from [(known[name], data) for name, data in said.items() if name in known]
        elif said is not None and ending == ".expanded.json":
            yield "RDFa Lite" if "rdfalite" in page.stem else "other RDFa", said
        elif isinstance(said, list):
            kind = _tell_kind(ending, said)
            yield from [(kind, said)] if kind else []


def _tell_kind(ending: str, said: list[Any]) -> str:
    """Returns the kind of data that a file has; empty: one that we do not read, as microformats are."""
    if ending == ".jsonld":
        return "jsonld"
    if all("namespace" in one for one in said):
        return "opengraph"
    types = [str(kind) for one in said for kind in _as_list(one.get("type") or [])]
    return (
        "microdata" if all("properties" in one for one in said) and not any(t.startswith("h-") for t in types) else ""
    )


def _plain(kind: str, data: object, *, is_ours: bool = False) -> object:
    """Returns data in one form, in which both ways to write the same are equal."""
    if kind == "opengraph":
        pairs = (
            data.items()
            if isinstance(data, dict)
            else [p for one in _as_list(data) for p in (one or {}).get("properties", ())]
        )
        return {name: _squeeze(value[0] if isinstance(value, list) else value) for name, value in reversed([*pairs])}
    if "RDFa" in kind:
        return sorted(_triples(data if isinstance(data, list) else [data]))
    if kind == "microdata" and not is_ours:
        return _squeeze([_item(one) for one in _as_list(data)])
    items = data.get("items", data) if isinstance(data, dict) else data
    return _squeeze([one for block in _as_list(items) for one in _as_list(block)] if items else [])


def _item(said: Any) -> Any:
    """Returns an item of extruct's microdata as JSON-LD writes it."""
    if not isinstance(said, dict):
        return said
    types = [last(one) for kind in _as_list(said.get("type") or []) for one in kind.split()]
    head = {"@type": types[0] if len(types) == 1 else types} if types else {}
    head |= {"@id": said["id"]} if said.get("id") else {}
    values = {last(name): [_item(one) for one in _as_list(value)] for name, value in said.get("properties", {}).items()}
    return head | {name: value[0] if len(value) == 1 else value for name, value in values.items()}


def _triples(items: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Yields the properties of all items of RDFa with their values."""
    for item in items:
        for name, values in item.items() if isinstance(item, dict) else ():
            for value in _as_list(values) if not name.startswith("@") and "usesVocabulary" not in name else ():
                if isinstance(value, dict) and not {"@value", "@id"} & set(value):
                    yield from _triples([value])
                else:
                    said = value.get("@value", value.get("@id")) if isinstance(value, dict) else value
                    yield last(name), str(_squeeze(said))
                    yield from _triples([value]) if isinstance(value, dict) else ()


def _squeeze(value: Any) -> Any:
    """Returns a value with single blanks, in which an item without properties is an empty text."""
    match value:
        case str():
            return " ".join(value.split())
        case list():
            return [_squeeze(one) for one in value]
        case dict():
            return {name: _squeeze(one) for name, one in value.items()} or ""
    return value
