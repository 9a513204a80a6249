"""`crawl serve`: reads the options and runs one daemon."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from crawler import CrawlError

from . import values
from .exit_codes import Exit, exit_code_of
from .log import log_to_stderr
from .options import SetsSetting, chosen_settings

log = logging.getLogger("crawler.cli")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _if_given(flag: bool) -> bool | None:
    return flag or None


def serve(
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of all jobs. [default: crawld-data]"),
        SetsSetting("daemon.data", _text),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]"),
        SetsSetting("daemon.host"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="Port; 0: any free one. [default: 7878]"), SetsSetting("daemon.port")
    ] = None,
    socket: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Listen on a unix socket instead."),
        SetsSetting("daemon.socket", _absolute),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of the token that clients need. [default: DIR/token, made if missing]"),
        SetsSetting("daemon.token_file", _text),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML; [daemon]: the daemon's own."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name to answer to. Repeatable."),
        SetsSetting("daemon.allowed_hosts"),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Speak another protocol, too: firecrawl or scrapyd. Repeatable."),
        SetsSetting("daemon.adapters"),
    ] = None,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(metavar="NET", help="Allow jobs a private network, such as 127.0.0.0/8. Repeatable."),
        SetsSetting("fetch.allow_networks"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting for all jobs. Repeatable."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Serve the crawls of an engine as jobs, which `crawl work` nodes run: postgresql://USER@HOST/DB, redis://HOST.",
        ),
    ] = "",
    trust_folder: Annotated[
        bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER), SetsSetting("daemon.trust_folder", _if_given)
    ] = False,
    open_folder: Annotated[
        bool, typer.Option("--open-folder", help=values.OPEN_FOLDER), SetsSetting("daemon.open_folder", _if_given)
    ] = False,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log as JSON, one object a line.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log nothing but warnings and errors.")] = False,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Log more.")] = 0,
) -> None:
    """Run a daemon that holds many crawls, with an HTTP API and a dashboard.

    SIGTERM and Ctrl-C stop it: visits under way are finished, and all jobs continue when it is started again. SIGHUP
    reads the settings again.
    """
    given = locals()
    from .process import fork_helpers, import_settings, prepare_workers, run_loop

    if not engine:
        fork_helpers()
    import_settings()

    from crawler import Trust
    from crawler.daemon import Sources

    found = chosen_settings(serve, given)
    own = {key.removeprefix("daemon."): value for key, value in found.items() if key.startswith("daemon.")}
    settings = dict[str, object](values.setting(text) for text in set_ or ())
    settings |= {key: value for key, value in found.items() if not key.startswith("daemon.")}
    file = config or _find_supervised_file()
    trust = Trust(trust_folder, open_folder)
    sources = Sources(file, dict(os.environ), own, settings, trust, is_optional=config is None)
    _, base = sources.load()  # bad settings are refused before anything starts
    if not engine:
        prepare_workers(base.offload.executor)
    from .serve_daemon import serve_daemon, serve_engine

    level = logging.WARNING if quiet else logging.DEBUG if verbose > 1 else logging.INFO
    with log_to_stderr(level, is_json=json_logs):
        try:
            code = run_loop(lambda: serve_engine(sources, engine) if engine else serve_daemon(sources))
        except CrawlError as error:
            if not json_logs:
                raise
            log.error(error)
            code = exit_code_of(error) or Exit.ERROR
    raise typer.Exit(code)


def _find_supervised_file() -> Path | None:
    """Returns where settings may stand if no file is named: in the folder that systemd made for them.

    `ConfigurationDirectory=crawld` of a unit makes it `/etc/crawld/serve.toml`.
    """
    folders = os.environ.get("CONFIGURATION_DIRECTORY", "")
    return Path(folders.partition(":")[0], "serve.toml") if folders else None
