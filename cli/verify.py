"""`crawl verify PACK`: checks a pack that somebody gave you, without anything of the crawl."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from .colours import tint
from .exit_codes import Exit
from .prove import words_of_proof

if TYPE_CHECKING:
    from crawler import PackCheck


def verify(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="The file that `crawl pack` made.")],
    key: Annotated[
        str, typer.Option(metavar="THUMBPRINT", show_default=False, help="The only key that may have signed it.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Check a pack: that nothing in it was changed since it was signed, and what its record of requests proves.

    Exit code 1: it was changed, it is signed by another key, or a site was not treated as it should be.
    """
    from crawler import verify_pack

    from .interrupts import raising_interrupts

    with raising_interrupts():
        found = verify_pack(pack, key)
    if json:
        sys.stdout.write(json_line({"pack": str(pack), **found.record()}).decode())
    else:
        for line in _words(found, pack):
            print(tint(escape_text(line), sys.stdout))
    if not found.is_whole or (found.proof and not found.proof.is_kept):
        raise typer.Exit(Exit.ERROR)


def _words(found: PackCheck, pack: Path) -> Iterator[str]:
    if not found.is_whole:
        yield f"{pack} was changed since it was signed, or is not what it should be"
        yield from (f"  {fault}" for fault in found.faults)
        return
    yield f"{pack} is as it was signed: {found.crawl}, made at {found.created}"
    yield f"  signed with {found.thumbprint}; ask its owner whether that is the key"
    yield f"  holds {', '.join(found.files)}"
    if found.proof:
        yield from words_of_proof(found.proof)
