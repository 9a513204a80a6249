"""The package that docs/plugins.md adds, installed for one test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .package import blocks, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like site-packages, with the format of the document."""
    files = {name: text for name, text in blocks().items() if name in ("pyproject.toml", "crawld_tsv.py")}
    place = tmp_path_factory.mktemp("site-packages")
    build(tmp_path_factory.mktemp("project") / "crawld-tsv", place, files)
    return place


@pytest.fixture
def tsv(built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Installs the package for one test; returns where."""
    monkeypatch.syspath_prepend(built)
    yield built
    sys.modules.pop("crawld_tsv", None)
