"""The power is cut while a crawl writes, on a disk that forgets what was not synced.

tests/power/cuts.py holds the story; `make torture` tells it at 200 instants.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.power import cuts, disk

needs_compiler = pytest.mark.skipif(not disk.COMPILER, reason="what notes the writes of a crawl is written in C")


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("way", ["power", "process"])
async def test_after_a_power_cut_every_page_is_in_the_output_once(tmp_path: Path, way: cuts.Way) -> None:
    async with cuts.trial(tmp_path) as trial:
        await cuts.cut_again_and_again(trial, way, 4)
