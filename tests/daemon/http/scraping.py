"""Scrapes a daemon that crawls, and reads the queries of the dashboard and of the alerts."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import promql_parser
import yaml  # type: ignore[import-untyped]

CONFIG = Path(__file__).parent.parent.parent.parent / "config"
DASHBOARD = CONFIG / "grafana/crawld.json"
RULES = CONFIG / "prometheus/crawld.rules.yml"
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""What Prometheus adds by itself to each scrape."""
VARIABLES = {"$__rate_interval": "5m", "$job_id": ".*", "$job": ".*", "$instance": ".*"}
"""What Grafana puts in the place of its variables."""


class Query(NamedTuple):
    """One query, and the panel or alert that asks it."""

    name: str
    text: str


def panels() -> Iterator[dict[str, object]]:
    """Yields the panels of the dashboard."""
    yield from (panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row")


def queries() -> Iterator[Query]:
    """Yields all queries, with the variables of Grafana replaced."""
    for panel in panels():
        for target in panel["targets"]:  # type: ignore[attr-defined]
            yield Query(f"panel {panel['title']}", replace_variables(target["expr"]))
    for rule in alerts():
        yield Query(f"alert {rule['alert']}", rule["expr"])


def alerts() -> Iterator[dict[str, str]]:
    """Yields the alerts."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def replace_variables(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def uses(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yields each metric of a query with the labels that are asked of it. Raises ValueError for what is no PromQL."""
    found: list[tuple[str, set[str]]] = []
    grouped: set[str] = set()

    def look(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name or "", {matcher.name for matcher in node.matchers.matchers}))
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            grouped.update(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(text), look)
    yield from ((name, labels | grouped) for name, labels in found)


def labels_by_name(samples: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, set[str]]:
    """Returns the labels of each metric as Prometheus stores it, with those that it adds."""
    found: dict[str, set[str]] = defaultdict(set, OF_PROMETHEUS)
    for name, labels in samples:
        found[name] |= {"job", "instance", *labels}
    return dict(found)


def variables_of_dashboard() -> Iterator[tuple[str, str]]:
    """Yields the queries of the dashboard's variables: the selector, and the label whose values it lists."""
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert asked, variable
            yield replace_variables(asked[1]), asked[2]


@dataclass
class Prometheus:
    """A Prometheus that scrapes one daemon once a second."""

    url: str
    http: aiohttp.ClientSession

    async def ask(self, query: str) -> list[Any]:
        """Returns the samples that answer a query. Raises AssertionError for one that is refused."""
        async with self.http.get(f"{self.url}/api/v1/query", params={"query": query}) as answer:
            said = await answer.json()
            assert said["status"] == "success", (query, said)
            return list(said["data"]["result"])


@asynccontextmanager
async def open_prometheus(folder: Path, port: int, token: str) -> AsyncIterator[Prometheus]:
    """Starts a Prometheus with the alerts of ours."""
    job = {
        "job_name": "crawld",
        "authorization": {"credentials": token},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    config = {"global": {"scrape_interval": "1s"}, "rule_files": [str(RULES)], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    options = {"config.file": "prometheus.yml", "storage.tsdb.path": "tsdb", "web.listen-address": address}
    process = await asyncio.create_subprocess_exec(
        "prometheus", *(f"--{name}={value}" for name, value in options.items()), cwd=folder,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            while not await _is_ready(http, address):
                assert process.returncode is None, "Prometheus has ended"
                await asyncio.sleep(0.1)
            yield Prometheus(f"http://{address}", http)
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(http: aiohttp.ClientSession, address: str) -> bool:
    try:
        async with http.get(f"http://{address}/-/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
