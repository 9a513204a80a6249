"""`crawl jobs`: controls a running daemon through its API."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import values

if TYPE_CHECKING:
    from crawler.daemon import Client

app = typer.Typer(
    help="List, add and control the jobs of a daemon (`crawl serve`).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Address of the daemon: http://HOST:PORT or unix:/PATH.")
]
_Token = Annotated[
    Path | None, typer.Option("--token-file", metavar="FILE", help="File of the daemon's token. [default: DIR/token]")
]
_Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="The daemon's folder. [default: crawld-data]")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
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
    state: Annotated[_State | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most N jobs, the newest first.")] = 100,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """List jobs, the newest first."""
    from . import jobs_client, jobs_view

    query = {"limit": min(limit, 500)} | ({"state": state} if state else {})
    _with(
        url,
        token_file,
        data,
        lambda client: jobs_client.list_jobs(client, query, limit, jobs_view.json_lines if json else jobs_view.table),
    )


@app.command()
def add(
    seeds: _Seeds,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Name of the job. [default: the first seed's site]")] = "",
    column: _Column = None,
    preset: Annotated[str | None, typer.Option(metavar="NAME", help="archive, audit or text.")] = None,
    depth: Annotated[int | None, typer.Option(metavar="N", help="Hops from the seeds.")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Stop after N pages.")] = None,
    delay: Annotated[float | None, typer.Option(metavar="SECONDS", help="Rest between requests to one site.")] = None,
    links: Annotated[bool, typer.Option("--links", help="Record each page's links.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Record each page's readable text.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Record each page's main part as markdown.")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="Record what each page says of itself.")] = False,
    extract: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SELECTOR", help="Record what a selector finds on each page. Repeatable."),
    ] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help="Format of the records: jsonl, or another of the daemon's own. "
                     "Repeatable."),
    ] = None,
    set_: _Set = None,
    template: Annotated[str | None, typer.Option(metavar="NAME", help="Settings to start from.")] = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="-10 to 10; two steps double its share.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A label. Repeatable.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Do not start it until `resume`.")] = False,
    key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Idempotency key: the same key never makes a second job.")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Add a job and print its id."""
    from . import jobs_client, jobs_view

    settings: dict[str, object] = {
        name: value
        for name, value in {"preset": preset, "max_depth": depth, "limit": limit, "delay_s": delay,
                            "extract.fields": values.fields(extract)}.items()
        if value is not None
    }  # fmt: skip
    asked: dict[str, object] = {
        "name": name,
        "settings": settings | dict(values.setting(text) for text in set_ or ()),
        "labels": dict(values.setting(text) for text in label or ()),
        "is_paused": paused,
    }
    short = {"template": template, "priority": priority, "links": links or None, "text": text or None,
             "markdown": markdown or None, "metadata": metadata or None, "formats": format_ or None}  # fmt: skip
    asked |= {name: value for name, value in short.items() if value is not None}
    show = jobs_view.json_lines if json else jobs_view.ids
    _with(url, token_file, data, lambda client: jobs_client.add_job(client, asked, seeds, key, show, column))


