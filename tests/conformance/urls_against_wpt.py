"""Counts how many of the web platform's own URL tests we pass: `python tests/conformance/urls_against_wpt.py FILE...`

FILE is one of `urltestdata.json`, `toascii.json`, `IdnaTestV2.json` from web-platform-tests, url/resources. Each case
is asked twice: to the letter of the standard (`absolute`), and as the crawl uses it (`parse`: without fragment and
credentials, and refused where it is neither http nor https). Prints what differs; exits with 1 if anything does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from crawler import urls
from crawler.errors import UrlError

ENDING = ":/?#\\"
"""What ends a host: within one under test it is percent-encoded, as the suite does."""


class Case(NamedTuple):
    text: str
    base: str | None
    href: str
    """Empty: a failure."""

    @property
    def is_ours(self) -> bool:
        """Whether http or https has a part in it."""
        return any(text.strip().lower().startswith("http") for text in (self.text, self.base or "", self.href))

    @property
    def is_overruled(self) -> bool:
        """Whether it refuses an ASCII host for its Punycode, as the standard did until June 2026."""
        return not self.href and self.text.isascii() and "xn--" in self.text.lower()


def main(paths: list[str]) -> int:
    failed = 0
    for path in paths:
        found = [case for case in cases(Path(path)) if not case.is_overruled]
        for name, chosen in (("http and https", [case for case in found if case.is_ours]), ("all", found)):
            wrong = [case for case in chosen if not is_right(case)]
            print(f"{path}: {name}: {len(chosen) - len(wrong)}/{len(chosen)}")
        for case in wrong:
            print(f"  {case}: {urls.resolve_absolute(case.text, case.base)!r}, {used(case)!r}")
        failed += len(wrong)
    return 1 if failed else 0


def cases(path: Path) -> Iterator[Case]:
    """Those of one file; comments are skipped, and hosts that cannot stand in a URL."""
    for case in json.loads(path.read_text()):
        if isinstance(case, dict) and (case["input"] or "output" not in case):
            yield _case(case)


def _case(case: dict[str, Any]) -> Case:
    if "output" not in case:
        return Case(case["input"], case.get("base"), case.get("href") or "")
    host = "".join(f"%{ord(char):02X}" if char in ENDING else char for char in case["input"])
    return Case(f"https://{host}/x", None, f"https://{case['output']}/x" if case["output"] else "")


def is_right(case: Case) -> bool:
    return urls.resolve_absolute(case.text, case.base) == case.href and used(case) == _wanted(case)


def used(case: Case) -> str:
    """What the crawl makes of it; empty where it refuses."""
    if case.base is not None:
        return urls.make_resolver(case.base)(case.text) if urls.resolve_absolute(case.base) else ""
    try:
        return urls.parse(case.text).text
    except UrlError:
        return ""


def _wanted(case: Case) -> str:
    if not case.href.startswith(("http://", "https://")):
        return ""
    scheme, _, rest = case.href.partition("#")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
