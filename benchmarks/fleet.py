"""A thousand nodes and a million sites in one process, on virtual time, while nodes die, stand still and join: `fleet`.

The nodes have the real sharded frontier and the real rules of who holds what, over the engine in memory. `fleet_web`
is the web that they visit, and keeps the account; `fleet_nodes` are the nodes; `fleet_time` is their time.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from benchmarks import fleet_time
from benchmarks.contestants import PYTHON
from benchmarks.fleet_nodes import Defiant, FleetNode, Line, settled_records
from benchmarks.fleet_web import FleetWeb
from benchmarks.machine import describe
from crawler import Config
from crawler.assembly import parts
from crawler.backends.sqlite import SqliteBackend, open_memory_backend
from crawler.frontier import Clock
from crawler.frontier.backend import Membership
from crawler.frontier.sharded import open_sharded
from crawler.frontier.sharded.node import Node

KEY = bytes(range(16))
WARM_S = 5.0
"""Time until all nodes have their shards."""
STEADY = 0.6
"""The part of all pages during which every node has sites to visit."""
AWAY_S = (20.0, 40.0)
"""A node is stopped, or parted from the engine, for so long: beyond its lease of 15 s."""
GOAL_RATE, GOAL_FLAT = 0.90, 1.25


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    nodes: int = 1000
    hosts: int = 1_000_000
    shards: int = 4096
    places: int = 32
    """Visits at a time of one node."""
    every_s: float = 6.0
    """Time between two things that happen to nodes; infinite: nothing happens."""
    seed: int = 7
    defiant: int = 0
    """Nodes that ignore that their lease is over: a planted fault."""


@dataclass(slots=True)
class Report:
    """What a run showed."""

    plan: Plan
    visits: int
    pages: int
    breaches: Counter[str]
    lost: int
    twice: int
    overlaps: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    """Calls to the engine while all nodes had work."""
    steady_visits: int = 0
    rate: float = 0.0
    """Visits while all nodes had work, as a part of those that were possible."""
    happened: Counter[str] = field(default_factory=Counter)
    fenced: int = 0
    """Lives that ended because their lease was over."""
    running: int = 0
    """Nodes that did not end by themselves."""
    virtual_s: float = 0.0
    noticed_s: float = 0.0
    """Time from the last answer until the last node had ended."""
    wall_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def calls_a_page(self) -> float:
        return self.calls.total() / max(1, self.steady_visits)

    @property
    def is_whole(self) -> bool:
        return not (self.breaches.total() or self.lost or self.twice or self.running)


class Fleet:
    """All nodes, and what happens to them."""

    def __init__(self, plan: Plan, backend: SqliteBackend) -> None:
        self.plan = plan
        self.backend = backend
        self.terms = parts.terms(Config())
        self.web = FleetWeb(
            plan.hosts, KEY, delay_s=self.terms.rest_s, per_ip=self.terms.at_one_ip, seed=plan.seed
        )  # fmt: skip
        self.nodes: list[FleetNode] = []
        self.calls: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self._random = Random(plan.seed)
        self._loop = fleet_time.current()
        self._clock = Clock(self._loop.time, self._loop.wall)
        self._away: set[FleetNode] = set()
        self._leaving: set[FleetNode] = set()

    async def plant(self) -> None:
        """Stores the seeds."""
        async with open_sharded(self.backend, "seeds", self.terms, clock=self._clock, takes_all=True) as frontier:
            await frontier.add(self.web.seeds())

    def join(self, kind: type[Node] = Node) -> FleetNode:
        line = Line(self.backend, self.calls, self._note_beat)
        node = FleetNode(len(self.nodes) + 1, line, self.web, self.terms, self.plan.places, kind)
        self.nodes.append(node)
        node.start()
        return node

    def _note_beat(self, member: Membership) -> None:
        self.web.leases[member.incarnation] = self._loop.time() + member.ttl_s

    @property
    def running(self) -> list[FleetNode]:
        return [node for node in self.nodes if not (node.is_killed or node.has_ended)]

    @property
    def working(self) -> int:
        """How many nodes can work now."""
        return len(set(self.running) - self._away)

    # -- what happens ------------------------------------------------------------------------------------------------

    async def disturb(self) -> None:
        """Lets things happen to nodes until it is cancelled."""
        for number in range(self.plan.defiant):
            await asyncio.sleep(self.plan.every_s)
            self._loop.create_task(self._stop(self.nodes[number]))
        while True:
            await asyncio.sleep(self.plan.every_s)
            able = sorted(set(self.running) - self._away - self._leaving, key=lambda node: node.number)
            if len(able) < 2:
                continue
            node = self._random.choice(able)
            match self._random.choice(("kill", "stop", "part", "drain", "join")):
                case "kill":
                    self._count("killed")
                    node.kill()
                    self.join()
                case "stop":
                    self._loop.create_task(self._stop(node))
                case "part":
                    self._loop.create_task(self._part(node))
                case "drain":
                    self._count("drained")
                    self._leaving.add(node)
                    node.drain()
                    self.join()
                case "join":
                    self._count("joined")
                    self.join()

    async def _stop(self, node: FleetNode) -> None:
        """Stops a node for longer than its lease lasts, and lets it go on."""
        self._count("stopped")
        self._away.add(node)
        self._loop.stop_process(node.number)
        await asyncio.sleep(self._random.uniform(*AWAY_S))
        self._loop.continue_process(node.number)
        self._away.discard(node)

    async def _part(self, node: FleetNode) -> None:
        """Parts a node from the engine for longer than its lease lasts."""
        self._count("parted")
        self._away.add(node)
        node.line.part()
        await asyncio.sleep(self._random.uniform(*AWAY_S))
        node.line.heal()
        self._away.discard(node)

    def _count(self, what: str) -> None:
        self.happened[what] += 1

    # -- what came of it ---------------------------------------------------------------------------------------------

    async def watch(self, report: Report) -> None:
        """Measures the rate while all nodes have work, then waits until every node has ended."""
        await asyncio.sleep(WARM_S)
        self.calls.clear()
        account, begun, possible_s = self.web.account, self.web.account.visits, 0.0
        answered_s = self.web.answered_s
        while account.visits < STEADY * self.web.pages and self.running:
            await asyncio.sleep(0.5)
            possible_s += 0.5 * self.working * self.plan.places
        report.calls, report.steady_visits = Counter(self.calls), account.visits - begun
        report.rate = (self.web.answered_s - answered_s) / max(possible_s, 1e-9)
        while running := [node.task for node in self.running if node.task]:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def judge(self, report: Report) -> None:
        """Counts the pages that are not in the records of all nodes, and those that are there twice."""
        standing = await self.backend.standing()
        seen = bytearray(self.web.pages)
        for node in self.nodes:
            for page in settled_records(node, standing):
                report.twice += bool(seen[page])
                seen[page] = 1
        report.lost = seen.count(0)
        report.breaches, report.visits = self.web.account.breaches, self.web.account.visits
        report.overlaps = self.web.overlaps
        report.fenced = sum(node.lives - 1 for node in self.nodes)
        report.happened = self.happened

    async def bury(self) -> None:
        """Ends the tasks of killed nodes, which have no process that could."""
        for node in self.nodes:
            if self._loop.is_stopped(node.number):
                self._loop.continue_process(node.number)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def simulate(plan: Plan, patience_s: float = 3600.0) -> Report:
    """Crawls until every node has ended, or for an hour of virtual time."""
    logging.getLogger("crawler").setLevel(logging.ERROR)
    loop, wall, cpu = fleet_time.current(), time.perf_counter(), time.process_time()
    clock = Clock(loop.time, loop.wall)
    async with open_memory_backend(plan.shards, key=KEY, clock=clock) as backend:
        fleet = Fleet(plan, backend)
        await fleet.plant()
        print(f"  {fleet.web.pages:,} pages, seeds stored after {time.perf_counter() - wall:.0f} s", flush=True)
        began = loop.time()
        for number in range(plan.nodes):
            fleet.join(Defiant if number < plan.defiant else Node)
        report = Report(plan, 0, fleet.web.pages, Counter(), 0, 0)
        disturbing = asyncio.create_task(fleet.disturb()) if math.isfinite(plan.every_s) else None
        telling = asyncio.create_task(_tell(fleet))
        try:
            async with asyncio.timeout(patience_s):
                await fleet.watch(report)
        except TimeoutError:
            report.running = len(fleet.running)
        telling.cancel()
        if disturbing is not None:
            disturbing.cancel()
        report.virtual_s, report.noticed_s = loop.time() - began, loop.time() - fleet.web.last_end
        await fleet.judge(report)
        await fleet.bury()
    report.wall_s, report.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return report


async def _tell(fleet: Fleet) -> None:
    began = time.perf_counter()
    while True:
        await asyncio.sleep(10.0)
        spent = time.perf_counter() - began
        print(
            f"  {fleet.web.account.visits:,} visits, {fleet.working} nodes, {spent:.0f} s", file=sys.stderr, flush=True
        )


def main(arguments: Sequence[str] = ()) -> int:
    given = _parse(arguments)
    print(describe(PYTHON))
    plan = Plan(given.nodes, given.hosts, given.shards, given.places, given.every, given.seed, given.defiant)
    few = max(2, plan.nodes // 100)
    part = 1 << (plan.shards * few // plan.nodes).bit_length()  # as many sites a shard, or half as many
    small = replace(plan, nodes=few, hosts=max(1, plan.hosts * few // plan.nodes), shards=part)
    compared = [] if given.alone else [fleet_time.run(simulate(small))]
    for report in compared:
        print_report(report)
    report = fleet_time.run(simulate(plan))
    print_report(report)
    return _judge(report, compared)


def _judge(report: Report, compared: Sequence[Report]) -> int:
    is_met = report.is_whole and report.rate >= GOAL_RATE
    for other in compared:
        grown = report.calls_a_page / other.calls_a_page
        print(f"calls a page, {other.plan.nodes} nodes to {report.plan.nodes}: {grown:.2f} times as many")
        is_met = is_met and other.is_whole and grown <= GOAL_FLAT
    print(f"goals: nothing lost, twice or impolite, every node ends, {GOAL_RATE:.0%} of the possible rate,")
    print(f"calls a page at most {GOAL_FLAT} times as many: {'met' if is_met else 'missed'}")
    return 0 if is_met else 1


def print_report(report: Report) -> None:
    plan = report.plan
    print(
        f"{plan.nodes:,} nodes, {plan.hosts:,} sites in {plan.shards:,} shards,"
        f" {report.pages:,} pages, seed {plan.seed}"
    )
    told = ", ".join(f"{number} {what}" for what, number in sorted(report.happened.items())) or "nothing happened"
    print(f"nodes: {told}; {report.fenced} lives ended by a lost lease; {report.running} did not end by themselves")
    print(
        f"{report.visits:,} visits; lost {report.lost}, twice {report.twice}, impolite {report.breaches.total()}"
        + "".join(f"; {number} {why}" for why, number in report.breaches.items())
        + f"; {report.overlaps} met a request that a node without a lease had begun in time"
    )
    calls = ", ".join(
        f"{number / max(1, report.steady_visits):.3f} {name}" for name, number in report.calls.most_common()
    )
    print(f"{report.rate:.1%} of the possible rate; {report.calls_a_page:.3f} calls to the engine a page: {calls}")
    print(
        f"{report.virtual_s:.0f} virtual seconds ({report.noticed_s:.1f} after the last answer) in"
        f" {report.wall_s:.0f} s, {report.cpu_s:.0f} s of CPU:"
        f" {report.cpu_s / max(1, report.visits) * 1e3:.2f} ms a visit"
    )


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fleet", description=__doc__)
    plan = Plan()
    parser.add_argument("--nodes", type=int, default=plan.nodes)
    parser.add_argument("--hosts", type=int, default=plan.hosts)
    parser.add_argument("--shards", type=int, default=plan.shards)
    parser.add_argument("--places", type=int, default=plan.places, help="visits at a time of one node")
    parser.add_argument("--every", type=float, default=plan.every_s, help="seconds between two things that happen")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--defiant", type=int, default=0, help="nodes that ignore that their lease is over")
    parser.add_argument("--alone", action="store_true", help="no run with a hundredth of the nodes before")
    return parser.parse_args(arguments or None)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
