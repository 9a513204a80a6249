"""`crawl explain URL`: prints why a crawl fetches a URL or not, in words or as JSON."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint

if TYPE_CHECKING:
    from crawler import Config, Explanation, Folder, Known, Ruling, Trap, Trust

SHOWN_CHANGES = 10
SHOWN_FOLDERS = 5
SHOWN_VIA = 20
"""Pages of the chain from the seed that are printed; the JSON holds all of them."""


def explain(
    first: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL",
            help="The URL, written as a seed; or the crawl folder to look into, and behind it the URL.",
        ),
    ],
    second: Annotated[str | None, typer.Argument(metavar="URL", hidden=True)] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="The crawl folder, if not named first. [default: one found here]"
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    seed: Annotated[
        str, typer.Option(metavar="URL", show_default=False, help="Judge it as a link found under this seed.")
    ] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the site for its robots.txt.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Ask the engine for the crawl named first: postgresql://USER@HOST/DB, redis://HOST."
        ),
    ] = "",
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Say why a URL is fetched or not: its canonical form, scope, robots.txt, its site's next turn, its history.

    Asks the site for its robots.txt and for nothing else. For a crawl folder, also during a crawl, it says how the
    URL was found and what happened to it.
    """
    from crawler import Folder, Trust, UrlError
    from crawler import explain as explained
    from crawler.settings.loading import trace

    from .process import run_loop

    given = [first] if second is None else [first, second]
    url, out = _pick_of_engine(given) if engine else _pick(given, out)
    trust = Trust(foreign=trust_folder)
    chosen = trace(config, os.environ, dict(values.setting(text) for text in set_ or ()), "--set", trust=trust)[0]
    folder = _folder(url, out, chosen, trust) if not engine else None
    if folder:
        folder.check_patterns(chosen)
    settings = folder.config if folder else chosen
    frontier = folder.frontier_path if folder and folder.frontier_path.exists() else None
    try:
        if engine and out is not None:
            name = out.name
            answer = run_loop(lambda: _ask_engine(engine, name, url, chosen, seed, is_offline=offline))
            folder = Folder(out, chosen)
        else:
            answer = run_loop(lambda: explained(url, settings, frontier=frontier, seed=seed, is_offline=offline))
    except UrlError as error:
        named = [repr(one) for one in (url, seed) if one and repr(one) not in str(error)]
        raise UrlError(": ".join([str(error), *named])) from error
    if json:
        sys.stdout.write(json_line(answer.record(folder.path if folder else None)).decode())
        return
    for line in words(answer, folder, is_in_engine=bool(engine)):
        print(tint(escape_text(line), sys.stdout))


def _pick(asked: Sequence[str], out: Path | None) -> tuple[str, Path | None]:
    """Returns the URL and the crawl folder that are named, in either order. Raises BadParameter."""
    folders = [word for word in asked if (Path(word) / "crawl.toml").is_file()]
    urls = [word for word in asked if word not in folders]
    if not urls:
        raise typer.BadParameter(f"name the URL as well: crawl explain {shlex.quote(asked[0])} URL", param_hint="URL")
    if len(urls) > 1:
        raise typer.BadParameter(f"one URL at a time, and {urls[0]} is no crawl folder", param_hint="URL")
    if folders and out is not None:
        raise typer.BadParameter("one crawl folder at a time", param_hint="--out")
    return urls[0], Path(folders[0]) if folders else out


def _pick_of_engine(asked: Sequence[str]) -> tuple[str, Path]:
    """Returns the URL and the name of the crawl. Raises BadParameter."""
    if len(asked) < 2:
        raise typer.BadParameter("name the crawl and the URL: crawl explain NAME URL --engine ...", param_hint="URL")
    return asked[1], Path(asked[0])


async def _ask_engine(engine: str, name: str, url: str, chosen: Config, seed: str, *, is_offline: bool) -> Explanation:
    from crawler import explain as explained
    from crawler import open_engine

    async with open_engine(engine) as opened:
        settings = opened.settle(chosen, await opened.standing(name))
        return await explained(url, settings, frontier=opened.asked(name), seed=seed, is_offline=is_offline)


def _folder(url: str, out: Path | None, config: Config, trust: Trust) -> Folder | None:
    """Returns the crawl folder to look into, or None.

    The first of these that exists: the folder that was named, the current one, the default folder of this seed, the
    only crawl folder here.
    """
    from crawler import default_folder_name, read_folder

    if out is not None:
        return read_folder(out, config, trust=trust)
    here = sorted(path.parent for path in Path().glob("*.crawl/crawl.toml"))
    candidates = [Path(), Path(default_folder_name([url])), *(here if len(here) == 1 else ())]
    found = (path for path in candidates if (path / "crawl.toml").is_file() and (path / "frontier.sqlite").is_file())
    path = next(found, None)
    if path is None and len(here) > 1:
        named = ", ".join(str(one) for one in here[:SHOWN_FOLDERS])
        print(escape_text(f"there are several crawl folders here; -o names the one to ask: {named}"), file=sys.stderr)
    return read_folder(path, config, trust=trust) if path else None


