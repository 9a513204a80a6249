"""Writes the lists of all metrics in `docs/metrics.md` from the code: `make settings` does so, too."""

from __future__ import annotations

import re
from pathlib import Path

from crawler.metrics.catalog import METRICS, SECTIONS, Metric

SHARED = {
    "state": "of `crawld_jobs` the states of daemon.md; of `crawld_workers` `busy`, `idle`",
    "percentile": "`50`, `90`, `99`; of `crawld_event_loop_late_seconds` also `100`, the worst",
}
"""Labels whose values differ between metrics."""

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs/metrics.md"
BEGIN = "## Labels\n"
"""The heading from which on the page is written here."""


def reference() -> str:
    """Returns the page: its words as they stand there, then the lists."""
    head, _, _ = PAGE.read_text("utf-8").partition(BEGIN)
    lines = [head + BEGIN, "| label | values |", "|---|---|"]
    labels = {label: values for metric in METRICS for label, values in metric.labels.items() if label not in SHARED}
    lines += [f"| `{label}` | {_mark(_link(values))} |" for label, values in (SHARED | labels).items()]
    for title, metrics in SECTIONS.items():
        lines += ["", f"## {title}", "", "| metric | is | means | where it is high |", "|---|---|---|---|"]
        lines += [_row(metric) for metric in metrics]
    return "\n".join(lines) + "\n"


def _row(metric: Metric) -> str:
    labels = f" `{{{', '.join(metric.labels)}}}`" if metric.labels else ""
    what = f"{metric.kind}, in {metric.unit}" if metric.unit else str(metric.kind)
    return f"| `{metric.name}`{labels} | {what} | {_mark(metric.meaning)} | {_mark(_link(metric.when_high))} |"


def _mark(text: str) -> str:
    """Returns a text with names of metrics and settings set as code."""
    names = "|".join(re.escape(metric.name) for metric in METRICS)
    tables = "daemon|scope|fetch|politeness|offload|watch"
    return re.sub(rf"(?<![`\w])(?:(?:{names})\b|(?:{tables})\.(?!md\b)[a-z_]+\b)(?!`)", r"`\g<0>`", text)


def _link(text: str) -> str:
    """Returns a text with names of documents set as links."""
    text = text.replace("the bounds of daemon.md", "[the bounds](library.md#what-comes-back)")
    return re.sub(r"(?<![(\w])([a-z]+\.md)", r"[\1](\1)", text)


if __name__ == "__main__":
    PAGE.write_text(reference(), "utf-8")
