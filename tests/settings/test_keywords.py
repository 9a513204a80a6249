"""Settings as keywords of functions: their types are written from the models, and programs give them to Config."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import ValidationError

import crawler
from crawler.daemon import DaemonConfig, DaemonSettings
from crawler.errors import ConfigError
from crawler.settings import AllSettings, Config, FetchConfig, ScopeConfig
from crawler.settings.catalog import fields, last_word
from tests.settings.keywords import crawl_keywords, daemon_keywords
from tests.settings.reference import ROOT

FILE = "[daemon]\nport = 9000\n[politeness]\ndelay_s = 2.0\nper_site = 2\n[scope]\nmax_depth = 9\n"
WRONG = [
    ({"max_dept": 2}, "settings: max_dept: no such setting; did you mean scope.max_depth?"),
    ({"scop": {"max_depth": 2}}, r"settings: scop: no such setting; did you mean \[scope\]?"),
    ({"scope": {"max_dept": 2}}, r"settings: \[scope\] max_dept: no such setting; did you mean scope.max_depth?"),
    ({"sinks": [{"pat": "x"}]}, "settings: sinks.0.pat: no such setting; did you mean path?"),
    ({"delay_s": "fast"}, r"settings: \[politeness\] delay_s = 'fast': should be a valid number"),
    ({"scope": 3}, "should be a table"),
    ({"scope": {"max_depth": 1}, "max_depth": 2}, "settings: scope.max_depth: given twice"),
    ({"max_depth": 2, "scope.max_depth": 2}, "settings: scope.max_depth: given twice"),
]


@pytest.mark.parametrize(
    ("module", "written"),
    [("crawler/settings/keywords.py", crawl_keywords), ("crawler/daemon/keywords.py", daemon_keywords)],
)
def test_the_types_of_keywords_are_what_the_models_say(module: str, written: Callable[[], str]) -> None:
    assert (ROOT / module).read_text("utf-8") == written(), "run `make settings`"


def test_there_is_a_keyword_for_each_setting_and_no_other() -> None:
    tables = {key.partition(".")[0] for key in fields() if "." in key}
    assert set(get_type_hints(AllSettings)) == tables | {last_word(key) for key in fields()}
    assert set(get_type_hints(crawler.Settings)) == set(get_type_hints(AllSettings)) - {"sinks"}
    assert set(get_type_hints(DaemonSettings)) == set(DaemonConfig.model_fields)


def test_settings_stand_alone_or_in_their_tables() -> None:
    chosen = Config(max_depth=2, politeness={"delay_s": 0.5}, fetch=FetchConfig(concurrency=7), proxy="http://a:1")
    assert chosen.scope == ScopeConfig(max_depth=2)
    assert (chosen.politeness.delay_s, chosen.fetch.concurrency, chosen.fetch.proxy) == (0.5, 7, "http://a:1")
    assert chosen == Config.model_validate(chosen.model_dump(exclude_unset=True))


def test_a_config_is_copied_and_pickled_with_what_was_chosen() -> None:
    chosen = Config(max_body_bytes=1000)
    for one in (pickle.loads(pickle.dumps(chosen)), copy.deepcopy(chosen), chosen.model_copy()):
        assert one == chosen
        assert one.fetch.model_fields_set == {"max_body_bytes"}


@pytest.mark.parametrize(("settings", "words"), WRONG)
async def test_wrong_settings_are_named_wherever_they_are_given(settings: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Config(**settings)
    with pytest.raises(ConfigError, match=words):
        Config.load(environ={}, **settings)
    with pytest.raises(ValidationError, match=words):  # as in a model of somebody else that holds a Config
        Config.model_validate(settings)
    if "sinks" not in settings:
        with pytest.raises(ConfigError, match=words):
            await crawler.crawl([], **settings)


@pytest.mark.parametrize("kind", [Path, str])
def test_a_file_is_loaded_as_the_command_does(tmp_path: Path, kind: Callable[[Path], Path | str]) -> None:
    (path := tmp_path / "crawl.toml").write_text(FILE)
    environ = {"CRAWL_DELAY_S": "3", "CRAWL_POLITENESS__PER_SITE": "3", "CRAWL_DAEMON__PORT": "1"}
    config = Config.load(kind(path), environ=environ, delay_s=4)
    assert (config.politeness.delay_s, config.politeness.per_site, config.scope.max_depth) == (4.0, 3, 9)
    daemon = DaemonConfig.load(kind(path), environ=environ, grace_s=1)
    assert (daemon.port, daemon.grace_s, daemon.host) == (1, 1.0, "127.0.0.1")


def test_the_environment_counts_unless_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWL_DELAY_S", "3")
    monkeypatch.setenv("CRAWL_DAEMON__PORT", "1")
    assert (Config.load().politeness.delay_s, DaemonConfig.load().port) == (3.0, 1)
    assert (Config.load(environ={}), DaemonConfig.load(environ={})) == (Config(), DaemonConfig())


def test_an_error_says_where_each_wrong_setting_stands(tmp_path: Path) -> None:
    (path := tmp_path / "crawl.toml").write_text("[scope]\nmax_dept = 2\n[daemon]\nprot = 1\nport = -1\n")
    wrong: dict[str, Any] = {"max_jops": 1}
    environ = {"CRAWL_DELAY": "3", "CRAWL_DAEMON__HOTS": "a"}
    with pytest.raises(ConfigError) as of_crawl:
        Config.load(path, environ=environ, limit=0)
    assert set(str(of_crawl.value).splitlines()) == {
        "CRAWL_DELAY in the environment: delay: no such setting; did you mean politeness.delay_s?",
        f"{path}: [scope] max_dept: no such setting; did you mean scope.max_depth?",
        "settings: [scope] limit = 0: should be greater than or equal to 1",
    }
    with pytest.raises(ConfigError) as of_daemon:
        DaemonConfig.load(path, environ=environ, **wrong)
    assert set(str(of_daemon.value).splitlines()) == {
        "CRAWL_DAEMON__HOTS in the environment: [daemon] hots: no such setting; did you mean host?",
        f"{path}: [daemon] port = -1: should be greater than or equal to 0",
        f"{path}: [daemon] prot: no such setting; did you mean port?",
        "settings: [daemon] max_jops: no such setting; did you mean max_jobs?",
    }
    with pytest.raises(ConfigError, match=r"settings: \[daemon\] max_jops"):
        DaemonConfig(**wrong)


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    (path := tmp_path / "crawl.toml").write_text("[scope]\nmax_depth = \n")
    for load in (Config.load, DaemonConfig.load):
        with pytest.raises(ConfigError, match=rf"{path}: not a TOML file: .*line 2"):
            load(path)
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        Config.load(tmp_path / "none.toml")
