"""Talks to a daemon for `crawl jobs`: sends the requests and prints the answers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from crawler import BadSeed, Url, escape_text
from crawler import seeds as _seeds
from crawler.daemon import Client, Refused, find_daemon, load_daemon, open_client
from crawler.runtime.thread_reader import read_batches
from crawler.seeds import Taken

from .exit_codes import Exit
from .process import run_loop
from .show import many

Shown = Mapping[str, Any]
Show = Callable[[Sequence[Shown]], Iterable[str]]
_WORDS = {
    "no-token": "a token is needed: name its file with --token-file, or the daemon's folder with --data",
    "wrong-token": "this token is not known to the daemon, or was replaced: name the right file with --token-file, "
    "or the daemon's folder with --data",
}
"""Refusals whose remedy is an option here, in words of the command."""
INLINE = 1000
"""Seeds that are sent with the request for a job; all others follow as lines."""


def run(url: str | None, named: Mapping[str, str], act: Callable[[Client], Coroutine[Any, Any, int]]) -> int:
    """Finds the daemon, lets `act` talk to it, and prints what it refuses. Raises Unreachable, ConfigError."""
    config, _ = load_daemon(None, os.environ, named)
    found, token = find_daemon(config)

    async def speak() -> int:
        async with open_client(url or found, token) as client:
            return await act(client)

    try:
        return run_loop(speak)
    except Refused as error:
        print(escape_text(f"crawl: {_WORDS.get(error.kind, error)}"), file=sys.stderr)
        return Exit.ERROR if error.status >= 500 else Exit.USAGE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush fails again
        return Exit.DONE


async def list_jobs(client: Client, query: Mapping[str, str | int], most: int, show: Show) -> int:
    """Prints up to `most` jobs; asks for them page after page."""
    jobs: list[Shown] = []
    async with aclosing(client.list("/v1/jobs", query)) as listed:
        async for job in listed:
            jobs.append(job)
            if len(jobs) == most:
                break
    _print(show(jobs))
    return Exit.DONE


async def send_to_each(client: Client, method: str, paths: Sequence[str], show: Show, body: object = None) -> int:
    """Sends the same request to each path and prints the answers. The first refusal ends it."""
    for path in paths:
        answer = await client.ask(method, path, body)
        if answer is not None:
            _print(show([answer]))
    return Exit.DONE


async def show_job(client: Client, job: str, show: Show, show_parked: Show | None) -> int:
    """Prints one job, and its parked patterns."""
    found = await client.ask("GET", f"/v1/jobs/{job}")
    _print(show([found]))
    if show_parked and found["counts"]["parked"]:
        _print(show_parked((await client.ask("GET", f"/v1/jobs/{job}/parked"))["items"]))
    return Exit.DONE


async def show_report(client: Client, job: str, show: Show) -> int:
    """Prints the report of a job, once all its records are counted."""
    while (found := await client.ask("GET", f"/v1/jobs/{job}/report", query={"sites": 1000}))["share"] < 1:
        pass  # each answer waits for some of them
    _print(show([found]))
    return Exit.DONE


async def add_job(
    client: Client,
    asked: Mapping[str, object],
    sources: Sequence[str],
    key: str | None,
    show: Show,
    column: str | None = None,
) -> int:
    """Adds a job and prints it. With more than INLINE seeds the job starts once all of them are uploaded."""
    _seeds.check(sources, column=column)
    headers = {"Idempotency-Key": key} if key else {}
    async with aclosing(read_batches(_read(sources, column))) as read:
        first = [str(url) async for batch in _upto(read, INLINE) for url in batch]
        is_more = len(first) >= INLINE
        body = {**asked, "seeds": first, "is_paused": is_more or asked["is_paused"]}
        job = await client.ask("POST", "/v1/jobs", body, headers=headers)
        if is_more:
            await client.ask("POST", f"/v1/jobs/{job['id']}/seeds", lines=_lines(read), headers=headers)
            if not asked["is_paused"]:
                job = await client.ask("POST", f"/v1/jobs/{job['id']}/resume")
    _print(show([job]))
    return Exit.DONE


async def add_seeds(
    client: Client, job: str, sources: Sequence[str], column: str | None = None, key: str | None = None
) -> int:
    """Adds seeds to a job and prints how many there were."""
    _seeds.check(sources, column=column)
    headers = {"Idempotency-Key": key} if key else {}
    async with aclosing(read_batches(_read(sources, column))) as read:
        said = await client.ask("POST", f"/v1/jobs/{job}/seeds", lines=_lines(read), headers=headers)
    print(many(said["given"], "seed"))
    return Exit.DONE


async def follow_job(client: Client, job: str, last: int, show: Show) -> int:
    """Prints records as they come, until the job ends. Each event makes it ask for new ones."""
    path = f"/v1/jobs/{job}"
    cursor: dict[str, str | int] = {"last": last}
    async with aclosing(client.events(f"{path}/events")) as events:
        async for event in events:
            if event["kind"] == "state" and event["data"]["to"] in ("queued", "running", "paused"):
                print(escape_text(_state(event["data"])), file=sys.stderr)
            while True:
                page = await client.ask("GET", f"{path}/pages", query={**cursor, "limit": 500})
                _print(show(page["items"]))
                if page["next"] is None:
                    said = await client.ask("GET", path)
                    print(escape_text(_state({**said, "to": said["state"]})), file=sys.stderr)
                    return Exit.DONE
                cursor = {"cursor": page["next"]}
                if not page["items"]:
                    break
    print("crawl: the daemon closed the connection", file=sys.stderr)
    return Exit.ERROR


def _state(data: Mapping[str, Any]) -> str:
    why = data.get("error") or data.get("ended") or ""
    return f"{data['to']}{f': {why}' if why else ''}"


async def _upto(read: AsyncIterator[Sequence[object]], most: int) -> AsyncIterator[Sequence[object]]:
    seen = 0
    async for batch in read:
        yield batch
        seen += len(batch)
        if seen >= most:
            return


async def _lines(read: AsyncIterator[Sequence[object]]) -> AsyncIterator[bytes]:
    async for batch in read:
        yield "".join(f"{url}\n" for url in batch).encode()


def _read(sources: Sequence[str], column: str | None) -> Iterator[Url]:
    return _seeds.read(sources, _tell_bad, column=column, on_taken=_tell_taken)


def _tell_taken(taken: Taken) -> None:
    print(escape_text(f"crawl: {taken}"), file=sys.stderr)


def _tell_bad(bad: BadSeed) -> None:
    print(escape_text(f"crawl: unusable seed: {bad}"), file=sys.stderr)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
    sys.stdout.flush()
