"""`crawl work`: a node that takes part in all crawls of an engine, until it is stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import values
from .options import SetsSetting, chosen_settings


def work(
    engine: Annotated[str, typer.Option(metavar="URL", help="The engine: postgresql://USER@HOST/DB, redis://HOST.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The folder with a folder of each crawl.")
    ] = Path(),
    crawls: Annotated[
        list[str] | None, typer.Option("--crawl", metavar="NAME", help="Take part in this one alone. Repeatable.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(metavar="N", help="Visits at a time, over all crawls."),
        SetsSetting("fetch.concurrency"),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(metavar="SIZE", parser=values.size, help="Memory for the whole node, workers included: 512M, 2G."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Processes that parse, over all crawls."),
        SetsSetting("offload.workers"),
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of this machine. Repeatable."),
    ] = None,
    alive: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file to touch each second, for a supervisor that asks whether it lives."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Work on all crawls of an engine until stopped, those that begin later included.

    SIGTERM and Ctrl-C drain it: it finishes the visits under way, gives its sites to the other nodes, and exits with
    code 0. A second Ctrl-C drops the visits under way.
    """
    given = locals()
    from .process import fork_helpers, import_settings, prepare_workers, run_loop

    fork_helpers()
    import_settings()

    from crawler.settings.loading import trace

    settings = values.memory(memory) | chosen_settings(work, given)
    settings |= dict(values.setting(text) for text in set_ or ())
    loaded = trace(config, os.environ, settings, "command line")[0]
    prepare_workers(loaded.offload.executor)
    from .work_crawls import Worker

    worker = Worker(engine, out, loaded, crawls or (), alive=alive, is_quiet=quiet)
    raise typer.Exit(run_loop(worker.work))
