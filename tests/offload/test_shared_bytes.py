"""The bodies of a batch reach a worker through memory that it shares with us, each as it was sent."""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.model import Url
from crawler.offload import in_worker, open_offloader
from crawler.offload.shared_bytes import LANE_BYTES, LANES, SharedBytes, make_shared_bytes
from crawler.parse import Document
from tests.defaults import make_workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory without a name cannot be shared")
URL = Url("http://h.example/")


@pytest.fixture
def shared() -> Iterator[SharedBytes]:
    made = make_shared_bytes()
    assert made is not None
    yield made
    made.close()


def echo(document: Document) -> tuple[type, bytes, str]:
    return type(document.body), document.body, document.content_type


def write_to_the_bodies() -> str:
    """Tries, in a worker, to change what our process wrote for it."""
    try:
        in_worker._shared[0].memory[:1] = b"x"
    except TypeError as error:
        return str(error)
    return ""


def held() -> int:
    """How many files and mappings of such memory this process has."""
    files = sum("crawld-bodies" in os.path.realpath(place) for place in Path("/proc/self/fd").iterdir())
    return files + Path("/proc/self/maps").read_text().count("crawld-bodies")


@pytest.mark.parametrize("lane", range(LANES))
def test_a_body_lies_outside_the_pickle_and_comes_back_as_bytes(shared: SharedBytes, lane: int) -> None:
    body = os.urandom(40_000)
    parcel = shared.pack([Document(URL, body, "text/html")], lane)
    assert len(parcel.pickled) < 1000
    assert parcel.spans == [(lane * LANE_BYTES, len(body))]
    assert shared.unpack(parcel) == [Document(URL, body, "text/html")]


def test_a_batch_in_one_lane_leaves_that_in_the_other_alone(shared: SharedBytes) -> None:
    bodies = [bytes([number]) * (LANE_BYTES - 1) for number in range(LANES)]
    parcels = [shared.pack(Document(URL, body), lane) for lane, body in enumerate(bodies)]
    assert [shared.unpack(parcel).body for parcel in parcels] == bodies


def test_what_has_no_room_goes_by_the_pipe_and_nothing_is_written_beyond_the_lane(shared: SharedBytes) -> None:
    next_lane = shared.pack(Document(URL, b"n" * LANE_BYTES), 1)
    sizes = (LANE_BYTES - 10, 11, 10, LANE_BYTES + 1, 0)
    batch = [Document(URL, bytes([65 + number]) * size) for number, size in enumerate(sizes)]
    parcel = shared.pack(batch, 0)
    assert [size for _, size in parcel.spans] == [LANE_BYTES - 10, 10, 0]
    assert shared.unpack(parcel) == batch
    assert shared.unpack(next_lane).body == b"n" * LANE_BYTES


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_document_can_be_pickled_without_shared_memory(protocol: int) -> None:
    document = Document(URL, b"\x00body", "text/html", links=("<a>",), is_cut=True)
    again = pickle.loads(pickle.dumps(document, protocol))
    assert again == document
    assert type(again.body) is bytes


@pytest.mark.slow
async def test_many_batches_at_a_time_keep_their_bodies_and_the_memory_goes_with_the_pool() -> None:
    before = held()
    documents = [
        Document(URL, bytes([number % 256]) * size, f"type/{number}")
        for number, size in enumerate((30_000, 1, 0, 700_000, LANE_BYTES + 1) * 40)
    ]
    async with open_offloader(make_workers(count=2, batch=8)) as pool:
        answers = await asyncio.gather(*(pool.run(echo, one, size=len(one.body)) for one in documents))
        assert answers == [(bytes, one.body, one.content_type) for one in documents]
        assert held() > before
        assert "readonly" in await pool.run(write_to_the_bodies)
    assert held() == before
