"""`crawl identity`: makes the key by which a crawler signs, and all that is published about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

app = typer.Typer(
    help="Make the key by which your crawler signs, and what you publish about it.",
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


@app.command()
def directory(file: _File = DEFAULT) -> None:
    """Print the key directory, in which sites look up your public key.

    Put it where your setting `identity.signature_agent` leads, at
    `/.well-known/http-message-signatures-directory`. A daemon serves it by itself.
    """
    from crawler import make_key_directory, read_identity

    sys.stdout.write(make_key_directory(read_identity(file)).decode())


@app.command()
def page(
    file: _File = DEFAULT,
    *,
    name: Annotated[
        str, typer.Option(metavar="WORD", help="The word by which robots.txt addresses your crawler.")
    ] = "crawld",
    contact: Annotated[str, typer.Option(metavar="MAIL|URL", help="Where owners of sites reach you.")],
    agent: Annotated[str, typer.Option(metavar="URL", help="Your `identity.signature_agent`.")],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="A sentence that says why you crawl.")] = "",
) -> None:
    """Print a page (HTML) about your crawler, to which its User-Agent should link.

    It tells owners of sites how to reach you, how to keep your crawler away, and how to check a signature.
    """
    from crawler import Config, make_contact_page, read_identity

    Config(signature_agent=agent)  # refuses what is no origin
    sys.stdout.write(make_contact_page(read_identity(file), name=name, contact=contact, agent=agent, purpose=purpose))
