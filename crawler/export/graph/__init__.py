"""The formats `graph`, `graphml` and `webgraph`: pages and the links among them, with what these say of each page."""

from __future__ import annotations

from .writing import write_graph, write_graphml, write_webgraph

__all__ = ["write_graph", "write_graphml", "write_webgraph"]
