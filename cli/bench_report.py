"""Writes what `crawl bench` measured: for a terminal, as a page of HTML, as a record. Pure: values in, text out."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING

from . import show, work_places

if TYPE_CHECKING:
    from crawler.bench import Extra, Figures, Places, Rate, Stage, Way, Work

BAR = 36
"""Columns of the longest bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_WHAT = {
    "I/O-bound": "a page is fetched; its server takes {latency:g} ms to answer",
    "CPU-bound": "a page is parsed",
    "mixed": "a page is fetched and parsed, as in a crawl",
}


def describe(what: Stage | Work | Extra, way: Way | None) -> str:
    """Returns what is being measured, in words."""
    return f"measuring {what}" + (f", {way}" if way else "")


def lines(figures: Figures) -> Iterator[str]:
    """Yields the report for a terminal, at most 80 columns wide."""
    yield from show.wrap_text(_machine(figures), show.WIDTH)
    if figures.load > figures.cores / 2:
        yield f"the machine was busy (load {figures.load:.1f}): it can do more than this says"
    yield ""
    yield f"{'what a crawl does here':<26}{'pages/s':>9}{'ms of the loop a page':>24}{'loop late, p99':>18}"
    for stage, rate in figures.stages.items():
        late = "" if rate.late_ms is None else f"{rate.late_ms:.1f} ms"
        yield f"  {stage:<24}{_number(rate.per_second):>9}{rate.loop_ms:>24.2f}{late:>18}"
    for work, ways in figures.work.items():
        yield ""
        yield f"{work}: {_said(figures, work)}; pages/s"
        most = max(rate.per_second for rate in ways.values())
        for way, rate in ways.items():
            bar = draw_bar(rate.per_second / most if most else 0.0)
            yield f"  {way:<26}{_number(rate.per_second):>9}  {bar}".rstrip()
    if figures.places:
        yield ""
        yield from _places(figures.places)
    if said := lessons(figures):
        yield ""
        yield "what this says"
        for one in said:
            first, *more = show.wrap_text(one, show.WIDTH - 4)
            yield f"  * {first}"
            yield from (f"    {line}" for line in more)


def _places(places: Places) -> Iterator[str]:
    yield "where a page is read; ms of CPU with the hand-over, one page at a time"
    yield f"  {'size':<18}{'loop':>8}{'thread':>8}{'worker':>8}   {'`auto` chooses':<16}at full speed"
    for size, *costs, chosen, hurried in _choices(places):
        yield f"  {size:<18}{''.join(f'{cost:>8}' for cost in costs)}   {chosen:<16}{hurried}"
    yield from show.wrap_text(_other_places(places), show.WIDTH)


def _choices(places: Places) -> Iterator[tuple[str, ...]]:
    """Yields a row for each size: what it costs in each place, and the choices at rest and in a hurry."""
    hurried = {row[0]: row[-1] for row in work_places.rows(places.in_a_hurry)}
    for row in work_places.rows(places.at_rest):
        yield (*row, hurried.get(row[0], ""))


def _other_places(places: Places) -> str:
    gil = "threads share a GIL" if places.has_gil else "threads need no GIL"
    return f"{gil}; interpreters: {places.interpreters or 'pages can be parsed in them'}"


def draw_bar(share: float) -> str:
    """Returns a bar that is `share` of the longest one."""
    full, eighths = divmod(round(share * BAR * 8), 8)
    return ("█" * full + _EIGHTHS[eighths]).rstrip()


def lessons(figures: Figures) -> list[str]:
    """Returns what the figures say about loops, threads and processes, a sentence or two each."""
    if not figures.work:
        return []
    from crawler.bench import Way, Work

    io, cpu, mixed = (figures.work[work] for work in Work)
    alone, threads, processes = (cpu[way].per_second for way in (Way.SEQUENTIAL, Way.THREADS, Way.PROCESSES))
    loop, hybrid, plain = mixed[Way.ASYNCIO], mixed[Way.HYBRID], mixed[Way.UNBATCHED]
    pool = "1 process parses" if figures.cores == 1 else f"{figures.cores} processes parse"
    best = [f"{' and '.join(figures.fastest(work))} for {work} work" for work in Work]
    return [
        f"Waiting costs nothing on a loop. One page after the other makes {_rate(io[Way.SEQUENTIAL])}, "
        f"{figures.threads} threads make {_rate(io[Way.THREADS])}, and {figures.at_once} tasks in one thread make "
        f"{_rate(io[Way.ASYNCIO])}.",
        f"The GIL lets one thread of a process run Python at a time. {figures.threads} threads parse "
        f"{_times(threads, alone)} as fast as one, and {pool} {_times(processes, alone)} as fast.",
        f"A loop that parses cannot fetch meanwhile. It makes {_rate(loop)}, and 1 of 100 of its turns comes "
        f"{_late(loop)} late or more. With workers it makes {_rate(hybrid)}, and the turns come {_late(hybrid)} late.",
        f"Page by page, run_in_executor hands over {_rate(plain)}, with {_loop(plain)} of the loop a page. In batches, "
        f"and with a loop that naps for an instant so that its threads get the GIL, it is {_rate(hybrid)} and "
        f"{_loop(hybrid)}.",
        f"Fastest here, give or take a tenth: {', '.join(best)}. A crawl is mixed work, and crawld is a hybrid.",
    ]


