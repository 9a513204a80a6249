"""Counts how many cookie tests of the http-state working group we pass.

    python tests/conformance/cookies_against_http_state.py parser.json

FILE is `tests/data/parser.json` of abarth/http-state. Tests that it calls disabled are left out. Each is asked as its
server asks browsers: Set-Cookie fields come from /cookie-parser of home.example.org, then another page is requested.
Prints what differs; exits with 1 if anything does. The clock stands at 2012, for some cookies ended since.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from crawler import urls
from crawler.fetch.cookies import Cookies

HOME = "http://home.example.org:8888/"
NOW = 1_325_376_000.0
"""The first of January 2012."""


def main(path: str) -> int:
    cases = [case for case in json.loads(Path(path).read_text()) if not case["test"].lower().startswith("disabled")]
    wrong = [case for case in cases if ask(case) != wanted(case)]
    for case in wrong:
        print(f"{case['test']}: {case['received']} -> {ask(case)!r}, wanted {wanted(case)!r}")
    print(f"{len(cases) - len(wrong)}/{len(cases)}")
    return 1 if wrong else 0


def ask(case: dict[str, Any]) -> str:
    """Returns the Cookie field that we send."""
    home = urls.parse(f"{HOME}cookie-parser?{case['test'].lower()}")
    cookies = Cookies(clock=lambda: NOW)
    cookies.keep(home, case["received"])
    page = urls.parse(case.get("sent-to", "/cookie-parser-result"), home)
    return cookies.of(page).encode("latin-1").decode("utf-8", "replace")


def wanted(case: dict[str, Any]) -> str:
    return "; ".join(f"{one['name']}={one['value']}" if one["name"] else one["value"] for one in case["sent"])


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
