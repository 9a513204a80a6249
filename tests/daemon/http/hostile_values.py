"""What a client can send that is not as it should be, by the place where it stands."""

from __future__ import annotations

HUGE = 10**30
"""An integer beyond 64 bits."""
TEXTS = ("", "%", "%zz", "%00", "%ff%fe", "%ed%a0%80", "%2e%2e%2f%2e%2e", "%c2%85", "a" * 3000, "%F0%9F%92%A9" * 300)
"""As they stand in a URL: what is no escape, no UTF-8, half a character, a way out, too long."""
CURSORS: tuple[object, ...] = (
    [2**63 - 1],
    [2**64 - 1],
    [-1],
    [1.5],
    [True],
    [None],
    [[]],
    ["\x00"],
    ["x" * 300],
    [1, 2],
    *(
        [name, value]
        for name in ("history", "sites", "errors", "files", "templates", "schedules", "parked", "settings")
        for value in (-1, 2**63 - 1, True, None, "", "\x00", "x" * 300)
    ),
    [],
    {},
    "x",
    1,
)
NUMBERS = (str(HUGE), f"-{HUGE}", str(2**63), str(2**64), "1e400", "-1e400", "nan", "inf", "1_0", "٣", "0x10")
JSON_VALUES = (
    str(HUGE),
    f"-{HUGE}",
    str(2**63),
    str(-(2**63) - 1),
    "1e400",
    "-1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "-Infinity",
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"' + "x" * 300_000 + '"',
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "[" * 200 + "]" * 200,
    '{"a":' * 20 + "1" + "}" * 20,
    '{"a":' * 500 + "1" + "}" * 500,
    f"[{HUGE}]",
    '["\\ud800"]',
    "[null]",
    "[[]]",
    '{"\\ud800":"\\ud800"}',
    '{"a":"\\ud800"}',
    f'{{"scope.max_depth":{HUGE}}}',
    '{"delay_s":1e400}',
    '{"limit":1e308}',
    f'{{"limit":{2**63}}}',
    '{"headers":{"a":"\\ud800"}}',
    '{"exclude":["re:(\\ud800"]}',
    '{"":1}',
    '{"a":1,"a":2}',
    f'{{"politeness":{{"delay_s":{HUGE}}}}}',
)
BODIES = (
    b"",
    b"{",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b'{"seeds":["\xed\xa0\x80"]}',
    b'{"seeds":["\xff"]}',
    b"\x00",
    b'"x"',
    b"1e400",
    b"NaN",
    b'{"seeds":[],"seeds":[]}',
    b"{} {}",
    b"{}\x00",
)
HEADS = (
    b"Host: [",
    b"Host: [::1",
    b"Host: ]",
    b"Host: localhost:99999999",
    b"Host: \xff\xfe",
    b"Host: a\tb",
    b"X-Host: localhost",
    b"Host: localhost\r\nHost: evil.test",
    b"Host: localhost\r\nOrigin: http://[",
    b"Host: localhost\r\nOrigin: http://[::1",
    b"Host: localhost\r\nOrigin: \xff",
    b"Host: localhost\r\nOrigin: ",
    b"Host: localhost\r\nSec-Fetch-Site: \xff",
    "Host: localhost\r\nOrigin: http://\u2100".encode(),
)
TOKENS = (
    b"Bearer \xff\xfe",
    b"Bearer \xc3\xa4",
    b"\xff\xff \xff",
    b"Bearer \x00",
    b"Bearer",
    b"Bearer " + b"a" * 7000,
    b"Bearer a\tb",
    b"",
    b"Basic " + b"=" * 50,
)
FIELDS = (
    b"Last-Event-ID: " + b"9" * 40,
    b"Last-Event-ID: \xff",
    b"Last-Event-ID: -1",
    b"Last-Event-ID: 9223372036854775807",
    b"Idempotency-Key: \xff",
    b"Idempotency-Key: " + b"k" * 5000,
    b"Idempotency-Key: \xed\xa0\x80",
    b"Accept: \xff\xfe",
    b"Range: bytes=" + b"9" * 50 + b"-",
    b"Range: bytes=-" + b"9" * 50,
    b"Range: bytes=\xd9\xa3-",
    b"Range: lines=1-2",
    b"If-Modified-Since: \xff",
    b'If-None-Match: \xff"',
    b"If-Range: \xff",
    b"If-Modified-Since: Thu, 99 Jan 99999 99:99:99 GMT",
    b"Expect: 100-continue",
    b"Expect: a pony",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"Upgrade: h2c\r\nConnection: Upgrade",
    b"Cookie: \xff=\xff; =; ;;",
    b"Accept-Encoding: \xff, gzip;q=nan",
    b"Connection: \xff",
    b"X-Forwarded-For: [",
)
TYPES = (
    b"application/json; charset=utf-7",
    b"application/json; charset=\xff",
    b"application/json; charset=no-such",
    b"text/uri-list; charset=utf-16",
    b"text/plain; charset=no-such",
    b"\xff",
    b"/",
    b"",
    b"application/json, text/plain",
    b"multipart/form-data",
    b"application/x-www-form-urlencoded",
)
NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "a line without end": b"GET /" + b"a" * 60_000,
    "rubbish": b"\x00\xff" * 16_000 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.9": b"GET / HTTP/3.9\r\nHost: localhost\r\n\r\n",
    "many fields": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "a long field": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a target that is none": b"GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a field without a name": b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \x00\r\n\r\n",
    **{
        f"{name} in {place}": line.replace(b"*", byte)
        for name, byte in (("a NUL", b"\x00"), ("an escape", b"\x1b[2J"), ("a bell", b"\x07"), ("a return", b"\r"))
        for place, line in (
            ("a value", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a*b\r\n\r\n"),
            ("a name", b"GET / HTTP/1.1\r\nHost: localhost\r\nX*: a\r\n\r\n"),
            ("a host", b"GET / HTTP/1.1\r\nHost: local*host\r\n\r\n"),
            ("a target", b"GET /v1/*jobs HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("a method", b"G*T / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            ("a length", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2*\r\n\r\n{}"),
        )
    },
    **{
        f"the length {length}": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\n\r\n{}" % length.encode()
        for length in ("x", "-1", "+2", "0x2", "2, 3", "99999999999999999999", "")
    },
    "two other lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gopher\r\n\r\n{}",
}