def as_record(figures: Figures) -> dict[str, object]:
    """Returns the figures as a JSON object."""
    return {
        "python": platform.python_version(),
        "cores": figures.cores,
        "load": round(figures.load, 2),
        "threads": figures.threads,
        "at_once": figures.at_once,
        "latency_ms": figures.latency_ms,
        "page_bytes": figures.page_bytes,
        "stages": _rates(figures.stages),
        "work": {str(work): _rates(ways) for work, ways in figures.work.items()},
        "places": _record_places(figures.places) if figures.places else None,
    }


def _record_places(places: Places) -> dict[str, object]:
    return {
        "at_rest": [one._asdict() for one in places.at_rest],
        "in_a_hurry": [one._asdict() for one in places.in_a_hurry],
        "has_gil": places.has_gil,
        "interpreters": places.interpreters,
    }


def page(figures: Figures) -> str:
    """Returns the report as a page of HTML that needs nothing else."""
    stages = "".join(
        f"<tr><th scope=row>{escape(stage)}<td>{_number(rate.per_second)}<td>{rate.loop_ms:.2f}"
        f"<td>{'' if rate.late_ms is None else f'{rate.late_ms:.1f}'}"
        for stage, rate in figures.stages.items()
    )
    work = "".join(_section(figures, work, ways) for work, ways in figures.work.items())
    said = "".join(f"<li>{escape(one)}" for one in lessons(figures))
    ends = f"<h2>What this says</h2><ul>{said}</ul>" if said else ""
    if figures.places:
        work += _section_of_places(figures.places)
    return _PAGE.format(machine=escape(_machine(figures)), stages=stages, work=work, said=ends)


def _section_of_places(places: Places) -> str:
    rows = "".join(
        f"<tr><th scope=row>{escape(size)}{''.join(f'<td>{escape(cell)}' for cell in cells)}"
        for size, *cells in _choices(places)
    )
    return (
        "<h2>Where a page is read</h2><p>Milliseconds of CPU with the hand-over, one page at a time, and what "
        "<code>offload.executor = auto</code> chooses in a crawl that mostly waits, and in one at full speed.</p>"
        "<table><thead><tr><th>size<th>loop<th>thread<th>worker<th>chosen<th>at full speed</thead>"
        f"{rows}</table><p>{escape(_other_places(places))}</p>"
    )


def _section(figures: Figures, work: Work, ways: Mapping[Way, Rate]) -> str:
    most = max(rate.per_second for rate in ways.values()) or 1.0
    rows = "".join(
        f"<tr><th scope=row>{escape(way)}<td>{_number(rate.per_second)}<td class=chart>"
        f"<svg viewBox='0 0 100 10' preserveAspectRatio=none aria-hidden=true>"
        f"<rect width='{rate.per_second / most * 100:.1f}' height=10 /></svg>"
        for way, rate in ways.items()
    )
    return (
        f"<h2>{escape(work)}</h2><p>{escape(_said(figures, work))}</p>"
        f"<table><thead><tr><th>way<th>pages/s<th class=chart></thead>{rows}</table>"
    )


def _machine(figures: Figures) -> str:
    return (
        f"{show.many(figures.cores, 'core')}, Python {platform.python_version()}; pages of "
        f"{show.size(figures.page_bytes)}; {figures.at_once} requests at a time"
    )


def _said(figures: Figures, work: Work) -> str:
    return _WHAT[work].format(latency=figures.latency_ms)


def _rates(found: Mapping[Stage, Rate] | Mapping[Way, Rate]) -> dict[str, object]:
    return {
        str(name): {
            "pages": rate.pages,
            "seconds": round(rate.seconds, 3),
            "pages_per_second": round(rate.per_second, 1),
            "loop_ms_per_page": round(rate.loop_ms, 4) if rate.late_ms is not None else None,
            "loop_late_p99_ms": None if rate.late_ms is None else round(rate.late_ms, 2),
        }
        for name, rate in found.items()
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _rate(rate: Rate) -> str:
    return f"{_number(rate.per_second)} pages/s"


def _times(value: float, one: float) -> str:
    return f"{value / one if one else 0:.1f} times"


def _late(rate: Rate) -> str:
    return f"{rate.late_ms or 0:.1f} ms"


def _loop(rate: Rate) -> str:
    return f"{rate.loop_ms:.2f} ms"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>crawl bench</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th {{ text-align: left; font-weight: normal; padding-right: 1rem }}
td, thead th:not(:first-child) {{ text-align: right; padding-left: 1rem; font-variant-numeric: tabular-nums }}
thead {{ border-bottom: 1px solid; opacity: .8 }}
td.chart, th.chart {{ width: 50% }}
svg {{ display: block; width: 100%; height: 1rem }}
rect {{ fill: #3a7bd5 }}
</style></head><body>
<h1>crawl bench</h1><p>{machine}</p>
<h2>What a crawl does here</h2>
<table><thead><tr><th>stage<th>pages/s<th>ms of the loop a page<th>loop late, p99, ms</thead>{stages}</table>
{work}
{said}
</body></html>
"""