def words(answer: Explanation, folder: Folder | None, *, is_in_engine: bool = False) -> list[str]:
    """Returns the explanation as lines for people, at most 80 columns wide unless a URL is longer."""
    lines = [_headline(answer, folder), *_row("url", answer.url.text)]
    for change in answer.changes[:SHOWN_CHANGES]:
        lines += _row("", f"without {change}" if not change.startswith("order") else f"changed: {change}")
    lines += _row("scope", _scope(answer.scope, answer, folder))
    lines += _row("robots", *_robots(answer))
    lines += _row("site", *_site(answer))
    if answer.trap and not (answer.known and answer.known.pattern):
        lines += _row("trap", *_trap(answer.trap))
    lines += _row("crawl", *_crawl(answer, folder, is_in_engine=is_in_engine)) if folder else []
    if answer.render != "never":
        lines += _row("render", _render(answer, None if is_in_engine else folder))
    return lines


_RENDERED_FOR = {
    "asked": "every HTML page is",
    "few-words": "it has scripts and few words without them",
    "empty-mount": "the place for its content is empty without its scripts",
    "pattern": "the last pages with URLs like its own all needed it",
}


def _render(answer: Explanation, folder: Folder | None) -> str:
    """Returns whether and why it was rendered, as its record says, or whether it would be."""
    from crawler import tell_story

    visits = tell_story(folder, answer.url.text).visits if folder and answer.known else ()
    latest = next((one for one in reversed(visits) if one.get("status") == 200), None)
    if latest is None:
        return f"{answer.render}: it would be rendered" + (
            "" if answer.render == "always" else " if it seems empty without its scripts"
        )
    if why := latest.get("rendered"):
        failed = ", but that failed" if latest.get("reason") == "render" else ""
        return f"{answer.render}: it was rendered{failed}: {_RENDERED_FOR.get(str(why), why)} ({why})"
    return f"{answer.render}: it was not rendered, for its answer had what it has to say"


def _headline(answer: Explanation, folder: Folder | None) -> str:
    known = answer.known
    if known and known.parked_for and answer.trap:
        return f"it is parked until you ask for it: {known.parked_for}"
    if known and known.standing == "done":
        return f"this crawl is done with it: {_end(known)}"
    if answer.reason:
        return f"{'this' if folder else 'a'} crawl would not fetch it: {answer.reason}"
    unless = ", unless robots.txt forbids it" if answer.verdict == "unknown" else ""
    if known and known.standing == "waiting" and known.reason:
        return f"this crawl will try it again: {known.reason}{unless}"
    if known:
        return f"this crawl will {'read it again' if known.is_reread else 'fetch it'}{unless}"
    if folder:
        return f"this crawl has not met it; it would fetch it, once a page links to it{unless}"
    return f"a crawl would fetch it{unless}"


def _end(known: Known) -> str:
    if known.duplicate_of:
        return f"{known.disposition} of {known.duplicate_of}"
    return ", ".join(filter(None, [known.disposition, known.reason]))


def _trap(trap: Trap) -> Iterator[str]:
    yield f"{trap.pattern} is parked: {show.number(trap.news)} of {show.many(trap.fetched, 'page')} were new"
    yield f"{show.many(trap.parked, 'URL')} parked so far"


def _scope(ruling: Ruling, answer: Explanation, folder: Folder | None) -> str:
    root, depth = answer.request.anchor.text, answer.request.depth
    pattern = f" {ruling.pattern}" if ruling.pattern else ""
    match ruling.rule, ruling.reason:
        case "root", _:
            return "inside: it is a seed, or where a seed redirected to" if folder else "inside: judged as a seed"
        case "depth", _:
            return f"outside: {show.many(depth, 'hop')} from the seed, beyond max_depth"
        case "reach", None:
            return f"inside: within reach of the seeds; it is judged as a link below {root}"
        case "reach", _:
            return f"outside: beyond the reach of every seed, {root} among them"
        case "exclude", _:
            return f"outside: matches exclude{pattern}"
        case "include", None:
            return f"inside: matches include{pattern}"
        case "requisite" | "extra-hop", _:
            return _beyond(ruling, answer.request.extra_hop)
        case "include", _:
            return "outside: matches none of the include patterns"
    return "outside: its path repeats parts of its page's path even more often, as in a trap"


def _beyond(ruling: Ruling, hops: int) -> str:
    """Returns how a URL belongs to the crawl that need not be in its reach, or why it does not."""
    if ruling.rule == "requisite":
        return f"{'outside' if ruling.reason else 'inside'}: a page needs it to be shown (requisites)"
    where = f"{show.many(hops, 'hop')} outside the reach"
    return f"outside: {where}, beyond extra_hops" if ruling.reason else f"inside: {where} (extra_hops)"


