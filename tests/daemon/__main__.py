"""A daemon without a network side, for tests that kill it: `python -m tests.daemon DATA`."""

import sys
from pathlib import Path

import anyio

from crawler.daemon import DaemonConfig, open_jobs
from crawler.daemon.runs import reports
from tests.daemon.conftest import BASE


async def main(data: Path) -> None:
    reports.TICK_S = 0.05  # the kill comes while records are counted, and their count is kept
    async with open_jobs(DaemonConfig(max_crashes=1000), data, BASE):
        print("ready", flush=True)  # noqa: T201
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
