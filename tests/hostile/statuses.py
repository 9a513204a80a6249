"""Statuses abused: errors without end, and Retry-After that would have us wait for ever."""

from __future__ import annotations

from tests.hostile.answers import END, by_visit, floods, page, says, titled
from tests.hostile.behaviour import FETCHED, LARGE, Behaviour, Family, hostile

CLIENT = "failed/status-4xx"
LIMITED = "failed/rate-limited"
SERVER = "failed/status-5xx"


def _status(status: str, *expected: str, retry_after: str | None = None) -> Behaviour:
    told = () if retry_after is None else (b"Retry-After: " + retry_after.encode("latin-1") + END,)
    name = f"status {status}" if retry_after is None else f"{status} and Retry-After: {retry_after[:40]!a}"
    return hostile(name, says(page(titled(status), *told, status=status.encode())), *expected)


_WAITS = ("0", "-1", "999999999999", "9" * 400, "1e9", "0.5", "soon", "", "0x10", "Thu, 01 Jan 1970 00:00:00 GMT",
          "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 99 Zzz 99999 99:99:99 GMT", "1, 2, 3", "\xb2")  # fmt: skip

FAMILY = Family(
    "statuses",
    (
        *[
            _status(f"{code} Told", CLIENT)
            for code in (
                400,
                401,
                402,
                403,
                404,
                405,
                406,
                407,
                408,
                409,
                410,
                412,
                414,
                416,
                418,
                421,
                425,
                426,
                428,
                431,
                444,
                451,
                499,
            )
        ],
        *[
            _status(f"{code} Told", SERVER)
            for code in (500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 530, 599)
        ],
        _status("429 Too Many Requests", LIMITED),
        *[_status("429 Slow Down", LIMITED, retry_after=text) for text in _WAITS],
        *[_status("503 Away", SERVER, retry_after=text) for text in _WAITS[:4]],
        hostile(
            "401 with a challenge of 50 kB",
            says(
                page(
                    titled("401"),
                    b"WWW-Authenticate: Basic realm=" + b"r" * 50000 + b"\r\n",
                    status=b"401 Unauthorized",
                )
            ),
            CLIENT,
            "failed/status-4xx",
        ),
        hostile("404 with a body without end", floods(b"HTTP/1.1 404 Not Found\r\n\r\n", b"more " * 13000), LARGE),
        hostile(
            "503 twice, then a page",
            by_visit(*[says(page("", status=b"503 Wait"))] * 2, says(page(titled("Back")))),
            FETCHED,
            is_quick=False,
        ),
    ),
)
