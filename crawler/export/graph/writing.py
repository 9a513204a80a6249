"""Writes a graph as Parquet, as GraphML, and as lists for WebGraph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple
from xml.sax.saxutils import escape

from ...analytics import open_database
from ...analytics.schema import literal
from ...runtime.escaping import json_line
from ...runtime.private_files import opener
from ..source import Source
from ..wanted import Wanted
from .collecting import Graph, collect_graph
from .ranking import rank_nodes

_BUFFER = 1 << 18
_TYPES = {
    "id": "INTEGER",
    "url": "VARCHAR",
    "status": "INTEGER",
    "disposition": "VARCHAR",
    "depth": "INTEGER",
    "in_links": "INTEGER",
    "out_links": "INTEGER",
    "pagerank": "DOUBLE",
}
"""The columns of the nodes, with their types in Parquet."""
_GRAPHML_TYPES = {"VARCHAR": "string", "INTEGER": "int", "DOUBLE": "double"}
_INVALID = {code: None for code in range(32) if code not in (9, 10, 13)}
"""Characters that XML 1.0 cannot hold."""


class Node(NamedTuple):
    """One URL of the graph."""

    id: int
    url: str
    status: int | None
    disposition: str
    depth: int | None
    in_links: int
    out_links: int
    pagerank: float


def write_graph(source: Source, folder: Path) -> None:
    """Fills a folder with `nodes.parquet` and `edges.parquet`. Raises ConfigError where DuckDB is not installed."""
    with open_database(folder, "-f graph") as database, collect_graph(source, folder) as graph:
        with TemporaryFile(dir=folder, buffering=_BUFFER) as lines:
            lines.writelines(json_line(node._asdict()) for node in _nodes(graph))
            lines.flush()
            columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _TYPES.items())
            options = f"format = 'newline_delimited', columns = {{{columns}}}"
            table = f"(from read_json('/dev/fd/{lines.fileno()}', {options}))"
            database.run(f"copy {table} to {literal(str(folder / 'nodes.parquet'))} (format parquet, compression zstd)")
        ends = {"source": graph.edges.sources, "target": graph.edges.targets}
        database.copy_columns(ends, folder / "edges.parquet")


def write_webgraph(source: Source, folder: Path) -> None:
    """Fills a folder with `urls.txt`, `nodes.tsv` and `arcs.tsv`, all sorted by node. Raises FolderError, OSError."""
    with collect_graph(source, folder) as graph:
        with _new(folder / "urls.txt") as urls, _new(folder / "nodes.tsv") as facts:
            names = [name for name in Node._fields if name != "url"]
            facts.write("\t".join(names).encode() + b"\n")
            for node in _nodes(graph):
                urls.write(node.url.encode() + b"\n")
                values = (getattr(node, name) for name in names)
                facts.write("\t".join("" if one is None else str(one) for one in values).encode() + b"\n")
        with _new(folder / "arcs.tsv") as arcs:
            for sources, targets in graph.edges.read():
                pairs = zip(sources.tolist(), targets.tolist(), strict=True)
                arcs.write("".join([f"{one}\t{other}\n" for one, other in pairs]).encode())


def write_graphml(source: Source, wanted: Wanted, file: IO[bytes]) -> None:
    """Writes one file that Gephi, yEd and networkx open. Raises FolderError, OSError."""
    with collect_graph(source, wanted.scratch) as graph:
        file.write(_graphml_head().encode())
        for node in _nodes(graph):
            file.write(_graphml_node(node).encode())
        for sources, targets in graph.edges.read():
            pairs = zip(sources.tolist(), targets.tolist(), strict=True)
            lines = [f'<edge source="n{one}" target="n{other}"/>\n' for one, other in pairs]
            file.write("".join(lines).encode())
        file.write(b"</graph>\n</graphml>\n")


def _nodes(graph: Graph) -> Iterator[Node]:
    ranks = rank_nodes(graph.edges)
    for number, url in enumerate(graph.read_urls()):
        status, depth = int(graph.statuses[number]), int(graph.depths[number])
        yield Node(
            number, url, status if status >= 0 else None, graph.disposition(number), depth if depth >= 0 else None,
            int(graph.edges.in_links[number]), int(graph.edges.out_links[number]), float(ranks[number]),
        )  # fmt: skip


def _graphml_head() -> str:
    keys = [
        f'<key id="{name}" for="node" attr.name="{name}" attr.type="{_GRAPHML_TYPES[kind]}"/>\n'
        for name, kind in _TYPES.items()
        if name != "id"
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        f'{"".join(keys)}<graph edgedefault="directed">\n'
    )


def _graphml_node(node: Node) -> str:
    facts = ((name, value) for name, value in node._asdict().items() if name != "id" and value is not None)
    data = "".join(f'<data key="{name}">{escape(str(value).translate(_INVALID))}</data>' for name, value in facts)
    return f'<node id="n{node.id}">{data}</node>\n'


def _new(path: Path) -> IO[bytes]:
    return open(path, "xb", buffering=_BUFFER, opener=opener)
