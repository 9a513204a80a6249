"""`crawl config`: shows settings and where they come from, checks a settings file, writes a new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from crawler.runtime.escaping import printable

from . import values

app = typer.Typer(
    help="Show settings, check a file of settings, or write a new one.", no_args_is_help=True, rich_markup_mode=None
)

_File = Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")]
_Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting. Repeatable.")]
_Memory = Annotated[
    int | None,
    typer.Option(metavar="SIZE", parser=values.size, help="The settings that `crawl --memory SIZE` makes: 512M, 2G."),
]


@app.command()
def show(
    config: _File = None,
    set_: _Set = None,
    memory: _Memory = None,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Print the value of every setting, and where it comes from."""
    from crawler.runtime.ownership import Trust
    from crawler.settings.loading import shown, trace, value_of
    from crawler.settings.toml import text_of

    chosen = values.memory(memory) | dict(values.setting(text) for text in set_ or ())
    origin = "--memory or --set" if memory else "--set"
    loaded, origins = trace(config, os.environ, chosen, origin, trust=Trust(foreign=trust_folder))
    for key, origin in origins.items():
        value = shown(key, value_of(loaded, key))
        assignment = f"{key} = {'none' if value is None else text_of(value)}"
        print(printable(assignment) if origin == "default" else printable(f"{assignment}  # {origin}"))


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Settings in TOML.")]) -> None:
    """Check a file of settings, and print what is wrong with it."""
    from crawler.assembly import parts
    from crawler.runtime.ownership import Trust
    from crawler.settings.loading import load

    parts.scope(load(file, trust=Trust(foreign=True)))  # checking a file does not obey it
    print(f"{file}: every setting can be used")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("crawl.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a file of all settings with their meanings and defaults, ready to edit."""
    from crawler.errors import ConfigError
    from crawler.runtime.private_files import Unsafe, opener
    from crawler.settings.toml import default_toml

    try:
        with open(file, "w" if force else "x", encoding="utf-8", opener=opener) as opened:
            opened.write(default_toml())
    except FileExistsError as error:
        raise ConfigError(f"{file} exists already: --force overwrites it") from error
    except Unsafe as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    print(f"wrote {file}; use it with: crawl -c {file} SEEDS...")
