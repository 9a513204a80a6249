"""The commands of `crawl`, and how its command line is read."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from crawler import escape_text
from crawler.runtime.nearest import find_nearest

from . import questions, run
from .commands import COMMANDS, LoadedCommands
from .exit_codes import Exit, exit_code_of
from .stderr import tell_line

_HELP = """Crawl the web from a list of seeds, politely, into a folder that the same command continues.

A seed is a list of URLs (one a line, CSV, JSON, a sitemap, bookmarks, a spreadsheet, ...; packed or not), a URL, `-`
for standard input, or a crawl folder to continue. `crawl` alone, on a terminal, asks three questions.
"""

_RETRY = "--retry-failed"
"""An option that may stand alone: the next word is a seed, not its value."""

_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""The error of the command line's parser: it is typer's own class in one version, click's in another."""


class _Interrupted(Exception):
    """Ctrl-C ended the command."""


@contextmanager
def _translate_usage_errors() -> Iterator[None]:
    """Turns a usage error into a ConfigError, so that it is printed in one line as all other errors are."""
    try:
        yield
    except _UsageError as error:
        from crawler import ConfigError
        from crawler.settings.faults import simplify

        asked: Any = error
        if type(error).__name__ == "NoArgsIsHelpError":  # `crawl jobs` alone shows its help
            raise
        path = asked.ctx.command_path.removesuffix(" run") if asked.ctx else "crawl"
        said = simplify(asked.format_message()).rstrip(".")
        raise ConfigError(f"{said[:1].lower()}{said[1:]}; `{path} --help` tells more") from None


class _SeedsOrCommand(TyperGroup):
    """Reads `crawl urls.txt` as `crawl run urls.txt`. A file with a command's name is given as `./config`.

    Contexts are Any here: their class is typer's own in one version and click's in another.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = LoadedCommands()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing and questions.is_wanted():
            args = questions.ask(lambda words: self._check_run(ctx, words))
            sys.argv[1:] = args  # the summary prints the command that continues
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            self._refuse_misspelt(ctx, args[0])
            args = ["run", *args]
        if args[:1] == ["run"]:
            args = [f"{word}=all" if word == _RETRY else word for word in args]
        return super().parse_args(ctx, args)

    def _refuse_misspelt(self, ctx: Any, word: str) -> None:
        near = find_nearest(word, self.commands)
        if near and not ctx.resilient_parsing and not Path(word).exists():
            from crawler import ConfigError

            raise ConfigError(f"{word!r} is neither a file nor a command; did you mean `crawl {near}`?")

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was chosen."""
        try:
            with _translate_usage_errors():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:  # typer would say "Aborted!" and end with 1
            raise _Interrupted from error

    def _check_run(self, ctx: Any, words: Sequence[str]) -> None:
        """Raises the error that `crawl` with these words would end with before it makes anything."""
        with _translate_usage_errors():
            inner = self.commands["run"].make_context("run", list(words), parent=ctx)
        run.check(inner.params)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["SEEDS... [OPTIONS]   or:   crawl COMMAND ..."]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the options of `run`, which people look for here, then the commands."""
        self.commands["run"].format_options(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        return [*super().shell_complete(ctx, incomplete), *self.commands["run"].shell_complete(ctx, incomplete)]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version

        print(f"crawld {version('crawld')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Takes the options that stand before a command: only `--version`."""


app = typer.Typer(
    cls=_SeedsOrCommand, help=_HELP, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.callback()(_root)


def main() -> None:
    """Runs the command. An expected error becomes one line and an exit code, a bug its traceback."""
    try:
        app(prog_name="crawl")
    except _Interrupted:
        print("crawl: interrupted", file=sys.stderr)
        sys.exit(Exit.CANCELLED)
    except Exception as error:  # noqa: BLE001  bugs are printed here too
        code = exit_code_of(error)
        if code is None:
            print("\n".join(map(escape_text, traceback.format_exc().split("\n"))), file=sys.stderr)
        for line in f"crawl: {error}".split("\n") if code is not None else ():
            tell_line(line)  # it may quote the network
        sys.exit(Exit.ERROR if code is None else code)
