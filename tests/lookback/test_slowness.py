"""What bound a crawl is kept as time goes on, and tells what each change would have gained at most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crawler import Config, FolderError, crawl, explain_slowness, open_crawl, read_folder
from crawler.metrics.course import COURSE, _Steps, read_course
from crawler.metrics.gauges import Gauges
from crawler.metrics.metrics import SAMPLE_S, Metrics
from crawler.policy.politeness import Wait
from crawler.testing import Site, Web, html, open_web

TERMS = {"delay_s": 1.0, "per_site": 1.0, "per_ip": 16.0, "concurrency": 100.0, "workers": 2.0}
SETTINGS: dict[str, Any] = {"delay_s": 0.3, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}


def line(at: float, bounds: dict[str, int], *, visits: int = 4, in_flight: float = 1.0, **terms: float) -> str:
    said = {"at": at, "s": sum(bounds.values()) * SAMPLE_S, "b": bounds, "p": visits, "v": visits, "y": 1,
            "f": in_flight, "t": {**TERMS, **terms}}  # fmt: skip
    return json.dumps(said) + "\n"


def folder_of(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "crawl.toml").write_text("")
    (tmp_path / COURSE).write_text("".join(lines))
    return tmp_path


def test_shares_and_gains_are_those_of_the_steps(tmp_path: Path) -> None:
    steps = [line(1000.0 + n, {"politeness": 3, "network": 1}) for n in range(8)]
    steps += [line(1008.0 + n, {"concurrency": 4}, in_flight=100.0) for n in range(2)]
    found = explain_slowness(read_folder(folder_of(tmp_path, *steps), Config()))
    assert found.seconds == 10.0
    assert found.shares == pytest.approx({"politeness": 0.6, "concurrency": 0.2, "network": 0.2})
    visit_s = (8 * 1.0 + 2 * 100.0) / 40
    gains = {gain.setting: (gain.then, round(gain.share, 6)) for gain in found.gains}
    assert gains == {
        "politeness.per_site": (2.0, 0.3),
        "fetch.concurrency": (200.0, 0.1),
        "politeness.delay_s": (0.5, round(0.6 * 0.5 / (1.0 + visit_s), 6)),
    }
    assert [gain.share for gain in found.gains] == sorted((gain.share for gain in found.gains), reverse=True)
    assert list(found.fixed) == ["network"]
    assert sum(stretch.seconds for stretch in found.stretches) == found.seconds


def test_what_no_setting_changes_is_said_and_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    bad = ["{}\n", "nonsense\n", '{"at": "x"}\n', line(1.0, {"crawl-delay": 4})[:-20]]
    found = explain_slowness(read_folder(folder_of(tmp_path, line(1000.0, {"crawl-delay": 4}), *bad), Config()))
    assert (found.gains, list(found.fixed)) == ([], ["crawl-delay"])
    assert "Crawl-delay" in found.fixed["crawl-delay"]


def test_a_folder_without_measurements_says_so(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no measurements yet"):
        explain_slowness(read_folder(folder_of(tmp_path), Config()))


def test_each_step_has_what_was_measured_since_the_last_one() -> None:
    metrics = Metrics()
    steps = _Steps(metrics, lambda: TERMS)
    assert steps.take() == b""
    metrics.observe(Gauges(in_flight=3, concurrency=10))
    metrics.observe(Gauges(concurrency=10, waits_for_turn=True, why=Wait.REST))
    first = json.loads(steps.take())
    metrics.observe(Gauges(in_flight=1, concurrency=10))
    second = json.loads(steps.take())
    assert (first["b"], first["s"], first["f"]) == ({"network": 1, "politeness": 1}, 2 * SAMPLE_S, 1.5)
    assert (second["b"], second["f"]) == ({"network": 1}, 1.0)


async def test_a_crawl_keeps_its_course_over_its_runs_with_the_settings_in_force(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    site = Site("a.test", {"/": html("A", ["/b", "/c"]), "/b": html("B"), "/c": html("C")})
    async with open_web(Web([site])) as served:
        await crawl(served.seeds, folder=folder, **SETTINGS)
        before = len(list(read_course(folder)))
        async with open_crawl(folder=folder, **SETTINGS) as opened:
            await opened.change(delay_s=0.4, who="Ada")
            await opened.add(served.seeds, again=True)
            await opened.run()
    steps = list(read_course(folder))
    assert 0 < before < len(steps)
    assert (steps[0].terms["delay_s"], steps[-1].terms["delay_s"]) == (0.3, 0.4)
    found = explain_slowness(read_folder(folder, Config()))
    assert max(found.shares, key=lambda name: found.shares[name]) == "politeness"
    assert [(change.who, change.changes[0].new) for change in found.changes] == [("Ada", 0.4)]
