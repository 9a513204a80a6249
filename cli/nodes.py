"""`crawl nodes NAME`: the nodes of a crawl in an engine, and what a person does with one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crawler import escape_text

from . import show
from .exit_codes import Exit
from .merge import ENGINE
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Engine


Action = Literal["list", "drain", "forget", "pause", "resume", "stop"]


def nodes(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the crawl.")],
    action: Annotated[
        Action,
        typer.Argument(help="What to do: list, drain, forget; pause, resume or stop all of them."),
    ] = "list",
    node: Annotated[str, typer.Argument(metavar="[NODE]", help="The node to drain or to forget.")] = "",
    engine: Annotated[str, typer.Option(metavar="URL", help=ENGINE)] = "",
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object for each node.")] = False,
) -> None:
    """List the nodes of a crawl, or end the part of one.

    `drain` asks a node to finish what it has under way and to leave. `forget` is for a node whose machine is lost with
    what it wrote: the pages in its files are fetched again by the others. It says how many these are.
    """
    from .process import run_loop

    if not engine:
        raise typer.BadParameter("name the engine: --engine postgresql://USER@HOST/DB", param_hint="--engine")
    if (action in {"drain", "forget"}) is not bool(node):
        raise typer.BadParameter("drain and forget take the name of one node, all others none", param_hint="NODE")
    raise typer.Exit(run_loop(lambda: _nodes(name, action, node, engine, json=json)))


async def _nodes(name: str, action: Action, node: str, url: str, *, json: bool) -> Exit:
    from crawler import open_engine

    async with open_engine(url) as engine:
        if action == "drain":
            await engine.drain(name, node)
            tell_line(f"{node}: asked to leave; it finishes what it has under way")
        elif action == "forget":
            number = await engine.forget(name, node)
            tell_line(f"{node}: forgotten; {show.many(number, 'page')} of its files will be fetched again")
        elif action != "list":
            await engine.control(name, "run" if action == "resume" else action)
            tell_line(f"{name}: all nodes are told to {action}")
        else:
            await _list(engine, name, json=json)
    return Exit.DONE


async def _list(engine: Engine, name: str, *, json: bool) -> None:
    from crawler.runtime.escaping import json_line

    found = await engine.nodes(name)
    for one in found:
        done = sum(one.settled.values())
        if json:
            facts = {
                "node": one.name, "is_alive": one.is_alive, "drains": one.drains, "shards": one.shards,
                "settled": dict(one.settled), "beat_s": round(one.beat_s, 1), "joined_at": one.joined_at,
            }  # fmt: skip
            print(json_line(facts).decode(), end="")
            continue
        state = "leaving" if one.drains and one.is_alive else "works" if one.is_alive else "gone"
        heard = f"last heard of {one.beat_s:.0f} s ago"
        said = f"{state}, {show.many(one.shards, 'shard')}, {show.many(done, 'visit')}, {heard}"
        print(escape_text(f"{one.name}: {said}"))
    if not found and not json:
        print("no node has joined yet")
