"""`crawl serve -c FILE`: the daemon's own table, and what every job begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.daemon import DaemonConfig, load_daemon
from crawler.daemon.settings import daemon_toml, shared_settings
from crawler.errors import ConfigError
from crawler.settings.loading import load

FILE = """
user_agent = "bot/1.0"
[daemon]
port = 9000
retention_s = 60
[fetch]
allow_networks = ["127.0.0.0/8"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "serve.toml"
    path.write_text(FILE)
    return path


def test_one_file_holds_the_daemons_settings_and_those_of_its_jobs(file: Path) -> None:
    config, base = load_daemon(file)
    assert (config.port, config.retention_s, config.host) == (9000, 60.0, "127.0.0.1")
    assert (base.user_agent, base.fetch.allow_networks) == ("bot/1.0", ("127.0.0.0/8",))


def test_a_crawl_can_use_the_same_file(file: Path) -> None:
    assert load(file, {"CRAWL_DAEMON__PORT": "1"}).user_agent == "bot/1.0"


def test_the_environment_comes_over_the_file(file: Path) -> None:
    environ = {"CRAWL_DAEMON__PORT": "9001", "CRAWL_DAEMON__ALLOWED_HOSTS": "a.test,b.test", "CRAWL_DELAY_S": "2"}
    config, base = load_daemon(file, environ)
    assert (config.port, config.allowed_hosts) == (9001, ("a.test", "b.test"))
    assert base.politeness.delay_s == 2


def test_a_single_name_is_a_list_too() -> None:
    config, _ = load_daemon(None, {"CRAWL_DAEMON__ALLOWED_HOSTS": "a.test"})
    assert config.allowed_hosts == ("a.test",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[daemon]\nport = 99999", r"serve.toml: \[daemon\] port = 99999: should be .*65535"),
        ("[daemon]\nprot = 1", r"serve.toml: \[daemon\] prot: no such setting; did you mean port"),
        ("daemon = 3", r"\[daemon\] should be a table"),
        ("[scope]\ndepth = 3", r"\[scope\] depth: no such setting"),
        ("[daemon", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_named(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_daemon(file)


def test_what_all_jobs_share_is_bounded_by_the_daemon() -> None:
    _, base = load_daemon()
    shared = shared_settings(DaemonConfig(concurrency=7, budget_bytes=1, workers=3), base)
    assert (shared.fetch.concurrency, shared.offload.workers) == (7, 3)
    assert shared.fetch.budget_bytes == 2 * base.fetch.max_body_bytes


def test_the_default_settings_on_file_are_those_of_the_code() -> None:
    root = Path(__file__).parent.parent.parent
    assert (root / "config" / "daemon.toml").read_text() == daemon_toml()


def test_the_file_of_defaults_says_what_is_so_anyway() -> None:
    config, base = load_daemon(Path(__file__).parent.parent.parent / "config" / "daemon.toml")
    assert config == DaemonConfig()
    assert base == load()
