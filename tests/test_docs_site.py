"""`make docs`: all documents and all public names as one site, whose links lead somewhere and that loads nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

import crawler
import crawler.daemon
import crawler.seeds
import crawler.testing
from tests.committed import ROOT

PACKAGES = (crawler, crawler.daemon, crawler.seeds, crawler.testing)
LOADING = re.compile(
    r"""<(?:script|img|iframe|source|link\b(?=[^>]*\brel="(?:stylesheet|preload|icon|preconnect)"))[^>]*?"""
    r"""\b(?:src|href)="([^"]+)"|url\(['"]?([^'")]+)|@import\s+['"]([^'"]+)"""
)
"""Matches whatever a browser loads by itself."""


@pytest.mark.long
@pytest.mark.slow
def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, ROOT / ".ci/docs.py", tmp_path / "site"], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path: path.read_text("utf-8") for path in (tmp_path / "site").rglob("*.html")}
    assert {path.stem for path in ROOT.glob("docs/*.md")} - {"README"} <= {path.stem for path in pages}
    assert list(_names_without_a_description(pages)) == []
    assert [target for text in pages.values() for target in _loaded(text) if _is_elsewhere(target)] == []
    styles = [path.read_text("utf-8") for path in (tmp_path / "site").rglob("*.css")]
    assert [target for text in styles for target in _loaded(text) if _is_elsewhere(target)] == []
    assert list(_broken_links(pages)) == []


def _names_without_a_description(pages: dict[Path, str]) -> Iterator[str]:
    described = {path.stem: text for path, text in pages.items() if path.parent.name == "reference"}
    for package in PACKAGES:
        for name in package.__all__:
            full = f"{package.__name__}.{name}"
            text = described.get(full, "")
            is_shared = package is not crawler and getattr(crawler, name, None) is getattr(package, name)
            sign = "</code> is <a" if is_shared else rf'id="(module-)?{re.escape(full)}".*?<p>(?!<a)'
            if not re.search(sign, text, re.DOTALL):
                yield full


def _loaded(text: str) -> Iterator[str]:
    for found in LOADING.finditer(text):
        yield next(filter(None, found.groups()))


def _is_elsewhere(target: str) -> bool:
    return re.match(r"(?:https?:)?//", target) is not None


def _broken_links(pages: dict[Path, str]) -> Iterator[str]:
    anchors = {path: {*re.findall(r'\bid="([^"]+)"', text)} for path, text in pages.items()}
    for path, text in pages.items():
        for link in {*re.findall(r'<a\b[^>]*\bhref="([^":]+)"', text)}:
            place, _, anchor = unescape(unquote(link)).partition("#")
            target = (path.parent / place).resolve() if place else path
            if not target.exists() or (anchor and target in anchors and anchor not in anchors[target]):
                yield f"{path.name}: {link}"
