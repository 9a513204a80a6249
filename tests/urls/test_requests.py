"""Requests that programs give: made whole at the door, or refused with a reason."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from crawler.errors import RequestError, UrlError
from crawler.model import Request, Url
from crawler.urls import check_request
from crawler.urls.canonical import Policy

URL = "https://example.org/"


def test_a_text_is_enough_for_a_url() -> None:
    assert check_request(Request("HTTPS://Example.org")) == Request(Url(URL))
    assert check_request(
        Request(Url("https://example.org/?utm_source=a")), Policy(("utm_*",), False, False)
    ).url == Url(URL)
    with pytest.raises(UrlError, match="not a URL"):
        check_request(Request("example org"))


def test_what_is_sent_is_made_whole() -> None:
    given = Request(URL, method="post", headers={"X-Key": " a\tb "}, body=b"a=1", label="list", data={"n": (1,)})
    assert check_request(given) == Request(
        Url(URL), method="POST", headers=(("X-Key", "a\tb"),), body=b"a=1", label="list", data={"n": [1]}
    )
    assert check_request(Request(URL, method="get")).is_plain


def test_data_is_a_copy() -> None:
    mine: dict[str, object] = {"a": 1}
    checked = check_request(Request(URL, data=mine))
    mine["a"] = 2
    assert checked.data == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"method": "GE T"}, "no method"),
        ({"method": ""}, "no method"),
        ({"method": "CONNECT"}, "tunnel"),
        ({"method": "TRACE", "body": b"a"}, "no body"),
        ({"body": "text"}, "encode it"),
        ({"body": bytes(1 << 20)}, "262,144 are allowed"),
        ({"headers": {"A": "b\r\nC: d"}}, "one line"),
        ({"headers": {"A\n": "b"}}, "no name"),
        ({"headers": {"A": "\u20ac"}}, "latin-1"),
        ({"headers": {"A": 1}}, "one line"),
        ({"headers": {"content-length": "3"}}, "counts the body itself"),
        ({"headers": [("Transfer-Encoding", "chunked")]}, "frames the body itself"),
        ({"headers": {"Host": "b"}}, "follows from the URL"),
        ({"headers": ["A: b"]}, "pairs"),
        ({"headers": 5}, "pairs"),
        ({"headers": {"A": "b" * 20_000}}, "16,384"),
        ({"label": 5}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"label": "a" * 101}, "at most 100"),
        ({"data": [1]}, "not a dict"),
        ({"data": {1: 2}}, "text for keys"),
        ({"data": {"a": object()}}, "JSON"),
        ({"data": {"a": "b" * 20_000}}, "16,384 are allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_or_kept_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        check_request(Request(URL, **fields))


def test_a_subclass_is_refused_instead_of_losing_its_fields() -> None:
    class Mine(Request):
        pass

    with pytest.raises(RequestError, match="use `data=` instead"):
        check_request(Mine(Url(URL)))


def test_requests_differ_by_what_is_sent_and_not_by_what_the_program_notes() -> None:
    plain = Request(Url(URL))
    noted = Request(Url(URL), label="a", data={"b": 1})
    others = [
        Request(Url(URL), method="POST"),
        Request(Url(URL), method="HEAD"),
        Request(Url(URL), body=b"a"),
        Request(Url(URL), headers=(("A", "b"),)),
        Request(Url(URL), headers=(("A", "b"), ("A", "c"))),
        Request(Url(URL), headers=(("A", "c"), ("A", "b"))),
        Request(Url(URL), method="POST", body=b"a"),
        Request(Url(URL), method="POST", body=b"b"),
    ]
    assert plain.identity == noted.identity == URL
    assert len({request.identity for request in [plain, *others]}) == len(others) + 1
    spelt = Request(Url(URL), headers=(("C", "d"), ("a", "b"))), Request(Url(URL), headers=(("A", "b"), ("c", "d")))
    assert spelt[0].identity == spelt[1].identity


def test_methods_that_may_be_repeated() -> None:
    assert Request(Url(URL), method="PUT").may_repeat
    assert not Request(Url(URL), method="POST").may_repeat
    assert Request(Url(URL), method="POST", headers=(("idempotency-key", "7"),)).may_repeat


def test_a_request_crosses_to_workers_and_back() -> None:
    request = Request(Url(URL), method="POST", headers=(("A", "b"),), body=b"a", label="list", data={"n": 1})
    assert pickle.loads(pickle.dumps(request)) == request
