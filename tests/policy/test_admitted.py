"""The table of places: exact while it grows, seen by worker processes at once."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import StorageFull
from crawler.policy import admitted
from crawler.policy.admitted import MOST, Admitted


@pytest.fixture(params=["memory", "file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Admitted]:
    numbers = iter(range(10**6))
    return lambda: Admitted(path=tmp_path / f"{next(numbers)}" if request.param == "file" else None)


def test_it_holds_what_was_added_and_nothing_else(make: Callable[[], Admitted]) -> None:
    table, number = make(), 40 * MOST
    assert table.add(f"h{i}.test" for i in range(number)) == number
    assert table.add(f"h{i}.test" for i in range(0, number, 7)) == 0
    assert len(table) == number
    assert all(table.holds(f"h{i}.test") for i in range(number))
    assert not any(table.holds(f"g{i}.test") for i in range(number))


def test_a_stranger_that_is_added_is_none_any_more(make: Callable[[], Admitted]) -> None:
    table = make()
    assert not table.holds("a.test")
    table.add(["b.test"])
    assert not table.holds("a.test")
    table.add(["a.test"])
    assert table.holds("a.test")


FOLDERS = st.lists(st.sampled_from(["a", "b", ""]), max_size=4).map(lambda names: "".join(f"{name}/" for name in names))


@pytest.mark.slow
@given(st.lists(FOLDERS, max_size=6), FOLDERS)
def test_a_folder_is_held_by_any_that_it_lies_in(folders: list[str], asked: str) -> None:
    table = Admitted()
    table.add(f"h/{folder}" for folder in folders)
    assert table.holds_above(f"h/{asked}") == any(asked.startswith(folder) for folder in folders)
    assert not table.holds_above(f"g/{asked}")


def test_folders_of_any_depth_are_told_apart() -> None:
    table = Admitted()
    deep = "h/" + "a/" * 100
    table.add([deep])
    assert table.holds_above(deep)
    assert table.holds_above(f"{deep}b/c/")
    assert not table.holds_above("h/" + "a/" * 99)


@pytest.mark.slow
def test_a_directory_that_doubles_keeps_all(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Admitted]) -> None:
    monkeypatch.setattr(admitted, "MOST", 2)  # pages split early: so the directory grows with few members
    table = make()
    table.add(f"h{i}.test" for i in range(4000))
    assert all(table.holds(f"h{i}.test") for i in range(4000))
    assert not any(table.holds(f"g{i}.test") for i in range(4000))


@pytest.mark.slow
def test_a_copy_in_another_process_reads_along_while_the_table_grows(tmp_path: Path) -> None:
    """Each answer is right at the instant it is given: what was added before it was asked for is there."""
    table = Admitted(path=tmp_path / "places")
    table.add(["first.test"])
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as workers:
        copies = [pickle.dumps(table)] * 2
        assert list(workers.map(_open, copies)) == [1, 1]
        for step in range(20):
            names = [f"h{step}-{i}.test" for i in range(1500)]
            table.add(names)
            assert all(workers.map(_holds_all, [names] * 2))
            assert not any(workers.map(_holds_any, [[f"g{step}-{i}.test" for i in range(100)]] * 2))


@pytest.mark.slow
def test_readers_lose_nothing_to_a_split_that_is_under_way(tmp_path: Path) -> None:
    """A reader asks without pause for what was there from the beginning."""
    table = Admitted(path=tmp_path / "places")
    old = [f"old{i}.test" for i in range(200)]
    table.add(old)
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as workers:
        answer = workers.submit(_missed, pickle.dumps(table), old, 60 * MOST)
        table.add(f"h{i}.test" for i in range(60 * MOST))
        assert answer.result(60) == 0


def test_threads_that_share_a_table_see_what_is_added_at_once(make: Callable[[], Admitted]) -> None:
    table, missed = make(), list[str]()
    added = [f"h{i}.test" for i in range(20 * MOST)]

    def ask() -> None:
        while len(table) < len(added):
            seen = len(table)
            missed.extend(name for name in added[max(0, seen - 50) : seen] if not table.holds(name))

    asking = threading.Thread(target=ask)
    asking.start()
    for name in added:
        table.add([name])
    asking.join()
    assert missed == []


def test_a_pickled_copy_without_a_file_holds_what_the_table_held_then() -> None:
    table = Admitted()
    table.add(["a.test"])
    away = pickle.loads(pickle.dumps(table))
    table.add(["b.test"])
    assert (away.holds("a.test"), away.holds("b.test")) == (True, False)


def test_copies_of_one_file_are_equal_and_nothing_else_is(tmp_path: Path) -> None:
    table, other = Admitted(path=tmp_path / "places"), Admitted(path=tmp_path / "other")
    assert pickle.loads(pickle.dumps(table)) == table
    assert table != other
    assert Admitted() != Admitted()


def test_the_file_is_for_our_own_user_alone_and_goes_when_it_is_closed(tmp_path: Path) -> None:
    table = Admitted(path=tmp_path / "places")
    assert (tmp_path / "places").stat().st_mode & 0o777 == 0o600
    table.close()
    assert list(tmp_path.iterdir()) == []
    assert not table.holds("a.test")


@pytest.mark.slow
def test_nothing_is_left_behind_by_a_crawl_that_is_killed() -> None:
    """The folder of its workers' sockets holds the table, too: the next crawl removes it."""
    script = """
import asyncio, glob, os, signal, crawler
async def main():
    async with crawler.open_crawl(workers=1) as crawl:
        await crawl.add(["http://a.test/"])
        print(*glob.glob(os.environ["TMPDIR"] + "/*/places-*"), flush=True)
        if os.environ.get("DIES"):
            os.killpg(0, signal.SIGKILL)
asyncio.run(main())
"""
    with TemporaryDirectory(dir="/tmp") as folder:  # its path is short enough for sockets
        environment = os.environ | {"TMPDIR": folder, "PYTHONPATH": str(Path(__file__).parents[2])}
        for dies in ("1", ""):
            ended = subprocess.run(
                [sys.executable, "-c", script], env=environment | {"DIES": dies}, capture_output=True, text=True,
                start_new_session=True, check=False, timeout=60,
            )  # fmt: skip
            assert len(ended.stdout.split()) == 1
        assert list(Path(folder).iterdir()) == []


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="no space left for the places of the seeds"):
        Admitted(path=tmp_path / "missing" / "places")


