"""Keys of the index are those of the archive world: the values are what its own program gave for these URLs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.warc.surt import make_surt

_LINES = (Path(__file__).parent / "surt.tsv").read_text("utf-8").split("\n")
VECTORS = {line.partition("\t")[0]: line.partition("\t")[2] for line in _LINES if line}


def test_each_url_has_the_key_that_other_indexes_have() -> None:
    assert {url: make_surt(url) for url in VECTORS} == VECTORS
    assert len(VECTORS) > 150


@pytest.mark.parametrize("kind", ["host", "path", "query"])
@given(st.text(st.characters(codec="ascii", min_codepoint=0x21), max_size=30))
def test_a_key_is_one_word_of_visible_ascii(kind: str, text: str) -> None:
    url = {"host": f"http://{text}/", "path": f"http://a.example/{text}", "query": f"http://a.example/?{text}"}[kind]
    key = make_surt(url)
    assert key.isascii()
    assert " " not in key
    assert key.isprintable()


def test_text_of_any_kind_has_a_key() -> None:
    for text in ("", " ", "é", "\ud800", "http://", "http:///", "http://\ud800/\udfff?\udc00", "http://[/", "://"):
        assert make_surt(text).isascii()
