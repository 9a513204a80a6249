"""WARC records as readers of others see them."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from pathlib import Path

import pytest

from crawler.model import Heads, Request, Response, Url
from crawler.warc.records import (
    IDENTICAL,
    NOT_MODIFIED,
    Algorithm,
    Record,
    Referred,
    digest,
    make_exchange,
    make_fields,
    make_metadata,
    make_request,
    make_response,
    make_revisit,
    make_warcinfo,
)

from .judges import Seen, judge

URL = Url("https://example.org/a?b=c")
HEAD = b"HTTP/1.1 200 OK  x\r\nSeRVer:  y \r\nX: \xe4\r\ntransfer-ENCODING : chunked\r\nX-Transfer-Encoding: no\r\n\r\n"
ASKED = b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nCookie: a=1\r\nAuthorization: Basic eDp5\r\n\r\n"
BODY = b"<p>" + bytes(range(256)) * 300
DATE = "2026-11-30T13:50:04.250Z"


def response(head: bytes = HEAD, body: bytes = BODY, asked: bytes = ASKED, **more: object) -> Response:
    heads = Heads(asked, head, (b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n",))
    started = {"ip": "192.0.2.1", "started_at": 1796046604.25, "heads": heads} | more
    return Response(URL, 200, ((b"Server", b"y"),), body, **started)  # type: ignore[arg-type]


def written(path: Path, *records: Record) -> list[Seen]:
    file = path / "x.warc.gz"
    file.write_bytes(b"".join(record.member for record in records))
    return judge(file)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_response_has_its_head_as_it_came_but_for_the_one_field_that_is_untrue(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    exchange = make_exchange(response())
    (seen,) = written(tmp_path, make_response(exchange, digest(algorithm, BODY), algorithm))
    head = HEAD.replace(b"transfer-ENCODING", b"X-Crawl-Transfer-Encoding")
    assert (seen.kind, seen.block, seen.payload) == ("response", head + BODY, BODY)
    assert seen.fields["warc-target-uri"] == URL.text
    assert seen.fields["warc-date"] == DATE
    assert seen.fields["warc-ip-address"] == "192.0.2.1"
    assert seen.fields["warc-protocol"] == "http/1.1"
    assert "warc-cipher-suite" not in seen.fields
    assert seen.fields["content-type"] == "application/http; msgtype=response"
    assert "warc-truncated" not in seen.fields


def test_what_is_known_of_tls_is_told(tmp_path: Path) -> None:
    exchange = make_exchange(response(cipher="TLSv1.3 TLS_AES_256_GCM_SHA384"))
    (seen,) = written(tmp_path, make_response(exchange, digest("sha1", BODY), "sha1"))
    assert [value for name, value in seen.all if name == "WARC-Protocol"] == ["http/1.1", "tls/1.3"]
    assert seen.fields["warc-cipher-suite"] == "TLS_AES_256_GCM_SHA384"


def test_digests_are_written_as_other_tools_write_them() -> None:
    assert digest("sha1", b"a", b"b") == f"sha1:{b32encode(hashlib.sha1(b'ab').digest()).decode()}"
    assert digest("sha256", b"a", b"b") == f"sha256:{hashlib.sha256(b'ab').hexdigest()}"


def test_the_request_belongs_to_its_response_and_keeps_no_secrets_unless_asked(tmp_path: Path) -> None:
    exchange = make_exchange(response())
    answer = make_response(exchange, digest("sha1", BODY), "sha1")
    seen = written(tmp_path, answer, make_request(exchange, answer.id, "sha1"))[1]
    assert seen.kind == "request"
    assert seen.fields["warc-concurrent-to"] == answer.id
    assert seen.block == ASKED.replace(b"a=1", b"(not kept)").replace(b"Basic eDp5", b"(not kept)")
    assert make_exchange(response(), keeps_secrets=True).request_head == ASKED


def test_a_request_through_a_proxy_is_kept_as_the_server_gets_it() -> None:
    asked = b"GET http://example.org:81/a HTTP/1.1\r\nHost: example.org\r\nproxy-authorization: x\r\nFrom: me\r\n\r\n"
    kept = make_exchange(response(asked=asked), keeps_secrets=True).request_head
    assert kept == b"GET /a HTTP/1.1\r\nHost: example.org\r\nFrom: me\r\n\r\n"


def test_the_body_of_a_request_is_kept(tmp_path: Path) -> None:
    exchange = make_exchange(response(), Request(URL, method="POST", body=b"q=1"))
    (seen,) = written(tmp_path, make_request(exchange, "<urn:uuid:1>", "sha1"))
    assert seen.payload == b"q=1"
    assert seen.fields["warc-payload-digest"] == digest("sha1", b"q=1")


def test_a_copy_refers_to_the_first_capture_and_has_its_own_head(tmp_path: Path) -> None:
    first = Referred("https://example.org/first", "2026-11-30T13:00:00.000Z", digest("sha1", BODY))
    exchange = make_exchange(response())
    (seen,) = written(tmp_path, make_revisit(exchange, IDENTICAL, first, first.payload_digest, "sha1"))
    assert (seen.kind, seen.block) == ("revisit", exchange.head)
    assert seen.fields["warc-profile"] == IDENTICAL
    assert seen.fields["warc-refers-to-target-uri"] == first.url
    assert seen.fields["warc-refers-to-date"] == first.date
    assert seen.fields["warc-payload-digest"] == first.payload_digest


def test_an_answer_that_nothing_changed_is_a_revisit_though_nobody_knows_of_what(tmp_path: Path) -> None:
    exchange = make_exchange(response(b"HTTP/1.1 304 Not Modified\r\n\r\n", b""))
    (seen,) = written(tmp_path, make_revisit(exchange, NOT_MODIFIED, None, "", "sha1"))
    assert seen.fields["warc-profile"] == NOT_MODIFIED
    assert not {"warc-payload-digest", "warc-refers-to-date", "warc-refers-to-target-uri"} & set(seen.fields)


def test_metadata_has_one_line_for_each_field_and_the_heads_of_interim_answers(tmp_path: Path) -> None:
    said = [("via", "https://example.org/"), ("reason", ""), ("detail", "a\r\nvia: b\x00c")]
    (seen,) = written(tmp_path, make_metadata(make_exchange(response()), "<urn:uuid:1>", make_fields(said), "sha1"))
    assert seen.fields["warc-concurrent-to"] == "<urn:uuid:1>"
    assert seen.fields["content-type"] == "application/warc-fields"
    assert seen.block.decode() == (
        "via: https://example.org/\r\ndetail: a  via: b c\r\ninterim: HTTP/1.1 103 Early Hints\r\n Link: </s.css>\r\n"
    )


def test_no_value_ends_its_line(tmp_path: Path) -> None:
    assert make_fields([("a", "b\nc: d\re\u2028f")]) == b"a: b c: d e f\r\n"
    exchange = make_exchange(response(ip="1\r\nWARC-Type: x", truncated="length"))
    (seen,) = written(tmp_path, make_response(exchange, digest("sha1", BODY), "sha1"))
    assert seen.kind == "response"
    assert seen.fields["warc-ip-address"] == "1  WARC-Type: x"
    assert seen.fields["warc-truncated"] == "length"


def test_the_first_record_says_what_made_the_file(tmp_path: Path) -> None:
    said = [("software", "crawld/0.1.0"), ("robots", "obey"), ("operator", "")]
    (seen,) = written(tmp_path, make_warcinfo("x.warc.gz", DATE, said))
    assert (seen.kind, seen.fields["warc-filename"]) == ("warcinfo", "x.warc.gz")
    assert seen.block == (
        b"software: crawld/0.1.0\r\nrobots: obey\r\nformat: WARC File Format 1.1\r\nconformsTo: "
        b"http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
    )


def test_an_answer_of_a_fetcher_that_tells_no_heads_gets_one_of_its_fields(tmp_path: Path) -> None:
    told = Response.decoded(URL, 404, {"X-A": "1"}, b"gone")
    exchange = make_exchange(told)
    assert exchange.request_head == b""
    (seen,) = written(tmp_path, make_response(exchange, digest("sha1", b"gone"), "sha1"))
    assert seen.block == b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 4\r\n\r\ngone"


def test_a_large_body_is_packed_in_pieces(tmp_path: Path) -> None:
    body = bytes(3 << 20) + b"end"
    exchange = make_exchange(response(body=body))
    (seen,) = written(tmp_path, make_response(exchange, digest("sha1", body), "sha1"))
    assert seen.payload == body
