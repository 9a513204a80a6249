"""PDF files are read: text, links, and facts; damaged ones are noted."""

from __future__ import annotations

import json

import pytest

from crawler import urls
from crawler.model import Page
from crawler.parse import Document, parse
from tests.defaults import make_job, make_scope
from tests.pdfs import make_pdf

pytest.importorskip("pypdfium2", reason="the extra `pdf` is not installed")

from crawler.parse.pdf import MOST_PAGES
from crawler.parse.pdf_moments import moment

pytestmark = pytest.mark.long
"""A library in C reads files that are damaged on purpose: not in the process of the quick tests."""

URL = urls.parse("http://h.example/a.pdf")


def read(body: bytes, content_type: str = "application/pdf", *, wants_pdf: bool = True) -> Page:
    job = make_job(b"k" * 16, b"run", make_scope(), wants_text=True, wants_pdf=wants_pdf)
    return parse(Document(URL, body, content_type), job)


def test_text_links_and_facts_of_a_file_are_read() -> None:
    page = read(make_pdf(["The boats stayed in.", "Spring came."], link="http://h.example/next#1"))
    assert (page.kind, page.title, page.text_from) == ("pdf", "The harbour", "pdf")
    assert page.text == "The boats stayed in.\n\nSpring came."
    assert page.news.split() == ["http://h.example/next"]
    assert json.loads(page.pdf_json) == {
        "pages": 2, "author": "A. Fisher", "keywords": None, "program": None, "created": "2026-05-04T03:02:01+02:00",
        "modified": None,
    }  # fmt: skip


def test_a_file_is_known_by_its_bytes_and_read_only_if_that_is_asked_for() -> None:
    body = b"\n" + make_pdf(["Boats"])
    assert read(body, "application/octet-stream").text == "Boats"
    assert read(body, wants_pdf=False).kind == "other"


def test_of_very_many_pages_the_first_are_read() -> None:
    page = read(make_pdf(["x"] * (MOST_PAGES + 5)))
    assert json.loads(page.pdf_json)["pages"] == MOST_PAGES + 5
    assert page.note == f"only the first {MOST_PAGES} of {MOST_PAGES + 5} pages were read"


@pytest.mark.parametrize("body", [b"%PDF-1.7 and nothing", make_pdf(["x"])[:200]], ids=["rubbish", "cut"])
def test_a_damaged_file_is_noted(body: bytes) -> None:
    page = read(body)
    assert (page.kind, page.text) == ("pdf", "")
    assert page.note.startswith("the PDF file could not be read: ")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("D:2026", "2026-01-01T00:00:00"), ("D:20260504030201Z", "2026-05-04T03:02:01+00:00"),
        ("D:20260504030201-0330", "2026-05-04T03:02:01-03:30"), ("D:20269904", None), ("yesterday", None),
        ("D:20260504030201+99'99'", None),
    ],
)  # fmt: skip
def test_moments_are_told_as_iso_8601_has_them(said: str, told: str | None) -> None:
    assert moment(said) == told
