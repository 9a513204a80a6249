"""Settings: where they come from, who wins, and what bad ones are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.errors import ConfigError
from crawler.settings import Config, FetchConfig, PolitenessConfig, ScopeConfig
from crawler.settings.catalog import fields
from crawler.settings.loading import amend, chosen_settings, differences, effective_user_agent, load, trace
from crawler.settings.meanings import meaning_of
from crawler.settings.reading import read
from crawler.settings.toml import default_toml, to_toml

ROOT = Path(__file__).parents[2]


def _file(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_file_of_defaults_is_what_the_model_says() -> None:
    assert (ROOT / "config" / "default.toml").read_text("utf-8") == default_toml()


def test_the_file_of_defaults_changes_nothing() -> None:
    assert load(ROOT / "config" / "default.toml") == Config()


def test_every_setting_explains_itself() -> None:
    assert all(meaning_of(Config, key) for key in fields())


def test_last_words_are_unique_so_that_they_may_stand_alone() -> None:
    words = [key.rpartition(".")[2] for key in fields()]
    assert len(words) == len(set(words))


def test_flags_beat_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    path = _file(tmp_path, "[politeness]\ndelay_s = 2\nper_site = 2\nper_ip = 32\n[scope]\nmax_depth = 9\n")
    environ = {"CRAWL_DELAY_S": "3", "CRAWL_POLITENESS__PER_SITE": "3", "PATH": "/bin"}
    config, origins = trace(path, environ, {"delay_s": 4.0}, "command line")
    assert (config.politeness.delay_s, config.politeness.per_site, config.politeness.per_ip) == (4.0, 3, 32)
    assert config.scope.max_depth == 9
    assert origins["politeness.delay_s"] == "command line"
    assert origins["politeness.per_site"] == "CRAWL_POLITENESS__PER_SITE in the environment"
    assert origins["politeness.per_ip"] == str(path)
    assert origins["fetch.concurrency"] == "default"


@pytest.mark.parametrize("name", ["politeness.delay_s", "delay_s", "delay-s", "politeness.delay-s"])
def test_a_setting_answers_to_its_names(name: str) -> None:
    assert load(settings={name: "0.25"}).politeness.delay_s == 0.25


def test_text_becomes_what_the_setting_wants() -> None:
    config = load(
        settings={
            "include": "re:/a{1,3},b",
            "exclude": '["*.zip", "*.iso"]',
            "headers": '{X-Team = "a"}',
            "cookies": "true",
            "max_depth": "none",
            "user_agent": "7",
        }
    )
    assert config.scope == ScopeConfig(include=("re:/a{1,3},b",), exclude=("*.zip", "*.iso"), max_depth=None)
    assert config.fetch == FetchConfig(headers={"X-Team": "a"}, cookies=True)
    assert config.user_agent == "7"


def test_tables_may_be_given_whole() -> None:
    assert load(settings={"scope": {"max_depth": 2}, "limit": 5}).scope == ScopeConfig(max_depth=2, limit=5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[politeness]\ndealy_s = 1\n",
            r"my.toml: \[politeness\] dealy_s: no such setting; did you mean politeness.delay",
        ),
        ("dellay_s = 1\n", "did you mean politeness.delay_s"),
        ("[politenes]\ndelay_s = 1\n", r"politenes: no such setting; did you mean \[politeness\]"),
        ("zzz = 1\n", "zzz: no such setting; `crawl config show` lists"),
        ("[politeness]\ndelay_s = 'fast'\n", r"my.toml: \[politeness\] delay_s = 'fast': should be a valid number"),
        ("[politeness]\ndelay_s = -1\n", "delay_s = -1: should be greater than or equal to 0"),
        ("[politeness]\ndelay_s = nan\n", "delay_s = nan"),
        ("[politeness]\ndelay_s = inf\n", "delay_s = inf"),
        ("[politeness]\nper_site = true\n", "per_site = True: should not be true or false"),
        ("[politeness]\nper_site = 1.5\n", "per_site = 1.5: should be a valid integer"),
        ("[scope]\nreach = 'planet'\n", "reach = 'planet': should be 'page', 'prefix', 'host', 'domain' or 'any'"),
        ("scope = 3\n", r"\[scope\] = 3: should be a table"),
        ("[fetch]\nallow_networks = ['300.0.0.0/8']\n", "does not appear to be an IPv4 or IPv6 network"),
        ("[fetch]\nproxy = 'ftp://x'\n", "proxy: should begin with http"),
        ('[fetch]\nheaders = {X = "a\\r\\nY: b"}\n', "one line"),
        ("[fetch]\nbudget_bytes = 100\n", r"my.toml: \[fetch\]: budget_bytes should be at least twice max_body_bytes"),
        ('user_agent = "a\\nb"\n', "user_agent = .*one line"),
        ("[[sinks]]\nlnks = true\n", "lnks: no such setting; did you mean links"),
        ("[[sinks]]\npath = '../up.jsonl'\n", "plain file name"),
        ("[[sinks]]\npath = 'frontier.sqlite'\n", "should not be like frontier.sqlite, which the crawl writes itself"),
        ("[[sinks]]\n[[sinks]]\n", "two sinks should not write the same file"),
        ("[politeness\n", "my.toml: not a TOML file: .*line 1"),
    ],
)
def test_a_bad_file_is_told_where_and_what(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(_file(tmp_path, text))


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = _file(tmp_path, "zzz = 1\n[scope]\nmax_depth = -1\n")
    with pytest.raises(ConfigError) as told:
        load(path, {"CRAWL_DEPTH": "3"}, {"per_site": 0})
    assert len(str(told.value).splitlines()) == 4
    assert "CRAWL_DEPTH in the environment: depth: no such setting; did you mean scope.max_depth?" in str(told.value)
    assert "settings: [politeness] per_site = 0" in str(told.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        load(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"user_agent = '\xe9'")
    with pytest.raises(ConfigError, match=r"latin\.toml: not a TOML file"):
        load(tmp_path / "latin.toml")


def test_an_address_serves_at_least_one_site_in_full() -> None:
    assert PolitenessConfig(per_site=40).per_ip == 40
    assert PolitenessConfig(per_site=40, per_ip=50).per_ip == 50


def test_what_was_chosen_survives_the_way_through_a_file(tmp_path: Path) -> None:
    settings = {
        "user_agent": 'my "bot"/1',
        "include": ("re:^https://\\w+/é",),
        "delay_s": 1.0,
        "headers": {"X-A b": "c"},
        "max_body_bytes": 1 << 20,
        "sinks": [{"links": True}, {"path": "b.jsonl"}],
    }
    config = load(settings=settings)
    again = load(_file(tmp_path, to_toml(config)))
    assert again == config
    assert chosen_settings(again) == chosen_settings(config)
    assert "reach" not in to_toml(config)


def test_nothing_chosen_is_an_empty_file(tmp_path: Path) -> None:
    assert load(_file(tmp_path, to_toml(Config()))) == Config()


def test_differences_name_what_was_chosen_otherwise_and_whether_it_can_apply() -> None:
    old = load(settings={"max_depth": 2, "delay_s": 5})
    new = load(settings={"delay_s": 0.5, "concurrency": 256, "sinks": [{"links": True}], "frontier.kind": "memory"})
    found = {change.key: change for change in differences(old, new)}
    assert set(found) == {"politeness.delay_s", "sinks", "frontier.kind"}
    assert found["politeness.delay_s"][1:] == (5.0, 0.5, True)
    assert not found["sinks"].applies
    assert not found["frontier.kind"].applies


def test_amend_keeps_the_rest() -> None:
    config = amend(Config(user_agent="x/1", scope=ScopeConfig(limit=3)), {"max_depth": 1})
    assert config == Config(user_agent="x/1", scope=ScopeConfig(limit=3, max_depth=1))
    with pytest.raises(ConfigError, match="max_dept: no such setting"):
        amend(config, {"max_dept": 1})


def test_we_introduce_ourselves_by_name_and_version() -> None:
    assert effective_user_agent(Config()).startswith("crawld/")
    assert effective_user_agent(Config(contact="ops@example.org")).endswith(" (+ops@example.org)")
    assert (
        effective_user_agent(Config(user_agent="x/1 (+ops@example.org)", contact="ops@example.org")).count("ops") == 1
    )


def test_the_memory_for_bodies_follows_a_larger_body_where_nobody_chose_it() -> None:
    config = load(settings={"max_body_bytes": 100 << 20})
    assert config.fetch.budget_bytes == 200 << 20
    assert "fetch.budget_bytes" not in chosen_settings(config)
    assert amend(config, {"delay_s": 2.0}).fetch.budget_bytes == 200 << 20
    with pytest.raises(ConfigError, match="at least twice"):
        load(settings={"max_body_bytes": 100 << 20, "budget_bytes": 150 << 20})


def test_of_many_wrong_settings_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(ConfigError) as told:
        amend(Config(), {f"x{i}": 1 for i in range(5000)})
    lines = str(told.value).splitlines()
    assert (len(lines), len(told.value.places), lines[-1]) == (51, 51, "and 4950 more")


@pytest.mark.parametrize("text", ["x = " + "[" * 100_000, "a." * 100 + "b = 1", '"a" . ' * 100 + "b = 1"])
def test_tables_that_nest_without_end_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "crawl.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"crawl\.toml: "):
        read(path)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "tables"])
@pytest.mark.parametrize("depth", [33, 2000])
def test_what_is_nested_too_deep_is_refused_and_ends_nothing(wrap: Callable[[object], object], depth: int) -> None:
    value: object = "deep"
    for _ in range(depth):
        value = wrap(value)
    for given in ({"sinks": [{"kind": "x", "options": {"a": value}}]}, {"fetcher_options": {"a": value}}):
        with pytest.raises(ConfigError, match="should be lists and tables of 32 levels at most"):
            load(settings=given)
    with pytest.raises(ConfigError):
        load(settings={"include": value})
