"""A queue of several lanes is read from each in turn."""

from dataclasses import dataclass

from crawler.offload.fair_queue import Lanes


@dataclass
class Item:
    lane: str
    number: int


async def test_a_long_lane_does_not_make_the_others_wait() -> None:
    lanes: Lanes[Item] = Lanes()
    for number in range(4):
        lanes.put_nowait(Item("long", number))
    lanes.put_nowait(Item("short", 0))
    assert (lanes.qsize(), lanes.size("long"), lanes.size("short"), lanes.size("none")) == (5, 4, 1, 0)
    got = [await lanes.get() for _ in range(5)]
    assert [(item.lane, item.number) for item in got] == [
        ("long", 0), ("short", 0), ("long", 1), ("long", 2), ("long", 3),
    ]  # fmt: skip
    assert lanes.empty()
