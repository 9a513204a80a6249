"""Presets: which settings win beside one, what a crawl folder keeps of it, and what a misspelt one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

import crawler
from crawler import Config, ConfigError
from crawler.settings import presets
from crawler.settings.loading import amend, load, trace

NAMES = ("archive", "audit", "text")


def test_every_preset_is_a_valid_file_with_its_meaning_in_the_first_line() -> None:
    assert presets.names() == NAMES
    for name in NAMES:
        assert Config(preset=name).preset == name
        assert presets.text_of(name).startswith("# ")
        assert presets.meaning_of(name).endswith(".")


def test_presets_are_what_they_say() -> None:
    archive, audit, text = (Config(preset=name) for name in NAMES)
    assert (archive.scope.requisites, [sink.kind for sink in archive.sinks]) == (True, ["jsonl", "warc"])
    assert (audit.scope.extra_hops, [sink.links for sink in audit.sinks]) == (1, [True])
    assert [(sink.text, sink.markdown) for sink in text.sinks] == [(True, True)]


def test_a_preset_goes_before_the_file_the_environment_and_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[scope]\nextra_hops = 2\nlimit = 5\n")
    environ = {"CRAWL_EXTRA_HOPS": "3"}
    config, origins = trace(file, {}, {"preset": "audit"}, "command line")
    assert (config.scope.extra_hops, config.scope.limit, config.sinks[0].links) == (2, 5, True)
    assert (origins["scope.extra_hops"], origins["sinks"]) == (str(file), "preset audit")
    assert load(file, environ, {"preset": "audit"}).scope.extra_hops == 3
    assert load(file, environ, {"preset": "audit", "extra_hops": 4}).scope.extra_hops == 4
    assert load(None, {"CRAWL_PRESET": "audit"}).scope.extra_hops == 1


def test_a_file_may_name_a_preset_and_other_settings_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('preset = "archive"\n[scope]\nrequisites = false\n')
    config = load(file)
    assert (config.preset, config.scope.requisites, len(config.sinks)) == ("archive", False, 2)


def test_a_preset_goes_over_the_settings_that_it_changes() -> None:
    base = Config(extra_hops=3, limit=7)
    changed = amend(base, {"preset": "audit"})
    assert (changed.scope.extra_hops, changed.scope.limit) == (1, 7)
    assert amend(changed, {"extra_hops": 2}).scope.extra_hops == 2


@pytest.mark.parametrize(
    ("name", "hint"), [("archiv", "did you mean archive?"), ("nothing-like-it", "there are archive, audit, text")]
)
def test_a_misspelt_preset_gets_one_line_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config(preset=name)
    assert str(refused.value) == f"preset: there is none called {name!r}; {hint}"


async def test_a_crawl_folder_keeps_what_came_of_a_preset_and_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    async with crawler.open_crawl(Config(preset="audit", extra_hops=0), folder=folder):
        pass
    kept = folder / "crawl.toml"
    text = kept.read_text()
    assert 'preset = "audit"' in text
    kept.write_text(text.replace("extra_hops = 0\n", ""))  # a setting that the preset has by now, and had not then
    assert load(kept).scope.extra_hops == 0
    async with crawler.open_crawl(folder=folder) as crawl:
        assert crawl.folder is not None
        config = crawl.folder.config
    assert (config.preset, config.scope.extra_hops, config.sinks[0].links) == ("audit", 0, True)
