"""Samples of py-spy are told apart by process and thread, and drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.flames import collapse, draw
from benchmarks.profile import rooms, split

CRAWL = 'process 7:"crawl http://127.0.0.1/ --set a=["b"]"'
SERVER = 'process 8:"crawl http://127.0.0.1/ --set a=["b"]"'
LINES = [
    f"{CRAWL};thread (7): MainThread;main (cli/app.py:1);fetch (crawler/fetch/wire.py:2) 3",
    f"{CRAWL};thread (7);main (cli/app.py:1) 1",
    f"{CRAWL};thread (9): frontier_0;run (threading.py:1);write (crawler/frontier/sqlite/store.py:3) 2",
    f"{CRAWL};thread (9): frontier_0;run (threading.py:1);Condition.wait (threading.py:9) 50",
    f'{CRAWL};{SERVER};process 10:"python";thread (10);serve (<string>:1);parse (crawler/parse/page.py:4) 5',
]


def test_loop_threads_and_workers_are_told_apart_and_waiting_is_left_out() -> None:
    assert split(LINES) == {
        "loop": {("main (cli/app.py:1)", "fetch (crawler/fetch/wire.py:2)"): 3, ("main (cli/app.py:1)",): 1},
        "threads": {("run (threading.py:1)", "write (crawler/frontier/sqlite/store.py:3)"): 2},
        "workers": {("serve (<string>:1)", "parse (crawler/parse/page.py:4)"): 5},
    }


def test_time_belongs_to_the_nearest_room_that_asked_for_it() -> None:
    outer = ("main (cli/app.py:1)", "open (crawler/api/running.py:2)", "Runner.run (asyncio/runners.py:3)")
    stacks = {
        outer: 1,
        (*outer, "visit (crawler/visit.py:1)", "get (crawler/fetch/wire.py:2)", "feed (aiohttp/http.py:3)"): 2,
        (*outer, "visit (crawler/visit.py:1)"): 4,
        ("main (cli/app.py:1)", "_find_and_load (<frozen importlib._bootstrap>:1)", "x (crawler/fetch/wire.py:1)"): 8,
        ("main (threading.py:1)",): 16,
    }
    found = rooms(stacks)
    assert found == {"event loop and kernel": 1, "fetch": 2, "visit": 4, "imports": 8, "other code": 16}


def test_a_flame_graph_has_a_frame_for_each_function_as_wide_as_its_share() -> None:
    svg = ElementTree.fromstring(draw(split(LINES)["loop"], "the <loop>"))
    frames = {group[0].text: float(group[1].get("width", 0)) for group in svg.iter("{http://www.w3.org/2000/svg}g")}
    assert list(frames) == [
        "all: 100.0%, 4 samples",
        "main (cli/app.py:1): 100.0%, 4 samples",
        "fetch (crawler/fetch/wire.py:2): 75.0%, 3 samples",
    ]
    whole, _, part = frames.values()
    assert abs(part / whole - 0.75) < 0.01


def test_stacks_are_written_as_other_tools_read_them() -> None:
    assert collapse({("b", "c"): 2, ("a",): 1}) == "a 1\nb;c 2\n"
