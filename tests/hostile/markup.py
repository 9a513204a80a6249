"""HTML made to hurt: parsers, charsets, refreshes and bases."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.answers import answers, makes, page
from tests.hostile.behaviour import FETCHED, SCANNED, Behaviour, Family, hostile
from tests.hostile.inputs import MARKUP, SMALL
from tests.hostile.line import Asked

_KIND = "Content-Type: text/html{}\r\n"
_TOO_MUCH = frozenset(
    {
        "500,000 links out of scope",
        "1,000,000 comments",
        "5 MB of <",
        "5 MB of <!--",
        "5 MB of </",
        "5 MB of <?",
        "5 MB of <!",
        "5 MB of &",
        "5 MB of quotes",
        "1,000,000 </p>",
        "1,000,000 <p>",
        "1,000,000 <br>",
        "entities nobody knows",
        "a script of 15 MB without end",
        "a title of 10 MB",
        "a million different words",
        "one word of 5 MB",
    }
)
"""Whose tree would be too large: a linear scan reads them. All others are read whole."""
_EITHER = "3,000,000 entities"
"""At the very edge of what a worker may take: what it read before decides."""


_QUICK = frozenset(
    {
        *SMALL,
        "100,000 attributes",
        "100,000 nested elements",
        "50,000 misnested formats",
        "20,000 nested tables",
        "100,000 words fostered by a table",
        "50,000 nested svg",
        "50,000 nested templates",
        "50,000 nested selects",
        "anchors in formats",
        "data URIs of a megabyte",
        "NULs",
        "CDATA without end",
        "a textarea without end",
        "plain text without end",
        "100,000 titles",
        "a language of a megabyte",
        "a canonical link of a megabyte",
        "relations of a megabyte",
        "right-to-left overrides",
        "100,000 bases",
        "a srcset of a megabyte",
    }
)
"""One of each kind, for the suite."""


def _document(name: str, make: Callable[[], str | bytes]) -> Behaviour:
    """The input, with the name in it, so that no two pages are duplicates."""

    def answer() -> bytes:
        body = make()
        return page((body.encode() if isinstance(body, str) else body) + f"<!-- {name} -->".encode())

    expected = (FETCHED, SCANNED) if name == _EITHER else (SCANNED if name in _TOO_MUCH else FETCHED,)
    return hostile(name, makes(answer), *expected, is_quick=name in _QUICK)


def _page(name: str, body: str | bytes, *expected: str, charset: str = "", most_records: int = 1) -> Behaviour:
    data = body.encode() if isinstance(body, str) else body
    kind = _KIND.format(f"; charset={charset}" if charset else "").encode("latin-1")
    honest = answers(lambda asked: page(data if asked.path == "/" else b"<p>" + asked.path.encode(), kind=kind))
    return hostile(name, honest, *(expected or (FETCHED,)), most_records=most_records)


def _refreshing(asked: Asked) -> bytes:
    """Each page leads to the next, without end."""
    step = int(asked.path.rpartition("/")[2] or 0)
    return page(f"<meta http-equiv=refresh content='0;url=/r/{min(step + 1, 3000)}'><p>please wait")


_TEXT = "<title>Lies</title><p>größer</p><a href='//127.66.254.5/'>out</a>"

FAMILY = Family(
    "HTML",
    (
        *[_document(name, make) for name, make in {**MARKUP, **SMALL}.items()],
        _page("ASCII that says UTF-16", _TEXT + "1", charset="utf-16"),
        _page("UTF-16 that says UTF-8", (_TEXT + "2").encode("utf-16"), charset="utf-8"),
        _page("UTF-16 without its last byte", (_TEXT + "3").encode("utf-16")[:-1]),
        _page("UTF-32", (_TEXT + "4").encode("utf-32")),
        _page("UTF-7", "<meta charset=utf-7>+ADw-script+AD4-" + _TEXT + "5"),
        _page("an unknown charset", _TEXT + "6", charset="quantum"),
        _page("a charset of 50 kB", _TEXT + "7", charset="x" * 50000),
        _page("a charset with control characters", _TEXT + "8", FETCHED, charset="\x01\x1b[2J"),
        _page("the replacement encoding", _TEXT + "9", charset="iso-2022-kr"),
        _page("ISO-2022-JP escapes", b"\x1b$B" * 50000 + b"\x1b(B<title>x</title>", charset="iso-2022-jp"),
        _page("invalid UTF-8", b"<title>\xff\xfe\xc0\x80\xed\xa0\x80</title>" + b"\xf8" * 50000, charset="utf-8"),
        _page("half a character at the end", b"<title>half</title>\xe2\x82"),
        _page("a refresh to itself", "<meta http-equiv=refresh content='0'>again"),
        _page("a refresh to a script", "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>s"),
        _page("a refresh to a private place", "<meta http-equiv=refresh content='0;url=http://169.254.169.254/'>p"),
        _page("a base of data", "<base href='data:text/html,x'><a href=y>data base</a>", most_records=2),
        _page("a base of script", "<base href='javascript:x'><a href=y>script base</a>", most_records=2),
        _page("a base in a file", "<base href='file:///etc/'><a href=passwd>file base</a>", most_records=2),
        _page("a base elsewhere", "<base href='http://10.0.0.1/'><a href=y>base elsewhere</a>"),
        _page("a canonical elsewhere", "<link rel=canonical href='http://127.66.254.6/'>poison"),
        hostile("refreshes without end", answers(_refreshing), FETCHED, path="/r/0", most_records=1600, is_quick=False),
    ),
)
