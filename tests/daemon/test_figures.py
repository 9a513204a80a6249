"""The daemon under load in short; `python -m benchmarks daemon` measures it at length."""

from __future__ import annotations

import anyio
import pytest

from benchmarks.daemon import crawling

JOBS, GUESTS = 6, 40


@pytest.mark.long
@pytest.mark.slow
async def test_jobs_go_on_beside_many_who_listen_and_many_who_never_finish_asking() -> None:
    async with crawling(JOBS, 5000, concurrency=8) as daemon:
        async with daemon.following(GUESTS) as listening, daemon.besieging(GUESTS) as asking:
            assert (listening, asking) == (GUESTS, GUESTS)
            before = await daemon.pages()
            with anyio.fail_after(60):
                while min(n - before[job] for job, n in (await daemon.pages()).items()) < 5:
                    await anyio.sleep(0.2)
        after = await daemon.pages()
    gained = [after[job] - n for job, n in before.items()]
    assert len(gained) == JOBS
    assert min(gained) >= 0.2 * sum(gained) / JOBS, "one of them was starved"
