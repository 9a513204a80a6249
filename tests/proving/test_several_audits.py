"""A crawl on several event loops has an audit of each: they are proven together, as sites see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from crawler import Config, make_identity, pack_folder, prove_folder, read_folder, verify_pack
from crawler.assembly.parts import proof_terms
from crawler.model import Request, Url
from crawler.proof import ROBOTS, Grounds, RequestRecorder, grounds
from crawler.proving import Proof, prove_files
from crawler.runtime.clock import skipping
from tests.hostile import kills
from tests.hostile.victim import troubled_web

SITE = "https://a.test"
DELAY_S = 1.0
CONFIG = Config(delay_s=DELAY_S, per_site=1)
Skip = Callable[[float], None]


class Loop:
    """One event loop that asks a site: its recorder, without a wire."""

    def __init__(self, folder: Path, name: str) -> None:
        self.recorder = RequestRecorder(folder, proof_terms(CONFIG), is_synced=False, loop=name)

    async def open(self) -> Loop:
        self.recorder.open()
        await self.recorder.rewind(None)
        return self

    def begin(self, path: str) -> int:
        grounds.set(ROBOTS if path == "/robots.txt" else Grounds("page", 1, 0, "setting", DELAY_S, DELAY_S))
        return self.recorder.begin(Request(Url(SITE + path)), "192.0.2.1", is_resent=False)

    def ask(self, path: str) -> None:
        self.recorder.end(self.begin(path), 404 if path == "/robots.txt" else 200, 10, "")


async def take_turns(one: Loop, two: Loop, skip: Skip) -> None:
    for loop in (one, two, one):
        for path in ("/robots.txt", "/a"):
            loop.ask(path)
            skip(DELAY_S)


async def ask_too_early(one: Loop, two: Loop, skip: Skip) -> None:
    one.ask("/robots.txt")
    skip(DELAY_S / 2)
    two.ask("/robots.txt")


async def ask_beside(one: Loop, two: Loop, skip: Skip) -> None:
    one.ask("/robots.txt")
    skip(DELAY_S)
    number = one.begin("/a")
    skip(DELAY_S * 2)
    two.ask("/robots.txt")
    one.recorder.end(number, 200, 10, "")


async def die_and_leave_it_to_the_other(one: Loop, two: Loop, skip: Skip) -> None:
    one.ask("/robots.txt")
    skip(DELAY_S)
    one.begin("/a")
    skip(DELAY_S)
    two.ask("/robots.txt")


async def leave_without_robots(one: Loop, two: Loop, skip: Skip) -> None:
    one.ask("/robots.txt")
    skip(DELAY_S)
    two.ask("/a")


@pytest.mark.parametrize(
    ("act", "breaches", "unended"),
    [
        (take_turns, [], 0),
        (ask_too_early, [("gap", "requests.audit.loop-2")], 0),
        (ask_beside, [("parallel", "requests.audit.loop-2")], 0),
        (die_and_leave_it_to_the_other, [], 1),
        (leave_without_robots, [("robots", "requests.audit.loop-2")], 0),
    ],
)
async def test_what_one_loop_does_counts_for_the_others(
    tmp_path: Path,
    act: Callable[[Loop, Loop, Skip], Awaitable[None]],
    breaches: list[tuple[str, str]],
    unended: int,
) -> None:
    with skipping() as skip:
        one, two = await Loop(tmp_path, "loop-1").open(), await Loop(tmp_path, "loop-2").open()
        await act(one, two, skip)
        for loop in (one, two):
            await loop.recorder.close()
    proof = prove_files(tmp_path)
    [site] = proof.sites
    assert [(one.kind, one.file) for one in site.breaches] == breaches
    assert (proof.unended, proof.runs, proof.faults) == (unended, 2, ())


def files_of(proof: Proof) -> set[str]:
    return {fault.file for fault in proof.faults}


async def test_a_change_in_any_of_them_is_named_with_its_file_and_a_pack_has_all(tmp_path: Path) -> None:
    async with kills.victim(troubled_web(24, sites=4), tmp_path) as crawl:
        crawl.options = ("--loops", "2")
        await crawl.finishes()
        folder = read_folder(crawl.folder, Config())
    pack_folder(folder, tmp_path / "a.zip", make_identity(tmp_path / "key.pem"))
    found = verify_pack(tmp_path / "a.zip")
    assert {"requests.audit.loop-1", "requests.audit.loop-2"} <= set(found.files)
    assert found.is_whole, found.faults
    assert found.proof
    assert (found.proof.is_kept, found.proof.remarks) == (True, ())
    second = folder.path / "requests.audit.loop-2"
    lines = second.read_bytes().split(b"\n")
    second.write_bytes(b"\n".join(lines[:5] + lines[6:]))
    assert files_of(prove_folder(folder)) == {second.name}
    second.unlink()
    proof = prove_folder(folder)
    assert (files_of(proof), "is missing" in proof.faults[0].why) == ({second.name}, True)
    assert proof.seal != found.proof.seal