@pytest.mark.slow
def test_many_places_take_few_bytes_each_and_no_memory_of_ours(tmp_path: Path) -> None:
    table = Admitted(path=tmp_path / "places")
    table.add(f"h{i}.test" for i in range(200_000))
    assert table.nbytes / len(table) < 32
    assert len(table._inside) <= admitted.MOST_REMEMBERED
    assert (tmp_path / "places").stat().st_size == table.nbytes


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="nobody tells elsewhere how large a process is")
def test_a_worker_takes_none_of_its_memory_for_a_large_table(tmp_path: Path) -> None:
    table = Admitted(path=tmp_path / "places")
    table.add(f"h{i}.test" for i in range(100_000))
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as workers:
        assert workers.submit(_grown_by, pickle.dumps(table)).result(60) < table.nbytes // 4


_opened: list[Admitted] = []


def _open(copy: bytes) -> int:
    _opened[:] = [pickle.loads(copy)]
    return len(_opened[0])


def _holds_all(names: list[str]) -> bool:
    return all(map(_opened[0].holds, names))


def _holds_any(names: list[str]) -> bool:
    return any(map(_opened[0].holds, names))


def _grown_by(copy: bytes) -> int:
    """Bytes of address space that looking into the table takes."""
    table: Admitted = pickle.loads(copy)
    sizes = []
    for first in (0, 50_000):
        assert all(table.holds(f"h{i}.test") for i in range(first, first + 50_000))
        sizes.append(int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE"))
    return sizes[1] - sizes[0]


def _missed(copy: bytes, names: list[str], until: int) -> int:
    table: Admitted = pickle.loads(copy)
    missed = 0
    while len(table) < until:
        table._inside.clear()  # what was found is not remembered: every answer is a look into the file
        missed += sum(not table.holds(name) for name in names)
    return missed
