"""URLs that are made up of what is hard about them; both sides make keys of each."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator

from crawler.warc.surt import make_surt
from tests.archive_check.tools import Tools

COUNT = 20_000
ORACLE = "import sys\nfrom surt import surt\nfor line in sys.stdin: print(surt(line.rstrip('\\n')))"
HOSTS = (
    *("example.com", "WWW.a.b", "www3.x.org", "1.2.3.4", "[::1]", "a..b", ".a.", "\xfc.de", "www.www.com", "wwwx.com"),
    *("www1", "%65x.com", "a_b.c", "256", "x.com.", "WWW9.Y", "xn--bcher-kva.example"),
)
_SESSION = "0123456789ABCDEF0123456789abcdef"
PIECES = (
    *(
        "a",
        "B",
        "%41",
        "%2541",
        "%2f",
        "%3f",
        "%23",
        "%26",
        "/",
        "//",
        "/./",
        "/../",
        "..",
        ".",
        "?",
        "&",
        "=",
        "-",
        "+",
    ),
    *(
        " ",
        "\xe9",
        "%e9",
        "%C3%A9",
        "%zz",
        "%",
        "a=1",
        "b=2",
        "A=0",
        ";",
        "#",
        "~",
        "|",
        "[",
        "]",
        "'",
        '"',
        "*",
        ":",
        "@",
    ),
    *("&a=1", "&a-b=1", "&a", "&a.c", "&a=", "http://", "\\", "z-", "a-b=1", "x.aspx", "cfid=1&cftoken=2"),
    *(
        f"jsessionid={_SESSION}",
        f";jsessionid={_SESSION}",
        f"PHPSESSID={_SESSION}",
        f"sid={_SESSION}",
        f"&sid={_SESSION}&",
    ),
    *("ASPSESSIONIDABCDEFGH=ABCDEFGHIJKLMNOPQRSTUVWX", "/(S(0123456789abcdefghijklmn))/", "(0123456789abcdefghijklmn)"),
)


def compare(tools: Tools) -> tuple[str, list[str]]:
    """Returns how many URLs were compared, and those whose keys differ."""
    urls = list(_urls(random.Random(5)))
    python = tools.find("cdxj-indexer", "python")
    ran = subprocess.run([python, "-c", ORACLE], input="\n".join(urls), capture_output=True, text=True, check=True)
    keys = ran.stdout.splitlines()
    pairs = zip(urls, keys, strict=True)
    return f"{len(keys)} URLs", [f"{url}: {make_surt(url)}, not {key}" for url, key in pairs if make_surt(url) != key]


def _urls(chance: random.Random) -> Iterator[str]:
    for _ in range(COUNT):
        scheme, user = chance.choice(["http", "https", "HTTP"]), chance.choice(["", "", "u@", "u:p@"])
        port, mark = chance.choice(["", "", ":80", ":443", ":8080", ":"]), chance.choice(["/", "/", "/", "?"])
        rest = "".join(chance.choice(PIECES) for _ in range(chance.randrange(7)))
        yield f"{scheme}://{user}{chance.choice(HOSTS)}{port}{mark}{rest}"
