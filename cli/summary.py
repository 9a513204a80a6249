"""Writes the summary at the end of a run, and the next command. Pure: values in, text out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from crawler import escape_text

from .exit_codes import is_barren
from .show import count_settled, duration, format_counts, format_outcomes, many, number, size

if TYPE_CHECKING:
    from crawler import Counts, Folder, Summary, Trap

SHOWN_FAILURES = 5
"""Sites that failed; the records hold all of them."""
SHOWN_CULPRITS = 3
SHOWN_TRAPS = 5
SHOWN_TRACE = 12
"""Lines of a traceback, from its end."""
WORTH_ADVICE_S = 10
"""A shorter crawl gets no advice on speed."""


def summary_lines(summary: Summary, folder: Folder, command: Sequence[str], bad_seeds: int = 0) -> list[str]:
    """Returns the summary of a run: results, failures, what is left, and how to continue."""
    lines = [_headline(summary, folder)]
    if summary.dispositions:
        lines.append(f"  {format_outcomes(summary.dispositions) or 'nothing was fetched'}")
    lines += _totals(summary, folder)
    lines += _failures(summary, folder)
    lines += _traces(summary)
    lines += _missing_fields(summary)
    lines += _hindrances(summary)
    lines += _rereads(summary)
    if summary.lost_records:
        lines.append(f"  {many(summary.lost_records, 'visit')} repeated: records were missing")
    lines += _traps(summary, folder)
    lines += _left_out(summary, folder)
    lines += _moved(summary)
    if bad_seeds:
        lines.append(f"  {many(bad_seeds, 'unusable line')} among the seeds: {folder.bad_seeds_path}")
    lines += _blocked(summary)
    lines += [f"  {waited}"] if (waited := _waited(summary)) else []
    if count_settled(summary.counts):
        lines += [f"  {_label(output.name)}: {output.place}" for output in folder.outputs]
        lines.append(f"  why a page is missing: crawl explain {escape_text(shlex.quote(str(folder.path)))} URL")
    if summary.counts.scheduled and not summary.queued:
        lines += [_schedule(summary.counts), f"  {continue_command(command)}"]
    if summary.queued:
        again = with_larger_limit(command, folder) if summary.ended == "page-limit" else command
        lines += [f"{number(summary.queued)} still queued; to continue:", f"  {continue_command(again)}"]
    elif not summary.counts.scheduled:
        lines += _ways_on(summary, folder)
    return lines


def _label(output: str) -> str:
    return {"warc": "archive", "files": "files"}.get(output.partition(":")[0], "pages")


def continue_command(arguments: Sequence[str]) -> str:
    """Returns the command that continues, ready to paste. Secret settings are left out: the folder holds them."""
    words: list[str] = []
    for word in arguments:
        if _is_secret(word.removeprefix("--set=")) and (word.startswith("--set=") or words[-1:] == ["--set"]):
            del words[len(words) - (words[-1:] == ["--set"]) :]
        elif word != "--fresh":
            words.append(word)
    return escape_text(shlex.join(["crawl", *words]))


def with_larger_limit(arguments: Sequence[str], folder: Folder) -> list[str]:
    """Returns the arguments with twice the page limit, because the limit counts over all runs of a crawl folder."""
    limit = str(2 * (folder.config.scope.limit or 0))
    words = list(arguments)
    for i, word in enumerate(words):
        if word == "--limit" and i + 1 < len(words):
            words[i + 1] = limit
            return words
        if word.startswith("--limit="):
            words[i] = f"--limit={limit}"
            return words
    return [*words, "--limit", limit]


def _is_secret(assignment: str) -> bool:
    from crawler.settings.catalog import SECRETS
    from crawler.settings.loading import mask_value

    name = assignment.partition("=")[0].strip().replace("-", "_")
    is_secret = any(name in (key, key.partition(".")[2]) for key in SECRETS)
    return is_secret or mask_value(name, assignment) != assignment


def _headline(summary: Summary, folder: Folder) -> str:
    if not summary.dispositions and summary.ended == "exhausted":
        if summary.counts.scheduled:
            return f"nothing is due: {folder.path} is up to date"
        return (
            f"nothing left to do: {folder.path} is finished, with {many(count_settled(summary.counts), 'URL')} settled"
        )
    what = {
        "exhausted": "nothing could be crawled" if is_barren(summary) else "finished",
        "page-limit": "page limit reached",
        "time-limit": "time limit reached",
        "size-limit": "size limit reached",
        "stopped": "stopped, everything is saved",
        "aborted": "stopped at once, everything is saved",
    }[summary.ended]
    rate = summary.pages / max(summary.elapsed_s, 0.001)
    needed = f" and {many(summary.requisites, 'requisite')}" if summary.requisites else ""
    pages = f"{many(summary.pages, 'page')}{needed} in {duration(summary.elapsed_s)} ({rate:.1f}/s)"
    pages += f", {size(summary.bytes)}"
    parked = summary.counts.parked
    if not parked:
        return f"{what}: {pages}"
    return f"{what}: {pages}; {many(parked, 'URL')} parked in {many(len(_parked(summary)), 'pattern')}"


def _parked(summary: Summary) -> list[Trap]:
    return [trap for trap in summary.traps if trap.parked]


def _totals(summary: Summary, folder: Folder) -> Iterable[str]:
    """Yields a line with the number of all known URLs and how they divide into outcomes, parked and queued."""
    counts = summary.counts
    if folder.is_new and not (counts.parked or summary.queued):
        return
    told = {str(name): n for name, n in counts.settled.items() if n}
    told |= {"parked": counts.parked} if counts.parked else {}
    told |= {"queued": summary.queued} if summary.queued else {}
    yield f"  in total {many(counts.known, 'URL')}: {format_counts(told)}"


def _rereads(summary: Summary) -> Iterable[str]:
    from crawler import Disposition

    failed = summary.rereads.get(Disposition.FAILED, 0)
    if failed:
        yield f"  {many(failed, 'page')} could not be read again: links that were left out there are still missing"


def _left_out(summary: Summary, folder: Folder) -> Iterable[str]:
    """Yields a line with the rules that left links out, and on how many pages."""
    from crawler import LeftOut

    scope = folder.config.scope
    names = {
        LeftOut.DEPTH: f"--depth {scope.max_depth}",
        LeftOut.REACH: f"--reach {scope.reach}",
        LeftOut.PATTERNS: "--include or --exclude",
        LeftOut.REPEATS: "scope.max_repeats",
        LeftOut.NOFOLLOW: "nofollow",
        LeftOut.MAX_LINKS: "scope.max_links",
    }
    if scope.requisites:
        names[LeftOut.REQUISITES] = "scope.max_requisites"
    told = [f"{names[rule]} ({many(n, 'page')})" for rule, n in summary.left_out.items() if n and rule in names]
    if told:
        yield f"  links left out by {', '.join(told)}"


def _ways_on(summary: Summary, folder: Folder) -> Iterable[str]:
    """Yields commands that would fetch more, when nothing is left to do."""
    from crawler import Disposition, Reason

    here = shlex.quote(str(folder.path))
    if failed := summary.counts.settled.get(Disposition.FAILED, 0):
        yield f"{many(failed, 'URL')} failed; to try {'it' if failed == 1 else 'them'} again:"
        yield escape_text(f"  crawl {here} --retry-failed")
    parked = _parked(summary)
    if [trap for trap in parked if trap.reason is Reason.TRAP]:
        yield "to fetch all URLs parked as endless, or those of one pattern:"
        yield escape_text(f"  crawl {here} --traps off")
    if parked:
        yield escape_text(f"  crawl {here} --unpark {shlex.quote(parked[0].pattern)}")
    if not summary.dispositions:
        yield "wider settings (--depth, --reach, --include, --limit) continue from here; --fresh starts over"
        if folder.config.scope.exclude:
            yield "the folder keeps what was excluded; --set exclude=[] lifts it"


def _schedule(counts: Counts) -> str:
    wait_s = max(0.0, counts.due_in_s or 0.0)
    when = f"in {duration(wait_s)}" if wait_s >= 1 else "now"
    return f"{many(counts.scheduled, 'page')} on schedule, the next due {when}; to revisit:"


def _traps(summary: Summary, folder: Folder) -> Iterable[str]:
    from crawler import Reason

    parks = folder.config.scope.traps == "park"
    for trap in summary.traps[:SHOWN_TRAPS]:
        pattern = escape_text(trap.pattern)[:200]
        waiting = f"{many(trap.parked, 'URL')} parked"
        if trap.reason is Reason.TRAP:
            yield f"  trap {pattern}"
            said = f"; {waiting}" if parks else "; traps = park would park it"
            yield f"    {number(trap.news)} of {many(trap.fetched, 'page')} were new{said}"
        else:
            why = "the site blocks us" if trap.reason is Reason.BLOCKED else "the site is down"
            yield f"  {trap.reason} {pattern}"
            yield f"    {waiting}: {why}"
        yield from (f"    {escape_text(example)[:200]}" for example in trap.examples)
    if len(summary.traps) > SHOWN_TRAPS:
        yield f"  and {many(len(summary.traps) - SHOWN_TRAPS, 'pattern')} more"


def _failures(summary: Summary, folder: Folder) -> Iterable[str]:
    from crawler import Disposition, Reason

    shown = summary.failures[:SHOWN_FAILURES]
    for site, reason, n, url, parser in shown:
        example = escape_text(url.removeprefix(site))[:200]
        what = f"{escape_text(parser)} failed at {many(n, 'page')} of" if parser else f"failed {number(n)} at"
        yield f"  {what} {escape_text(site)}: {reason}, such as {example}"
    rest = summary.dispositions.get(Disposition.FAILED, 0) - sum(one.n for one in shown if not one.parser)
    if rest > 0:
        yield f"  failed {number(rest)} at other sites; all reasons: {format_counts(summary.reasons)}"
    if n := summary.reasons.get(Reason.HTTP2_ONLY, 0):
        hosts = [escape_text(one.site) for one in summary.failures if one.reason is Reason.HTTP2_ONLY]
        yield f"  {many(n, 'URL')} of hosts that speak HTTP/2 alone, which crawl does not: {_list(hosts)}"
    if Reason.BLOCKED_ADDRESS in summary.reasons:
        yield "  private addresses are refused unless their network is named: --allow-network 127.0.0.0/8"
    if not folder.config.fetch.cookies and Reason.TOO_MANY_REDIRECTS in [one.reason for one in summary.failures]:
        yield "  some redirect circles end for clients that keep cookies: --set fetch.cookies=true --retry-failed"


def _traces(summary: Summary) -> Iterable[str]:
    """Yields the end of the first traceback of each parse function that failed."""
    for name, trace in list(summary.traces.items())[:SHOWN_CULPRITS]:
        lines = trace.splitlines()
        yield f"  the first error of {escape_text(name)}:"
        yield from ("    ..." for _ in lines[SHOWN_TRACE:][:1])
        yield from (f"    {escape_text(line)[:200]}" for line in lines[-SHOWN_TRACE:])


def _missing_fields(summary: Summary) -> Iterable[str]:
    """Yields a line for each field that no page had."""
    for one in summary.fields:
        if one.found or not one.pages:
            continue
        what = f"  the field {one.name} was found on none of {many(one.pages, 'page')}"
        if one.unread:
            what = f"  the field {one.name} was found on {many(one.unread, 'page')}, but no value of its type"
        yield f"{what}: {escape_text(one.selector)[:200]}"


def _list(names: Sequence[str]) -> str:
    """Returns the first names in words."""
    more = len(names) - SHOWN_FAILURES
    return ", ".join(names[:SHOWN_FAILURES]) + (f" and {number(more)} more" if more > 0 else "")


def _hindrances(summary: Summary) -> Iterable[str]:
    """Yields lines about sites that were down or block us. Soft outages are shown even if all pages came in the end."""
    from crawler import Reason

    shown = summary.hindrances[:SHOWN_FAILURES]
    for site, reason, n, detail in shown:
        if reason is Reason.SOFT_OUTAGE:
            yield f"  soft outage at {escape_text(site)}: {many(n, 'answer')} brought no content; asked for again"
        else:
            yield f"  blocked by {escape_text(site)}, {many(n, 'answer')}: {escape_text(detail)[:200]}"
    if any(one.reason is Reason.BLOCKED for one in shown):
        yield "  ask the owners of sites that block; --contact says who you are, --delay goes slower (docs/blocked.md)"


def _moved(summary: Summary) -> Iterable[str]:
    from crawler import Reason

    if moved := summary.reasons.get(Reason.MOVED, 0):
        yield (
            f"  {many(moved, 'seed')} moved to another domain: only where {'it' if moved == 1 else 'they'} landed was"
            " fetched; --set follow_moved_seeds=true follows them"
        )


def _blocked(summary: Summary) -> Iterable[str]:
    """Yields a line for each piece of code that blocked the loop more than once; the log has the others."""
    for culprit, times, worst_s in [one for one in summary.blocked if one.times > 1][:SHOWN_CULPRITS]:
        yield escape_text(f"  {culprit} blocked all visits {number(times)} times, for {duration(worst_s)} at worst")


def _waited(summary: Summary) -> str:
    """Returns what limited the crawl for most of its time, if the reason is not this machine; empty otherwise."""
    from crawler import Bound

    told = (Bound.POLITENESS, Bound.CRAWL_DELAY, Bound.PER_SITE, Bound.PER_IP, Bound.RETRIES, Bound.DNS, Bound.HELD)
    bound = max(told, key=lambda one: summary.bounds.get(one, 0))
    share = summary.bounds.get(bound, 0)
    if share < 0.5 or summary.elapsed_s < WORTH_ADVICE_S:
        return ""
    return f"bound by {bound} {share:.0%} of the time: {bound.advice}"
