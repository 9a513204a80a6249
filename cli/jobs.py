"""`crawl jobs`: speaks to a daemon that runs, with the words of its API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import values

if TYPE_CHECKING:
    from crawler.daemon.client import Client

app = typer.Typer(help="Speak to a daemon (`crawl serve`) about its jobs.", no_args_is_help=True, rich_markup_mode=None)

_Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Where the daemon listens; also unix:/PATH.")]
_Token = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="What to show it. [default: DIR/token]")
]
_Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The daemon's folder. [default: crawld-data]")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")]
_Ids = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids of jobs.")]
_Id = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job.")]
_Column = Annotated[
    str | None, typer.Option("--column", metavar="NAME|N", help="The column or field of the lists that holds the URLs.")
]
_Seeds = Annotated[list[str], typer.Argument(metavar="SEEDS...", help="URLs, files of them, or '-'.")]
_Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")]
_State = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]


@app.command("list")
def list_(
    state: Annotated[_State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, the newest first.")] = 100,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """List jobs, the newest first."""
    from . import board, talk

    query = {"limit": min(limit, 500)} | ({"state": state} if state else {})
    _with(url, token_file, data, lambda client: talk.listed(client, query, limit, board.lines if json else board.table))


@app.command()
def add(
    seeds: _Seeds,
    name: Annotated[str, typer.Option(metavar="TEXT", help="For people. [default: the first seed's site]")] = "",
    column: _Column = None,
    depth: Annotated[int | None, typer.Option(metavar="N", help="Hops from the seeds.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Stop after N pages.")] = None,
    delay: Annotated[float | None, typer.Option(metavar="SECONDS", help="Rest between requests to one site.")] = None,
    set_: _Set = None,
    template: Annotated[str | None, typer.Option(metavar="NAME", help="Settings to start from.")] = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="-10 to 10; two steps double its share.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A label. Repeatable.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Let it wait for `resume`.")] = False,
    key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Asked again with the same key, it is the same job.")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Ask for a crawl; prints the job's id."""
    from . import board, talk

    settings: dict[str, object] = {
        name: value for name, value in {"max_depth": depth, "limit": limit, "delay_s": delay}.items()
        if value is not None
    }  # fmt: skip
    asked: dict[str, object] = {
        "name": name,
        "settings": settings | dict(values.setting(text) for text in set_ or ()),
        "labels": dict(values.setting(text) for text in label or ()),
        "is_paused": paused,
    }
    asked |= {name: value for name, value in {"template": template, "priority": priority}.items() if value is not None}
    show = board.lines if json else board.ids
    _with(url, token_file, data, lambda client: talk.added(client, asked, seeds, key, show, column))


@app.command()
def show(job: _Id, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Show one job as it stands."""
    from . import board, talk

    shows = (board.lines, None) if json else (board.card, board.parked)
    _with(url, token_file, data, lambda client: talk.shown(client, _id(job), *shows))


@app.command()
def pause(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Start no further visits of jobs until they are resumed."""
    _act("pause", jobs, json, (url, token_file, data))


@app.command()
def resume(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Let jobs go on where they stood, also where they had ended."""
    _act("resume", jobs, json, (url, token_file, data))


@app.command()
def cancel(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """End jobs; what they fetched stays."""
    _act("cancel", jobs, json, (url, token_file, data))


@app.command()
def remove(jobs: _Ids, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Remove jobs with their folders and all they fetched."""
    from . import board, talk

    paths = [f"/v1/jobs/{_id(job)}" for job in jobs]
    _with(url, token_file, data, lambda client: talk.told(client, "DELETE", paths, board.lines))


@app.command()
def change(
    job: _Id, set_: _Set = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="-10 to 10; two steps double its share.")] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Give a job other settings, also while it runs."""
    from . import board, talk

    body = {"settings": dict(values.setting(text) for text in set_ or ())} | (
        {} if priority is None else {"priority": priority}
    )
    show = board.lines if json else board.changed
    _with(url, token_file, data, lambda client: talk.told(client, "PATCH", [f"/v1/jobs/{_id(job)}"], show, body))


@app.command()
def seeds(
    job: _Id,
    seeds: _Seeds,
    column: _Column = None,
    url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Give a job more seeds."""
    from . import talk

    _with(url, token_file, data, lambda client: talk.planted(client, _id(job), seeds, column))


@app.command()
def retry(
    job: _Id,
    reason: Annotated[
        list[str] | None, typer.Option(metavar="REASON", help="Only what failed for this: dns, timeout. Repeatable.")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Try again what failed in a job; one that is over is resumed for it."""
    _want(job, "retry", {"reasons": reason or []}, json, (url, token_file, data))


@app.command()
def unpark(
    job: _Id,
    pattern: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN...]", help="As `crawl jobs show` lists them. [default: all]")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Fetch what is parked in a job; one that is over is resumed for it."""
    _want(job, "unpark", {"patterns": pattern or []}, json, (url, token_file, data))


@app.command()
def tail(
    job: _Id,
    last: Annotated[int, typer.Option("-n", metavar="N", min=0, max=1000, help="Begin so many records back.")] = 10,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Print a job's pages as they come, until it is over; what happens to it goes to stderr."""
    from . import board, talk

    show = board.lines if json else board.pages
    _with(url, token_file, data, lambda client: talk.followed(client, _id(job), last, show))


def _act(verb: str, jobs: list[str], json: bool, where: tuple[str | None, Path | None, Path | None]) -> None:
    from . import board, talk

    paths = [f"/v1/jobs/{_id(job)}/{verb}" for job in jobs]
    _with(*where, lambda client: talk.told(client, "POST", paths, board.lines if json else board.states))


def _want(
    job: str, verb: str, body: Mapping[str, object], json: bool, where: tuple[str | None, Path | None, Path | None]
) -> None:
    from . import board, talk

    show = board.lines if json else board.wanted
    _with(*where, lambda client: talk.told(client, "POST", [f"/v1/jobs/{_id(job)}/{verb}"], show, body))


def _id(job: str) -> str:
    """Nothing else may become part of a path."""
    if not (job.replace("-", "").isalnum() and job.isascii()):
        raise typer.BadParameter(f"{job!r} is no id of a job; `crawl jobs list` shows them")
    return job


def _with(
    url: str | None, token_file: Path | None, data: Path | None, act: Callable[[Client], Coroutine[Any, Any, int]]
) -> None:
    """Find the daemon and let `act` speak to it; what it returns is the exit code."""
    from . import talk

    chosen: Mapping[str, Path | None] = {"token_file": token_file, "data": data}
    named = {name: str(path) for name, path in chosen.items() if path is not None}
    raise typer.Exit(talk.run(url, named, act))
