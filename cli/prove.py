"""`crawl prove FOLDER`: checks the record of a crawl's requests, and says how each site was treated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crawler import escape_text
from crawler.runtime.escaping import json_line

from . import show, values
from .colours import tint
from .exit_codes import Exit

if TYPE_CHECKING:
    from crawler import Proof, SiteVerdict

SHOWN_SITES = 20
SHOWN_BREACHES = 5
SHOWN_FAULTS = 10
SHOWN_CHANGES = 10


def prove(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="The crawl folder, or those of all nodes of one crawl.")
    ],
    site: Annotated[
        str, typer.Option(metavar="SITE", show_default=False, help="Judge this site alone, and write to its owner.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
    trust_folder: Annotated[bool, typer.Option("--trust-folder", help=values.TRUST_FOLDER)] = False,
) -> None:
    """Prove how a crawl treated each site: robots.txt, rests, requests at a time. Exit code 1: not as it should.

    Reads `requests.audit` and `robots.kept` in the folder with code of its own, sends nothing, and names each line that
    was changed. A crawl may run there. With --site it ends with a paragraph for the owner of the site.
    """
    from crawler import Config, Trust, prove_folders, read_folder, write_letter

    from .interrupts import raising_interrupts

    found = [read_folder(folder, Config(), trust=Trust(foreign=trust_folder)) for folder in folders]
    with raising_interrupts():
        proof = prove_folders(found, site)
    if json:
        letters = {"letter": write_letter(proof, proof.sites[0])} if site else {}
        sys.stdout.write(
            json_line({"folder": " ".join(str(one.path) for one in found), **proof.record(), **letters}).decode()
        )
    else:
        for line in words_of_proof(proof):
            print(tint(escape_text(line), sys.stdout))
        if site:
            print()
            for line in show.wrap_text(write_letter(proof, proof.sites[0]), show.WIDTH):
                print(escape_text(line))
    if not proof.is_kept:
        raise typer.Exit(Exit.ERROR)


def words_of_proof(proof: Proof) -> Iterator[str]:
    """Yields the findings in lines for people."""
    breached = [site for site in proof.sites if not site.is_kept]
    runs = show.many(proof.runs, "run")
    yield f"{_verdict(proof)}: {show.many(proof.requests, 'request')} in {runs}, {show.many(len(proof.sites), 'site')}"
    if proof.unended:
        yield f"{show.many(proof.unended, 'request')} under way when the crawl was killed, or now"
    for fault in proof.faults[:SHOWN_FAULTS]:
        yield f"{_place(fault.line, fault.file)}: {fault.why}"
    if len(proof.faults) > SHOWN_FAULTS:
        yield f"and {show.number(len(proof.faults) - SHOWN_FAULTS)} more such lines; --json has all"
    for change in proof.changes[-SHOWN_CHANGES:]:
        changed = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in change.changed.items())
        yield f"{_place(change.line, change.file)}: terms changed at {change.at} by {change.who}: {changed}"
    for remark in proof.remarks:
        yield f"not checked: {remark}"
    for site in proof.sites[: max(SHOWN_SITES, len(breached) and SHOWN_SITES)]:
        yield from _of_site(site)
    if len(proof.sites) > SHOWN_SITES:
        yield f"and {show.many(len(proof.sites) - SHOWN_SITES, 'more site')}; --json has all"
    yield f"last seal: {proof.seal}"


def _place(line: int, file: str) -> str:
    """Returns the line; with its file, where a crawl on several event loops has more than one."""
    return f"line {line}" if file == "requests.audit" else f"line {line} of {file}"


def _verdict(proof: Proof) -> str:
    if proof.faults:
        return "the record was changed"
    return "all sites were treated as they should" if proof.is_kept else "not all sites were treated as they should"


def _of_site(site: SiteVerdict) -> Iterator[str]:
    gap = "-" if site.least_gap_s is None else f"{site.least_gap_s:.3f} s"
    verdict, requests = "kept" if site.is_kept else "BREACHED", show.many(site.requests, "request")
    yield f"{verdict}  {site.site}: {requests}, {site.most_under_way} of {site.allowed_under_way} at a time"
    yield f"  least rest {gap} where {site.delay_s:g} s were due"
    for breach in site.breaches[:SHOWN_BREACHES]:
        yield f"  {_place(breach.line, breach.file)}: {breach.kind}: {breach.url}: {breach.why}"
    if site.n_breaches > SHOWN_BREACHES:
        yield f"  and {show.number(site.n_breaches - SHOWN_BREACHES)} more"
