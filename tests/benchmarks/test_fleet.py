"""Many nodes in virtual time, some of which die, stand still, are parted from the engine, join and leave."""

from __future__ import annotations

import math

import pytest

from benchmarks import fleet_time
from benchmarks.fleet import Plan, Report, simulate
from crawler.frontier.sharded.holding import divide

NODES, HOSTS = 20, 2000
SMALL = Plan(NODES, HOSTS, shards=128, places=4, every_s=4.0)


def run(plan: Plan) -> Report:
    return fleet_time.run(simulate(plan))


@pytest.mark.slow
@pytest.mark.long
def test_whatever_happens_to_nodes_every_page_is_there_once_and_no_site_is_hurried() -> None:
    report = run(SMALL)
    assert {"killed", "stopped", "parted", "drained", "joined"} <= set(report.happened)
    assert report.fenced
    assert (report.lost, report.twice, report.running) == (0, 0, 0)
    assert report.breaches == {}
    assert report.rate > 0.7


@pytest.mark.slow
@pytest.mark.long
def test_a_node_that_ignores_its_lost_lease_is_found_out() -> None:
    report = run(Plan(4, 600, shards=32, places=8, every_s=6.0, defiant=1))
    assert report.breaches.total() > 0
    assert (report.lost, report.twice) == (0, 0), "the engine stores nothing of it all the same"


def test_a_fleet_to_which_nothing_happens_visits_each_page_once() -> None:
    report = run(Plan(3, 60, shards=16, places=4, every_s=math.inf))
    assert (report.lost, report.twice, report.running, report.fenced, report.breaches) == (0, 0, 0, 0, {})
    assert report.overlaps == 0


@pytest.mark.parametrize(("shards", "nodes"), [(256, 3), (256, 50), (4096, 1000)])
def test_shards_are_divided_evenly_and_few_change_hands(shards: int, nodes: int) -> None:
    names = [f"node-{number}" for number in range(nodes)]
    before, after = divide(shards, names), divide(shards, names[:-1])
    assert sorted(shard for won in before.values() for shard in won) == list(range(shards))
    assert sorted(shard for won in after.values() for shard in won) == list(range(shards))
    assert max(map(len, before.values())) <= math.ceil(1.25 * shards / nodes)
    moved = sum(len(set(after[name]) - set(before[name])) for name in after)
    assert moved <= 2 * math.ceil(1.25 * shards / nodes)