@app.command()
def show(job: _Id, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Show one job."""
    from . import jobs_client, jobs_view

    shows = (jobs_view.json_lines, None) if json else (jobs_view.card, jobs_view.parked_lines)
    _with(url, token_file, data, lambda client: jobs_client.show_job(client, _id(job), *shows))


@app.command()
def report(job: _Id, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Tell how a job came out, or has so far: by status, type, site and error, with the slowest and largest pages."""
    from . import jobs_client, jobs_view, reports_view

    show = jobs_view.json_lines if json else reports_view.full_lines
    _with(url, token_file, data, lambda client: jobs_client.show_report(client, _id(job), show))


@app.command()
def pause(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Pause jobs: start no further visits until they are resumed."""
    _act("pause", jobs, json, (url, token_file, data))


@app.command()
def resume(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Resume jobs where they stopped, also jobs that had ended."""
    _act("resume", jobs, json, (url, token_file, data))


@app.command()
def again(
    job: _Id,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Name of the new job. [default: that of the other]")] = "",
    set_: _Set = None,
    paused: Annotated[bool, typer.Option("--paused", help="Do not start it until `resume`.")] = False,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Run a job again as a new one, with the same seeds and settings, and print its id."""
    from . import jobs_client, jobs_view

    body = {"name": name, "settings": dict(values.setting(text) for text in set_ or ()), "is_paused": paused}
    show, paths = jobs_view.json_lines if json else jobs_view.ids, [f"/v1/jobs/{_id(job)}/run-again"]
    _with(url, token_file, data, lambda client: jobs_client.send_to_each(client, "POST", paths, show, body))


@app.command()
def cancel(jobs: _Ids, json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """End jobs. What they fetched is kept."""
    _act("cancel", jobs, json, (url, token_file, data))


@app.command()
def remove(jobs: _Ids, url: _Url = None, token_file: _Token = None, data: _Data = None) -> None:
    """Remove jobs, their folders and everything they fetched."""
    from . import jobs_client, jobs_view

    paths = [f"/v1/jobs/{_id(job)}" for job in jobs]
    _with(url, token_file, data, lambda client: jobs_client.send_to_each(client, "DELETE", paths, jobs_view.json_lines))


@app.command()
def change(
    job: _Id, set_: _Set = None,
    priority: Annotated[int | None, typer.Option(metavar="N", help="-10 to 10; two steps double its share.")] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Change settings of a job, also while it runs."""
    from . import jobs_client, jobs_view

    body = {"settings": dict(values.setting(text) for text in set_ or ())} | (
        {} if priority is None else {"priority": priority}
    )
    show = jobs_view.json_lines if json else jobs_view.change_lines
    _with(
        url,
        token_file,
        data,
        lambda client: jobs_client.send_to_each(client, "PATCH", [f"/v1/jobs/{_id(job)}"], show, body),
    )


@app.command()
def seeds(
    job: _Id,
    seeds: _Seeds,
    column: _Column = None,
    key: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Idempotency key: the same key never adds them twice.")
    ] = None,
    url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Add seeds to a job."""
    from . import jobs_client

    _with(url, token_file, data, lambda client: jobs_client.add_seeds(client, _id(job), seeds, column, key))


@app.command()
def retry(
    job: _Id,
    reason: Annotated[
        list[str] | None, typer.Option(metavar="REASON", help="Only failures of this kind: dns, timeout. Repeatable.")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Try the failed URLs of a job again. A job that has ended is resumed."""
    _want(job, "retry", {"reasons": reason or []}, json, (url, token_file, data))


@app.command()
def unpark(
    job: _Id,
    pattern: Annotated[
        list[str] | None, typer.Argument(metavar="[PATTERN...]", help="As `crawl jobs show` lists them. [default: all]")
    ] = None,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Fetch the parked URLs of a job. A job that has ended is resumed."""
    _want(job, "unpark", {"patterns": pattern or []}, json, (url, token_file, data))


@app.command()
def tail(
    job: _Id,
    last: Annotated[int, typer.Option("-n", metavar="N", min=0, max=1000, help="Begin with the last N records.")] = 10,
    json: _Json = False, url: _Url = None, token_file: _Token = None, data: _Data = None,
) -> None:  # fmt: skip
    """Print a job's pages as they come, until it ends. Changes of its state go to stderr."""
    from . import jobs_client, jobs_view

    show = jobs_view.json_lines if json else jobs_view.page_lines
    _with(url, token_file, data, lambda client: jobs_client.follow_job(client, _id(job), last, show))


def _act(verb: str, jobs: list[str], json: bool, where: tuple[str | None, Path | None, Path | None]) -> None:
    from . import jobs_client, jobs_view

    paths = [f"/v1/jobs/{_id(job)}/{verb}" for job in jobs]
    _with(
        *where,
        lambda client: jobs_client.send_to_each(
            client, "POST", paths, jobs_view.json_lines if json else jobs_view.states
        ),
    )


def _want(
    job: str, verb: str, body: Mapping[str, object], json: bool, where: tuple[str | None, Path | None, Path | None]
) -> None:
    from . import jobs_client, jobs_view

    show = jobs_view.json_lines if json else jobs_view.wish_lines
    _with(*where, lambda client: jobs_client.send_to_each(client, "POST", [f"/v1/jobs/{_id(job)}/{verb}"], show, body))


def _id(job: str) -> str:
    """Checks an id, which becomes part of a URL's path. Raises BadParameter."""
    plain = job.replace("-", "").replace("_", "").replace(".", "")  # as jobs in an engine are named
    if not (plain.isalnum() and job.isascii() and job[0].isalnum()):
        raise typer.BadParameter(f"{job!r} is not the id of a job; `crawl jobs list` shows them")
    return job


def _with(
    url: str | None, token_file: Path | None, data: Path | None, act: Callable[[Client], Coroutine[Any, Any, int]]
) -> None:
    """Finds the daemon, lets `act` talk to it, and exits with the code that `act` returns."""
    from . import jobs_client

    chosen: Mapping[str, Path | None] = {"token_file": token_file, "data": data}
    named = {name: str(path) for name, path in chosen.items() if path is not None}
    raise typer.Exit(jobs_client.run(url, named, act))
