"""`crawl mcp`: reads the options, and speaks with a program that runs models."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from . import values
from .log import log_to_stderr
from .options import SetsSetting, chosen_settings
from .serve import _if_given, _text


def mcp(
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of all jobs. [default: crawld-data]"),
        SetsSetting("daemon.data", _text),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML; [daemon]: the daemon's own."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Use the daemon at this address instead of a folder.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of that daemon's token. [default: DIR/token]"),
        SetsSetting("daemon.token_file", _text),
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting for all that is fetched. Repeatable."),
    ] = None,
    trust_folder: Annotated[
        bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER), SetsSetting("daemon.trust_folder", _if_given)
    ] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Log more.")] = 0,
) -> None:
    """Speak the Model Context Protocol, so that models fetch pages and crawl sites.

    A program that runs models starts it and speaks over its standard input and output. Jobs stand in a folder as those
    of `crawl serve` do. Where a daemon holds that folder, everything goes to the daemon.
    """
    given = locals()
    from .process import fork_helpers, import_settings, prepare_workers, run_loop

    fork_helpers()
    import_settings()

    from crawler import Trust
    from crawler.daemon import Sources

    found = chosen_settings(mcp, given)
    own = {key.removeprefix("daemon."): value for key, value in found.items() if key.startswith("daemon.")}
    settings = dict[str, object](values.setting(text) for text in set_ or ())
    settings |= {key: value for key, value in found.items() if not key.startswith("daemon.")}
    sources = Sources(config, dict(os.environ), own, settings, Trust(trust_folder))
    _, base = sources.load()  # bad settings are refused before anything starts
    prepare_workers(base.offload.executor)
    from .serve_mcp import serve_mcp

    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    with log_to_stderr(level, is_json=False):
        raise typer.Exit(run_loop(lambda: serve_mcp(sources, url)))
