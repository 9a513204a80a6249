"""Figures are judged rightly: goals, the ledger, and whether a contestant brought the right pages home."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ledger
from benchmarks.contest import choose, compare, hold
from benchmarks.contestants import PEERS_BY_NAME, Contestant, crawld
from benchmarks.figures import GOALS, Goal, table
from benchmarks.known_urls import Cost, growth
from benchmarks.pages import Plan
from benchmarks.site import Site
from tests.committed import ROOT

ENTRY = ledger.Entry("abc", "m", "CPython 3.11", 2000, {ledger.CPU: 1.0, ledger.CPU_BESIDE_BARE: 3.0})


@pytest.mark.parametrize(
    ("goal", "measured", "ratio"),
    [
        (Goal("speed", "", least=8), 4.0, 0.5),
        (Goal("speed", "", least=8), 16.0, 2.0),
        (Goal("cost", "", most=2), 4.0, 0.5),
        (Goal("breaches", "", most=0), 0.0, 1.0),
        (Goal("breaches", "", most=0), 1.0, 0.0),
    ],
)
def test_a_ratio_of_one_is_a_goal_reached(goal: Goal, measured: float, ratio: float) -> None:
    assert goal.ratio(measured) == ratio


def test_the_table_has_a_row_for_each_goal_measured_or_not() -> None:
    rows = table({"loop_ms": 0.44}).splitlines()
    assert len([row for row in rows if row.startswith("|")]) == len(GOALS) + 2
    assert [row for row in rows if "0.44" in row] == ["| loop thread, CPU ms a page | <= 0.22 | 0.44 | 0.50 |"]
    assert len([row for row in rows if "not measured" in row]) == len(GOALS) - 1


def costing(cpu: float, beside: float = 3.0, **changed: Any) -> ledger.Entry:
    figures = {ledger.CPU: cpu, ledger.CPU_BESIDE_BARE: beside}
    return replace(ENTRY, figures=figures, **changed)


def test_a_page_that_costs_a_twentieth_more_than_before_is_said() -> None:
    assert ledger.warnings(costing(1.04), [ENTRY]) == []
    assert ledger.warnings(costing(1.06), [ENTRY]) == [
        "a page costs 6% more: 1.06 CPU seconds per 1,000 pages, 1.00 at abc"
    ]
    assert len(ledger.warnings(costing(1.0, 3.2), [ENTRY])) == 1


def test_small_steps_add_up() -> None:
    steps = [costing(1.0 + 0.03 * step, commit=str(step)) for step in range(3)]
    assert ledger.warnings(costing(1.09), steps) == [
        "a page costs 9% more: 1.09 CPU seconds per 1,000 pages, 1.00 at 0"
    ]


@pytest.mark.parametrize("changed", [{"machine": "n"}, {"python": "CPython 3.14"}, {"pages": 10_000}])
def test_only_runs_of_the_same_kind_are_compared(changed: dict[str, Any]) -> None:
    assert ledger.warnings(costing(9.0, **changed), [ENTRY]) == []


def test_the_ledger_is_read_as_it_was_kept_and_names_no_machine(tmp_path: Path) -> None:
    new = ledger.entry("CPython 3.11", 2000, {ledger.CPU: 1.23456})
    ledger.keep(ENTRY, tmp_path / "ledger.jsonl")
    ledger.keep(new, tmp_path / "ledger.jsonl")
    assert ledger.read(tmp_path / "ledger.jsonl") == [ENTRY, new]
    assert len(new.machine) == 12
    assert new.figures == {ledger.CPU: 1.2346}


def test_growth_is_told_of_the_whole_way_and_memory_of_the_last_step() -> None:
    told = growth([Cost(10, 1.0, 100, 1000, 0, 0, 0, 0), Cost(20, 1.5, 300, 1800, 0, 0, 0, 0),
                   Cost(40, 2.0, 400, 2200, 0, 0, 0, 0)])  # fmt: skip
    assert (told.cpu, told.ram_bytes, told.disk_bytes) == (2.0, 5.0, 20.0)


def told(name: str, records: list[tuple[str, str]]) -> Contestant:
    return Contestant(name, lambda _, folder: ["true"], lambda _, folder: iter(records))


def test_a_peer_with_wrong_pages_has_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    site = Site("http://127.0.0.1:80/", Plan(pages=3))
    right = list(site.expected().items())
    peers = [
        told("twice", [*right, right[0]]),
        told("missing", right[1:]),
        told("strange", [*right, ("http://127.0.0.1:80/private/account", "")]),
        told("mistitled", [*right[1:], (right[0][0], "another")]),
    ]
    rounds = hold([*peers, replace(told("crawld", right))], site, 2)
    assert list(compare(rounds)) == ["twice"]  # what is fetched once too often is its own loss
    assert "missing does not count" in capsys.readouterr().out


def test_a_peer_that_is_not_there_is_left_out_with_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.contestants.PEERS", tmp_path)
    assert choose(PEERS_BY_NAME) == []
    said = capsys.readouterr().out
    assert "wget2 is left out: there is no wget2 here" in said
    assert len(said.splitlines()) == len(PEERS_BY_NAME)
    assert crawld().missing == ""


@pytest.mark.parametrize("peer", sorted(path.stem for path in (ROOT / "benchmarks/peers").glob("*.in")))
def test_what_a_peer_needs_is_locked_with_its_hashes(peer: str) -> None:
    wanted = re.findall(r"^([\w-]+)", (ROOT / f"benchmarks/peers/{peer}.in").read_text(), re.MULTILINE)
    lock = (ROOT / f"benchmarks/peers/{peer}.lock").read_text()
    pinned = re.findall(r"^([\w.-]+)==[^\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert wanted
    assert set(wanted) <= set(pinned)
    assert len(pinned) == len(re.findall(r"^[a-z]", lock, re.MULTILINE)), "an entry without a hash"
