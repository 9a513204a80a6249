"""Queries go out in the document's encoding."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import urls
from crawler.parse.legacy import encode_hrefs
from tests.parse.test_charset import LABELS, read_charset
from tests.parse.test_html import read

SINGLE = [name for name in LABELS if name.startswith(("iso-8859", "windows-", "koi8-r", "ibm", "mac"))]


@pytest.mark.parametrize(
    ("charset", "href", "sent"),
    [
        ("windows-1252", "/é?é#é", "/é?%E9#é"),
        ("windows-1252", "é?a=ä&b=ö?ü", "é?a=%E4&b=%F6?%FC"),
        ("windows-1252", "?€Ж", "?%80%26%231046%3B"),
        ("windows-1252", "/é", "/é"),
        ("windows-1252", "#é?é", "#é?é"),
        ("koi8-r", "?Ж", "?%F6"),
        ("shift_jis", "?ソ", "?%83\\"),
        ("shift_jis", "?表示", "?%95\\%8E%A6"),
        ("gbk", "?é", "?%A8%A6"),
        ("gb18030", "?é€", "?%A8%A6%A2%E3"),
        ("gb18030", "?😀", "?%949%FC6"),
        ("big5", "?中", "?%A4%A4"),
        ("euc-jp", "?あ", "?%A4%A2"),
        ("euc-jp", "?é", "?%26%23233%3B"),
        ("euc-jp", "?ｱ", "?%8E%B1"),
        ("euc-jp", "?¥‾−", "?\\~%A1%DD"),
        ("shift_jis", "?¥‾−ｱ", "?\\~%81|%B1"),
        ("shift_jis", "?纊", "?%FA\\"),
        ("big5", "?€═十", "?%A3%E1%F9%F9%A4Q"),
        ("gbk", "?€😀", "?%80%26%23128512%3B"),
        ("euc-kr", "?한", "?%C7%D1"),
        ("iso-2022-jp", "?あ", "?%1B$B$%22%1B(B"),
        ("x-user-defined", "?\uf7e9é", "?%E9%26%23233%3B"),
        ("utf-8", "?é", "?é"),
        ("utf-16le", "?é", "?é"),
        ("replacement", "?é", "?é"),
        ("", "?é", "?é"),
    ],
)
def test_a_query_is_sent_in_the_documents_encoding_and_nothing_else_is(charset: str, href: str, sent: str) -> None:
    assert encode_hrefs([href, "?a"], charset) == [sent, "?a"]


def test_links_of_a_legacy_page_are_those_a_browser_would_ask_for() -> None:
    body = "<meta charset=koi8-r><link rel=canonical href=?Ж><meta http-equiv=refresh content=1;?Ж><a href=?Ж>"
    reading = read(body.encode("koi8-r"))
    assert (reading.hrefs, reading.canonical, reading.refresh) == (["?%F6"], "?%F6", "?%F6")


@pytest.mark.parametrize("charset", SINGLE)
def test_every_character_of_an_encoding_comes_back_as_its_byte(charset: str) -> None:
    assert read_charset(b"", charset) == charset
    for byte in range(0xA0, 0x100):
        char = bytes([byte]).decode(f"whatwg-{charset}")
        if char != "\ufffd":
            [sent] = encode_hrefs([f"?{char}"], charset)
            assert unquote_to_bytes(sent[1:]) == bytes([byte]), (char, sent)


@given(st.text(), st.sampled_from([*LABELS, ""]))
def test_any_href_can_be_sent_in_any_encoding(href: str, charset: str) -> None:
    [sent] = encode_hrefs([href], charset)
    assert urls.make_resolver("http://h/")(sent).isascii()
