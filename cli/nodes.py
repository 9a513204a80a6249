"""`crawl nodes NAME`: the nodes of a crawl in an engine, and what a person does with one."""

from __future__ import annotations

