"""`crawl pack FOLDER`: writes all that proves how a crawl went into one signed file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crawler import escape_text

from . import show, values
from .identity import DEFAULT


def pack(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The crawl folder; a crawl may run in it.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The pack. [default: FOLDER.pack.zip]")
    ] = None,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The key to sign with.")] = DEFAULT,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Write one signed file with a crawl's archive, its record of requests, each robots.txt and its settings' history.

    `crawl verify` checks it anywhere, with nothing of the crawl at hand. `crawl identity new` makes the key.
    """
    from crawler import Config, Trust, pack_folder, read_folder, read_identity

    from .interrupts import raising_interrupts

    identity = read_identity(key)
    found = read_folder(folder, Config(), trust=Trust(foreign=trust_folder))
    place = out or Path(f"{found.path.resolve().name.removesuffix('.crawl')}.pack.zip")
    with raising_interrupts():
        names = pack_folder(found, place, identity)
    print(escape_text(f"{place}: {show.size(place.stat().st_size)}, {', '.join(names)}"))
    print(escape_text(f"signed with {identity.thumbprint}"))
