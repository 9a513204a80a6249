"""`crawl nodes NAME`: the nodes of a crawl in an engine, and what a person asks of one or of all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crawler import escape_text

from . import show, values
from .exit_codes import Exit
from .merge import ENGINE
from .stderr import tell_line

if TYPE_CHECKING:
    from crawler import Engine


Action = Literal["list", "drain", "forget", "pause", "resume", "stop", "hold", "release", "change", "history"]
ONE_NODE = ("drain", "forget")
ONE_SITE = ("hold", "release")


def nodes(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the crawl.")],
    action: Annotated[
        Action,
        typer.Argument(
            help="What to do: list, drain, forget; pause, resume or stop all of them; hold or release a site; change"
            " settings; history."
        ),
    ] = "list",
    what: Annotated[
        str, typer.Argument(metavar="[NODE|SITE]", help="The node to drain or to forget; the site to hold or release.")
    ] = "",
    engine: Annotated[str, typer.Option(metavar="URL", help=ENGINE)] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting to change. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object for each node, or each change.")] = False,
) -> None:
    """List the nodes of a crawl, end the part of one, or tell all of them what to do.

    `drain` asks a node to finish what it has under way and to leave. `forget` is for a node whose machine is lost with
    what it wrote: the pages in its files are fetched again by the others. It says how many these are.

    `pause`, `resume`, `stop`, `hold`, `release` and `change` reach all nodes with their next beat, and nodes that join
    later. `history` lists what was asked, when and by whom.
    """
    from .process import run_loop

    if not engine:
        raise typer.BadParameter(
            "name the engine: --engine URL, such as postgresql://USER@HOST/DB", param_hint="--engine"
        )
    if (action in ONE_NODE + ONE_SITE) is not bool(what):
        hint = "drain and forget take one node, hold and release one site, all others none"
        raise typer.BadParameter(hint, param_hint="NODE|SITE")
    settings = dict(values.setting(text) for text in set_ or ())
    if (action == "change") is not bool(settings):
        raise typer.BadParameter("`change` takes settings, and nothing else does: --set delay_s=2", param_hint="--set")
    raise typer.Exit(run_loop(lambda: _nodes(name, action, what, engine, settings, json=json)))


async def _nodes(name: str, action: Action, what: str, url: str, settings: Mapping[str, object], *, json: bool) -> Exit:
    from crawler import open_engine

    async with open_engine(url) as engine:
        if action == "list":
            await _list(engine, name, json=json)
        elif action == "history":
            await _tell_history(engine, name, json=json)
        elif action in ONE_NODE:
            await _end_one(engine, name, action, what)
        else:
            await _instruct(engine, name, action, what, settings)
    return Exit.DONE


async def _end_one(engine: Engine, name: str, action: Action, node: str) -> None:
    if action == "drain":
        await engine.drain(name, node)
        tell_line(f"{node}: asked to leave; it finishes what it has under way")
    else:
        number = await engine.forget(name, node)
        tell_line(f"{node}: forgotten; {show.many(number, 'page')} of its files will be fetched again")


async def _instruct(engine: Engine, name: str, action: Action, what: str, settings: Mapping[str, object]) -> None:
    """Tells all nodes what to do; the history says who did."""
    from crawler.runtime.private_files import owner

    who = owner(os.geteuid())
    if action == "hold":
        await engine.hold(name, what, who=who)
        tell_line(f"{name}: no node begins further visits to {escape_text(what)}, from its next beat on")
    elif action == "release":
        await engine.let_go(name, what, who=who)
        tell_line(f"{name}: {escape_text(what)} is visited again")
    elif action == "change":
        changed = await engine.change(name, settings, who=who)
        for one in changed:
            tell_line(
                escape_text(f"{one.key}: {_said(one.old)} -> {_said(one.new)}, at all nodes from their next beat on")
            )
        if not changed:
            tell_line(f"{name}: has these settings already")
    else:
        await engine.control(name, _WORDS[action], who=who)
        tell_line(f"{name}: all nodes are told to {action}")


_WORDS: Mapping[str, Literal["run", "pause", "stop"]] = {"resume": "run", "pause": "pause", "stop": "stop"}


async def _tell_history(engine: Engine, name: str, *, json: bool) -> None:
    from crawler.runtime.escaping import json_line
    from crawler.runtime.times import iso

    told = await engine.history(name)
    for event in told:
        if json:
            print(json_line(event.record()).decode(), end="")
            continue
        said = "; ".join(f"{one.key}: {_said(one.old)} -> {_said(one.new)}" for one in event.changes)
        print(escape_text(f"{iso(event.at)}  {event.who}  {said}"))
    if not told and not json:
        print("nobody has asked anything of its nodes")


def _said(value: object) -> str:
    """Returns a value as JSON has it."""
    import json

    return json.dumps(value)


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
