"""So many at a time to one address."""

import asyncio

from crawler.fetch.address_limits import AddressLimits


async def test_no_more_than_the_limit_are_inside_and_all_get_in() -> None:
    gates = AddressLimits(3)
    inside = worst = served = 0

    async def visit() -> None:
        nonlocal inside, worst, served
        await gates.enter("192.0.2.1")
        inside += 1
        worst = max(worst, inside)
        await asyncio.sleep(0)
        inside -= 1
        served += 1
        gates.leave("192.0.2.1")

    await asyncio.gather(*[visit() for _ in range(20)])
    assert (worst, served) == (3, 20)


async def test_another_address_is_another_gate() -> None:
    gates = AddressLimits(1)
    assert gates.is_entered("192.0.2.1")
    assert gates.is_entered("192.0.2.2")
    assert not gates.is_entered("192.0.2.1")


async def test_whoever_is_cancelled_in_the_queue_or_at_the_door_leaves_no_place_taken() -> None:
    gates = AddressLimits(1)
    await gates.enter("192.0.2.1")
    in_queue, at_door = (asyncio.create_task(gates.enter("192.0.2.1")) for _ in range(2))
    await asyncio.sleep(0)
    in_queue.cancel()
    await asyncio.sleep(0)
    gates.leave("192.0.2.1")  # the place is at_door's now,
    at_door.cancel()  # who does not come any more
    await asyncio.gather(in_queue, at_door, return_exceptions=True)
    assert gates.is_entered("192.0.2.1")


async def test_who_bears_less_waits_until_they_are_fewer_and_is_not_overtaken() -> None:
    wide = AddressLimits(3)
    narrow = AddressLimits(1, wide)
    for _ in range(2):
        assert wide.is_entered("192.0.2.1")
    waits = asyncio.create_task(narrow.enter("192.0.2.1"))
    await asyncio.sleep(0)
    assert not wide.is_entered("192.0.2.1"), "there is room, but someone was here before"
    wide.leave("192.0.2.1")
    await asyncio.sleep(0)
    assert not waits.done()
    wide.leave("192.0.2.1")
    await waits
    assert wide.is_entered("192.0.2.1")
    for gates in (wide, narrow):
        gates.leave("192.0.2.1")
    assert not wide._inside
    assert not wide._waiting


async def test_those_behind_one_who_gives_up_go_in() -> None:
    wide = AddressLimits(2)
    narrow = AddressLimits(1, wide)
    assert wide.is_entered("192.0.2.1")
    gives_up = asyncio.create_task(narrow.enter("192.0.2.1"))
    await asyncio.sleep(0)
    behind = asyncio.create_task(wide.enter("192.0.2.1"))
    await asyncio.sleep(0)
    gives_up.cancel()
    await behind
