"""What a body is read as."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse.kinds import kind

HTML = b"<!doctype html><html><body>hello</body></html>"
URLSET = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>'
)
RSS = b'<?xml version="1.0"?><!-- made by hand --><rss version="2.0"><channel/></rss>'
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"></feed>'
RDF = b'<?xml version="1.0"?><rdf:RDF xmlns:rdf="x"></rdf:RDF>'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html", HTML, "html"),
        ("Text/HTML; charset=utf-8", HTML, "html"),
        ("application/xhtml+xml", b'<?xml version="1.0"?><html xmlns="x"/>', "html"),
        ("text/html", b"just words, no tags", "html"),
        ("text/html", b"", "html"),
        ("text/html", b"words with a stray \x0b byte <p>", "html"),
        ("text/html", b"words with a stray \x0b byte", "other"),
        ("text/html", bytes(range(256)) + b"<p>", "other"),
        ("text/html", b"<p>markup with a stray \x0b byte", "html"),
        ("text/html", codecs.BOM_UTF16_LE + "<html>".encode("utf-16-le"), "html"),
        ("text/html", PNG, "other"),
        ("text/html", PDF, "other"),
        ("text/html", URLSET, "sitemap"),
        ("text/html", RSS, "feed"),
        ("application/xml", URLSET, "sitemap"),
        ("text/xml", b"<sitemapindex/>", "sitemap"),
        ("text/xml", b"<sm:urlset xmlns:sm='x'/>", "sitemap"),
        ("text/plain", URLSET, "sitemap"),
        ("", URLSET, "sitemap"),
        ("application/octet-stream", URLSET, "sitemap"),
        ("text/xml", codecs.BOM_UTF8 + URLSET, "sitemap"),
        ("text/xml", codecs.BOM_UTF16_BE + "<urlset/>".encode("utf-16-be"), "sitemap"),
        ("text/xml", b"\n <!-- a <urlset> in a comment --> <other/>", "other"),
        ("text/xml", b"<!-- " + b"x" * 3000 + b"--><urlset/>", "sitemap"),
        ("application/rss+xml", RSS, "feed"),
        ("application/atom+xml", ATOM, "feed"),
        ("application/rdf+xml", RDF, "feed"),
        ("text/xml", b"<html/>", "html"),
        ("image/svg+xml", b"<svg/>", "other"),
        ("text/plain", b"words", "text"),
        ("text/plain", HTML, "text"),
        ("text/plain", PNG, "other"),
        ("text/markdown", b"# Title", "text"),
        ("text/css", b"a{}", "other"),
        ("text/javascript", b"var a", "other"),
        ("application/json", b"{}", "other"),
        ("application/pdf", PDF, "other"),
        ("image/png", PNG, "other"),
        ("", HTML, "html"),
        ("", b"  <!-- hello --> <p>hi", "html"),
        ("", b"words", "text"),
        ("", PNG, "other"),
        ("", b"", "text"),
        ("application/octet-stream", HTML, "html"),
        ("application/octet-stream", b"words", "other"),
        ("nonsense", HTML, "html"),
        ("text", b"words", "text"),
        ("*/*", b"words", "text"),
        ("unknown/unknown", b"words", "text"),
        ("application/unknown", PDF, "other"),
        ("", b"<!DOCTYPE html>words", "html"),
        ("", b"<!-- words", "html"),
        ("", b"<!-- --><urlset/>", "sitemap"),
        ("", b"<abbr>", "text"),
        ("", b"<?xml version='1.0'?><svg/>", "text"),
        ("image/jpeg", HTML, "other"),
        ("video/mp4", HTML, "other"),
        ("application/pdf", HTML, "other"),
        ("application/zip", b"PK\x03\x04", "other"),
        ("text/html", b"PK\x03\x04<html>", "other"),
        ("text/html", b"\x1f\x8b\x08<html>", "other"),
        ("text/html", b"GIF89a<html>", "other"),
        ("text/html", b"\0\0\0<html>", "other"),
        ("text/html", b"\xff\xd8\xff\xe0\0\x10JFIF", "other"),
        ("text/html", b"<html>\xff\xd8\xff\xe0\0\x10JFIF", "html"),
        ("text/html;x=y", b"words", "html"),
        (" text/html ", b"words", "html"),
        ("text/html, text/html", HTML, "html"),
        ("application/xhtml+xml", b"words", "html"),
        ("application/xml", b"<?xml version='1.0'?><html/>", "html"),
        ("text/xml", "<?xml version='1.0'?><urlset/>".encode("utf-16-le"), "sitemap"),
        ("text/xml", "<?xml version='1.0'?><urlset/>".encode("utf-16-be"), "sitemap"),
        ("application/vnd.ms-excel", b"<html>", "other"),
        ("text/plain", b"\xef\xbb\xbfwords", "text"),
        ("text/plain", codecs.BOM_UTF16_LE + "words".encode("utf-16-le"), "text"),
        ("text/plain", b"words \0", "other"),
        ("text/plain; charset=ISO-8859-1", PDF, "other"),
        ("text/csv", b"a,b", "text"),
        ("text/csv", PNG, "other"),
    ],
)
def test_a_body_is_read_as_what_it_claims_to_be_and_looks_like(content_type: str, body: bytes, expected: str) -> None:
    assert kind(content_type, body) == expected


@given(st.text(max_size=20), st.binary(max_size=200))
def test_anything_is_something(content_type: str, body: bytes) -> None:
    assert kind(content_type, body) in {"html", "sitemap", "feed", "text", "other"}


@pytest.mark.parametrize("piece", [b"<!--", b"<?", b"<!doctype html", b" ", b"<!-->", b"<?>", b"<"])
def test_a_head_made_to_confuse_is_looked_at_once(piece: bytes) -> None:
    assert kind("", piece * 100_000) in {"text", "html", "other"}
