"""`crawl identity`: makes the key by which a crawler signs, and shows its public part."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

app = typer.Typer(
    help="Make the key by which your crawler signs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

DEFAULT = Path("identity.pem")
_File = Annotated[Path, typer.Argument(metavar="[FILE]", help="The file of the key.")]


@app.command()
def new(file: _File = DEFAULT) -> None:
    """Make a new Ed25519 key in a file that only you can read. Keep it: whoever has it can sign in your name."""
    from crawler import make_identity

    made = make_identity(file)
    print(escape_text(f"{file}: a new key, {made.thumbprint}"))


@app.command()
def show(file: _File = DEFAULT) -> None:
    """Print the public key as a JWK, with its thumbprint, by which others know it."""
    from crawler import read_identity

    found = read_identity(file)
    sys.stdout.write(json_line({**found.jwk, "kid": found.thumbprint}).decode())
