"""Which settings hold at once when they are read anew, and which wait for the next start."""

from __future__ import annotations

from crawler import Config
from crawler.daemon import DaemonConfig
from crawler.daemon.reload import merge_reloaded
from crawler.settings.loading import amend

from .conftest import BASE, Open

OLD = DaemonConfig()


def test_what_is_the_same_is_not_named() -> None:
    told = merge_reloaded((OLD, BASE), (OLD, BASE))
    assert (told.applied, told.needs_restart) == ((), ())


def test_what_shapes_the_shared_parts_stays_until_the_next_start() -> None:
    asked = amend(BASE, {"offload.workers": 7, "offload.page_cpu_s": 7.0, "delay_s": 9.0})
    told = merge_reloaded((OLD, BASE), (OLD.model_copy(update={"port": 1, "max_running": 2}), asked))
    assert told.applied == ("daemon.max_running", "politeness.delay_s")
    assert told.needs_restart == ("daemon.port", "offload.workers", "offload.page_cpu_s")
    assert (told.config.port, told.config.max_running) == (OLD.port, 2)
    assert told.base == amend(BASE, {"delay_s": 9.0})


async def test_jobs_take_on_what_holds_now(open_daemon: Open) -> None:
    async with open_daemon(max_running=1) as jobs:
        base = amend(Config(), {"user_agent": "other/1"})
        changed = jobs.adopt(jobs.config.model_copy(update={"max_running": 5, "concurrency": 3}), base)
        assert {"daemon.max_running", "daemon.concurrency", "user_agent"} <= set(changed.applied)
        assert (jobs.config.max_running, jobs.base.user_agent) == (5, "other/1")


async def test_the_bandwidth_of_all_jobs_changes_at_once(open_daemon: Open) -> None:
    async with open_daemon(base=amend(BASE, {"bytes_per_s": "1M"})) as jobs:
        throttle = jobs.shared.network.throttle
        assert throttle.bytes_per_s == 1 << 20
        jobs.adopt(jobs.config, amend(BASE, {"bytes_per_s": "3M"}))
        assert throttle.bytes_per_s == 3 << 20
        jobs.adopt(jobs.config, BASE)
        assert throttle.bytes_per_s is None