def _robots(answer: Explanation) -> Iterator[str]:
    robots, asked = answer.robots, f"{answer.url.site}/robots.txt"
    match robots.verdict:
        case "ignored":
            yield "not asked: the settings ignore robots.txt"
            return
        case "not-asked":
            yield "not asked: offline"
            return
        case "unreachable":
            yield f"{robots.reason}: {robots.detail}"
            return
    by = f" by line {robots.line}: {robots.rule}" if robots.line else ": no rule matches"
    yield f"{robots.verdict}{by}"
    yield f"asked {asked}"
    for said in robots.usage:
        yield f"{'agrees to' if said.allowed else 'refuses'} {said}"
    if robots.reason == "usage":
        yield "which is obeyed: the page is not fetched (usage.respect)"
    if robots.sitemaps:
        yield f"names {show.many(len(robots.sitemaps), 'sitemap')}, the first {robots.sitemaps[0]}"


def _site(answer: Explanation) -> Iterator[str]:
    own = answer.robots.crawl_delay_s
    asked = "" if own is None else f" (its Crawl-delay: {own:g} s)"
    yield f"{answer.url.site}: {answer.rest_s:g} s after each request{asked}, {answer.per_site} at a time"
    if answer.slowed_by:
        yield f"{answer.adapted_s:.3g} s at present: {answer.slowed_by}"
    if answer.rules:
        yield f"by the settings of {', then '.join(answer.rules)}"
    if answer.proxy:
        yield f"reached through {answer.proxy}"
    if answer.turn:
        wait_s = answer.turn.next_at - datetime.now(UTC).timestamp()
        turn = f"next turn in {show.duration(wait_s)}" if wait_s > 0 else "its turn has come"
        yield f"{show.number(answer.turn.queued)} queued in the crawl folder, {turn}"


def _parked(known: Known, trap: Trap | None, folder: Folder, *, is_in_engine: bool) -> Iterator[str]:
    """Yields why the URL is parked, and the command that fetches it."""
    yield f"{folder.path}: parked under {known.pattern}"
    if known.parked_for == "blocked":
        yield "its site blocks us"
    elif trap:
        yield f"{show.number(trap.news)} of {show.many(trap.fetched, 'page')} of that pattern were new"
    yield "to fetch it, and all that is parked under the same pattern:"
    began = "the command that began it, with" if is_in_engine else f"crawl {shlex.quote(str(folder.path))}"
    yield f"  {began} --unpark {shlex.quote(known.pattern)}"


def _standing(known: Known, folder: Folder) -> Iterator[str]:
    """Yields the outcome of the URL, or what will be done with it."""
    what = known.disposition or known.standing
    why = ": ".join(filter(None, [known.reason if known.reason != what else "", known.detail]))
    status = f" (HTTP {known.status})" if known.status and f"HTTP {known.status}" not in why else ""
    yield f"{folder.path}: {what}{status}{f', {why}' if why else ''}"
    if known.is_reread:
        yield "it is queued again to read links that were left out"
    elif known.standing == "queued" and known.disposition:
        yield "it is queued again"


def _crawl(answer: Explanation, folder: Folder, *, is_in_engine: bool) -> Iterator[str]:
    known = answer.known
    if not is_in_engine and not folder.frontier_path.exists():
        yield f"{folder.path} holds no frontier: the outcomes of its URLs are unknown"
        return
    if known is None:
        yield f"{folder.path} never queued it: {_why_unknown(answer)}"
        return
    if known.pattern:
        yield from _parked(known, answer.trap, folder, is_in_engine=is_in_engine)
    else:
        yield from _standing(known, folder)
    yield from _history(known)


def _history(known: Known) -> Iterator[str]:
    from crawler.runtime.times import iso

    when = f", the last at {iso(known.visited_at)}" if known.visited_at else ""
    due = f", again from {iso(known.due)}" if known.due else ""
    yield f"depth {known.depth}, {show.many(known.attempts, 'attempt')}{when}{due}"
    if known.method != "GET" or known.label:
        yield ", ".join(filter(None, [f"a {known.method}", known.label and f"labelled {known.label!r}"]))
    if known.others:
        yield f"beside it there are {show.format_counts(known.others)} to this URL, with fields or a body of their own"
    if known.duplicate_of:
        yield f"same content as {known.duplicate_of}"
    if not known.via:
        yield "it is a seed"
    for via in known.via[:SHOWN_VIA]:
        found = "needed by" if known.requisite else "found on"
        yield f"{found} {via}" if via is known.via[0] else f"  which was found on {via}"
    if len(known.via) > SHOWN_VIA:
        yield f"  and {len(known.via) - SHOWN_VIA} more, up to {known.via[-1]}"
    if known.seed and known.seed not in known.via[-1:]:
        yield f"descends from the seed {known.seed}"


def _why_unknown(answer: Explanation) -> str:
    """Returns why a crawl folder does not know the URL."""
    if answer.scope.reason:
        return "scope leaves it out"
    if answer.trap:
        return "URLs of its pattern are parked, or no page that was read links to it"
    return "no page that was read has a link to it that is followed (`nofollow` and max_links leave links out)"


def _row(name: str, *texts: str) -> list[str]:
    """Returns lines with a name and its texts, folded at spaces, with control characters escaped."""
    lines = [line for text in texts for line in show.wrap_text(text, show.WIDTH - 10)]
    return [f"{name if not i else '':<8}  {line}" for i, line in enumerate(lines)]
