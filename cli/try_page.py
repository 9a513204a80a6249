"""`crawl try URL|FILE`: shows what selectors, parse functions and the rest make of one page, before a crawl does."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint
from .exit_codes import Exit
from .options import SetsSetting, chosen_settings

if TYPE_CHECKING:
    from crawler import Config, Trial

SHOWN_VALUES = 10
"""Values of one list; `--json` has all."""
SHOWN_LINES = 40
"""Lines of markdown and of text."""
_PAGES = frozenset({".htm", ".html", ".xhtml", ".txt", ".xml"})
"""Ends of names that are files, not hosts."""


def try_page(
    page: Annotated[str, typer.Argument(metavar="URL|FILE", help="The page; a FILE is read without the network.")],
    extract: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SELECTOR",
            help="Show what a selector finds, such as 'price=css:.price as number'. Repeatable.",
        ),
        SetsSetting("extract.fields", values.fields),
    ] = None,
    parse: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="Show what a function of yours returns."),
        SetsSetting("extract.function"),
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Show its readable text.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Show its main part as markdown.")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="Show what it says of itself.")] = False,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", show_default=False, help="Where a FILE is taken to be from.")
    ] = "",
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    ignore_robots: Annotated[
        bool,
        typer.Option("--ignore-robots", help="Do not ask robots.txt."),
        SetsSetting("politeness.robots", lambda is_ignored: "ignore" if is_ignored else None),
    ] = False,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Show what a crawl would take out of one page: fields, the result of your function, text, metadata.

    Nothing is kept and no link is followed. A URL is asked for as a crawl asks, so robots.txt holds. Without an option
    that says what to show, metadata and markdown are shown.
    """
    given = locals()
    from .process import fork_helpers, prepare_workers, run_loop

    place = _find(page)
    fork_helpers()
    from crawler import Trust
    from crawler.settings.loading import trace

    settings = chosen_settings(try_page, given) | dict(values.setting(one) for one in set_ or ())
    loaded = trace(config, os.environ, settings, "command line", trust=Trust(foreign=trust_folder))[0]
    values.check_patterns(loaded)
    is_bare = not (text or markdown or metadata or loaded.extract.fields or loaded.extract.function)
    wanted = {"text": text, "markdown": markdown or is_bare, "metadata": metadata or is_bare}
    loaded = _want(loaded, wanted)
    prepare_workers(loaded.offload.executor)
    logging.getLogger("crawler").addHandler(logging.NullHandler())  # errors are shown below, each once
    from crawler import try_page as read

    trial = run_loop(lambda: read(place, loaded, url=url))
    if json:
        sys.stdout.write(json_line(_record(trial, wanted)).decode())
    else:
        for line in _words(trial, loaded):
            print(tint(escape_text(line), sys.stdout))
    raise typer.Exit(_code(trial))


def _find(page: str) -> str | Path:
    """Returns the file that is meant, or the URL. Raises BadParameter for a file that is not there."""
    from crawler.runtime.nearest import did_you_mean_file

    path = Path(page)
    if path.exists():
        return path
    if "://" not in page and (page.startswith((".", "/")) or path.suffix.lower() in _PAGES):
        raise typer.BadParameter(f"there is no file {page}{did_you_mean_file(path)}", param_hint="URL|FILE")
    return page


def _want(config: Config, wanted: Mapping[str, bool]) -> Config:
    """Returns the settings with one output, which nothing is written to, that asks for what is shown."""
    from crawler.settings.loading import amend

    return amend(config, {"sinks": [{name: True for name, is_wanted in wanted.items() if is_wanted}]})


def _code(trial: Trial) -> Exit:
    if not trial.is_read:
        return Exit.NOTHING
    assert trial.outcome.page is not None
    return Exit.FAILURES if trial.outcome.page.data_error else Exit.DONE


def _record(trial: Trial, wanted: Mapping[str, bool]) -> dict[str, Any]:
    import json

    from crawler import Wants, record

    page = trial.outcome.page
    return {
        "v": 1,
        "page": json.loads(record(trial.outcome, replace(Wants(), **wanted))),
        "redirects": [json.loads(record(one, Wants())) for one in trial.way],
        "unread": list(trial.unread),
        "trace": page.data_trace.splitlines() if page and page.data_trace else None,
    }


# -- words -------------------------------------------------------------------------------------------------------------


def _words(trial: Trial, config: Config) -> Iterator[str]:
    """Yields what is shown, at most 80 columns wide unless a word is longer."""
    import json

    outcome, page = trial.outcome, trial.outcome.page
    yield outcome.url.text
    for one in trial.way:
        yield f"  redirected from {one.url.text}"
    yield f"  {_describe(trial)}"
    if page is None or not trial.is_read:
        return
    if page.fields_json:
        yield "fields"
        yield from _fields(json.loads(page.fields_json), trial, config)
    if page.data_json:
        yield "data"
        yield from _indent(json.dumps(json.loads(page.data_json), indent=2, ensure_ascii=False).splitlines())
    if page.data_error:
        yield f"{page.parser or config.extract.function} failed: {page.data_error}"
        yield from _indent(page.data_trace.splitlines())
    if page.metadata_json:
        yield "metadata"
        yield from _table({name: value for name, value in json.loads(page.metadata_json).items() if value})
    for name, said in (("text", page.text), ("markdown", page.markdown)):
        if said:
            yield f"{name} ({page.text_from or page.kind}, {show.many(len(said), 'character')})"
            yield from _excerpt(said)


def _describe(trial: Trial) -> str:
    outcome, page, response = trial.outcome, trial.outcome.page, trial.outcome.response
    if not trial.is_read or page is None or response is None:
        why = f": {outcome.detail}" if outcome.detail else ""
        return f"{outcome.disposition}, {outcome.reason}{why}" if outcome.reason else str(outcome.disposition)
    told = [str(response.status), response.header("content-type") or page.kind, show.size(page.length)]
    return ", ".join([*told, *([page.note] if page.note else [])])


def _fields(found: Mapping[str, Any], trial: Trial, config: Config) -> Iterator[str]:
    selectors = config.extract.fields
    shown: dict[str, Any] = {}
    for name, value in found.items():
        if value is None or value == []:
            what = "a value of another type" if name in trial.unread else "nothing"
            shown[name] = f"({what}: {selectors.get(name, '')})"
        else:
            shown[name] = value
    yield from _table(shown)


def _table(values: Mapping[str, Any]) -> Iterator[str]:
    """Yields names and values in two columns; each value of a list has a line of its own."""
    width = min(max(map(len, values), default=0), 24)
    for name, value in values.items():
        several = value if isinstance(value, list) else [value]
        lines = [line for one in several[:SHOWN_VALUES] for line in show.wrap_text(_text(one), show.WIDTH - width - 4)]
        more = len(several) - SHOWN_VALUES
        lines += [f"and {show.number(more)} more"] if more > 0 else []
        yield from (f"  {name if not at else '':<{width}}  {line}" for at, line in enumerate(lines or [""]))


def _text(value: object) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _excerpt(text: str) -> Iterator[str]:
    """Yields the first lines of a text, folded at spaces."""
    lines = [part for line in text.splitlines() for part in (show.wrap_text(line, show.WIDTH - 2) or [""])]
    yield from _indent(lines[:SHOWN_LINES])
    if len(lines) > SHOWN_LINES:
        yield f"  ... and {show.many(len(lines) - SHOWN_LINES, 'line')} more: --json has all"


def _indent(lines: list[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)
