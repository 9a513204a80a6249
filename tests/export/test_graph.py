"""A crawl as a graph: pages are nodes, links among them edges, and PageRank is what algebra says it is."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from crawler import ConfigError, FolderError, export_folder
from crawler.export.graph import collecting, edges
from crawler.export.graph.collecting import collect_graph
from crawler.export.graph.ranking import TOLERANCE, rank_nodes
from crawler.export.source import read_source

from .conftest import MakeFolder, page

A = "http://a.test"


def web() -> list[dict[str, object]]:
    """Seven records of five URLs: a page that was visited twice, a redirect, an error, a page that links nowhere."""
    moved: dict[str, Any] = {"status": 301, "disposition": "redirected", "location": f"{A}/b"}
    failed: dict[str, Any] = {"status": 404, "disposition": "failed", "depth": 1}
    return [
        page(f"{A}/", links=[f"{A}/old", f"{A}/gone"], depth=0),
        page(f"{A}/moved", depth=1, **moved),
        page(f"{A}/gone", **failed),
        page(f"{A}/b", links=[f"{A}/", f"{A}/b", f"{A}/leaf", "http://elsewhere.test/"], depth=2),
        page(f"{A}/leaf", links=[], depth=3, title="<&\x00>"),
        page(f"{A}/", links=[f"{A}/moved", f"{A}/gone", f"{A}/b"], depth=0, visit=2),
        {"url": f"{A}/robots-says-no", "disposition": "excluded"},
    ]


URLS = [f"{A}/moved", f"{A}/gone", f"{A}/b", f"{A}/leaf", f"{A}/", f"{A}/robots-says-no"]
EDGES = {(0, 2), (2, 4), (2, 3), (4, 0), (4, 1), (4, 2)}


def exact(count: int, edges: set[tuple[int, int]]) -> Any:
    """Returns PageRank as the solution of its equations."""
    moves = np.zeros((count, count))
    for source, target in edges:
        moves[target, source] = 1
    sums = moves.sum(0)
    moves = np.where(sums > 0, moves / np.maximum(sums, 1), 1 / count)
    return np.linalg.solve(np.eye(count) - 0.85 * moves, np.full(count, 0.15 / count))


def test_nodes_and_edges_are_those_of_the_last_visits(make: MakeFolder, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra `analytics` is not installed")
    export_folder(make(web()), "graph", tmp_path / "a.graph")
    nodes = duckdb.sql(f"select * from '{tmp_path}/a.graph/nodes.parquet' order by id").fetchall()
    assert [row[1:7] for row in nodes] == [
        (f"{A}/moved", 301, "redirected", 1, 1, 1),
        (f"{A}/gone", 404, "failed", 1, 1, 0),
        (f"{A}/b", 200, "fetched", 2, 2, 2),
        (f"{A}/leaf", 200, "fetched", 3, 1, 0),
        (f"{A}/", 200, "fetched", 0, 1, 3),
        (f"{A}/robots-says-no", None, "excluded", None, 0, 0),
    ]
    assert np.abs(np.array([row[7] for row in nodes]) - exact(6, EDGES)).sum() < 1e-5
    assert set(duckdb.sql(f"select source, target from '{tmp_path}/a.graph/edges.parquet'").fetchall()) == EDGES
    assert {path.name for path in (tmp_path / "a.graph").iterdir()} == {"edges.parquet", "nodes.parquet"}


def test_lists_for_webgraph_have_a_line_for_each_node_and_each_arc(make: MakeFolder, tmp_path: Path) -> None:
    export_folder(make(web()), "webgraph", tmp_path / "a.webgraph")
    read = {path.name: path.read_text().splitlines() for path in (tmp_path / "a.webgraph").iterdir()}
    assert read["urls.txt"] == URLS
    assert [tuple(map(int, line.split("\t"))) for line in read["arcs.tsv"]] == sorted(EDGES)
    assert [line.split("\t")[:6] for line in read["nodes.tsv"]][::6] == [
        ["id", "status", "disposition", "depth", "in_links", "out_links"], ["5", "", "excluded", "", "0", "0"],
    ]  # fmt: skip


def test_graphml_is_well_formed_and_whole(make: MakeFolder, tmp_path: Path) -> None:
    export_folder(make(web()), "graphml", tmp_path / "a.graphml")
    root = ElementTree.parse(tmp_path / "a.graphml").getroot()
    space = "{http://graphml.graphdrawing.org/xmlns}"
    nodes = {node.get("id"): {data.get("key"): data.text for data in node} for node in root.iter(f"{space}node")}
    assert [node["url"] for node in nodes.values()] == URLS
    assert {key.get("id"): key.get("attr.type") for key in root.iter(f"{space}key")}["pagerank"] == "double"
    edges = {(edge.get("source"), edge.get("target")) for edge in root.iter(f"{space}edge")}
    assert edges == {(f"n{one}", f"n{other}") for one, other in EDGES}


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_pagerank_is_exact_in_graphs_of_any_shape(
    make: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(collecting, "CHUNK", chunk)
    monkeypatch.setattr(edges, "CHUNK", chunk)
    chance = random.Random(chunk)
    for count, most in ((1, 0), (2, 1), (60, 0), (60, 3), (90, 40)):
        links = {one: sorted({chance.randrange(count) for _ in range(chance.randint(0, most))}) for one in range(count)}
        records = [page(f"{A}/{one}", links=[f"{A}/{other}" for other in to]) for one, to in links.items()]
        with collect_graph(read_source(make(records)), tmp_path) as graph:
            ranks = rank_nodes(graph.edges)
        pairs = {(one, other) for one, to in links.items() for other in to if one != other}
        assert graph.edges.n == len(pairs)
        assert abs(ranks.sum() - 1) < 1e-9
        assert np.abs(ranks - exact(count, pairs)).sum() < TOLERANCE * 0.85 / 0.15


def test_a_crawl_without_links_says_how_to_get_them(make: MakeFolder, tmp_path: Path) -> None:
    folder = make([page(f"{A}/")])
    with pytest.raises(FolderError, match=r"a\.crawl have no links: crawl with --links to get a graph$"):
        export_folder(folder, "webgraph", tmp_path / "a.webgraph")
    assert [path.name for path in tmp_path.iterdir()] == ["a.crawl"]
    export_folder(make([]), "webgraph", tmp_path / "a.webgraph")
    assert (tmp_path / "a.webgraph/arcs.tsv").read_bytes() == b""


def test_without_duckdb_the_other_formats_remain(
    make: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigError, match=r"^-f graph needs DuckDB: pip install 'crawld\[analytics\]'$"):
        export_folder(make(web()), "graph", tmp_path / "a.graph")
    export_folder(make(web()), "graphml", tmp_path / "a.graphml")
    assert not (tmp_path / "a.graph").exists()
