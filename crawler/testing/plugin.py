"""Offers `crawler.testing` to pytest as fixtures. pytest imports it at each start, so it imports nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from crawler.proving import Proof
    from crawler.testing.crashing import CrashAt, Moment
    from crawler.testing.virtual_clock import VirtualClock
    from crawler.testing.web_in_thread import OpenWeb

CLOCK = "virtual_clock"


class _AsTheyAre:
    """Finds our modules before pytest does, which rewrites the assertions of whatever comes with a plug-in.

    It would parse and compile hundreds of modules anew, and some of our imports happen in threads.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        is_ours = path is not None and name.startswith("crawler.")
        return PathFinder.find_spec(name, path, target) if is_ours else None


def pytest_load_initial_conftests() -> None:
    """Called before any test or conftest.py is imported."""
    sys.meta_path.insert(0, _AsTheyAre)


def pytest_unconfigure() -> None:
    """Leaves imports as they were."""
    while _AsTheyAre in sys.meta_path:
        sys.meta_path.remove(_AsTheyAre)


@pytest.fixture
def fake_web(request: pytest.FixtureRequest) -> Iterator[OpenWeb]:
    """Serves webs on loopback until the test ends: `served = fake_web({"/": html("Home", ["/a"]), "/a": html("A")})`.

    Takes pages by path, `Site` objects, or a `Web`. A thread serves them, or the loop of `virtual_clock`.
    """
    from crawler.testing.web_in_thread import OpenWeb  # noqa: PLC0415

    with OpenWeb(_clock_of(request)) as open_web:
        yield open_web


@pytest.fixture
def crawl_folder(tmp_path: Path) -> Path:
    """Returns the path of a crawl folder that is not there yet."""
    return tmp_path / "test.crawl"


@pytest.fixture
def virtual_clock() -> Iterator[VirtualClock]:
    """Runs coroutines in time that is skipped while all only wait: `virtual_clock.run(crawler.crawl(...))`.

    The webs of `fake_web` belong to the same loop. `virtual_clock.elapsed_s` is the time that passed by this clock.
    """
    from crawler.testing.virtual_clock import VirtualClock  # noqa: PLC0415

    with VirtualClock() as clock:
        yield clock


@pytest.fixture
def crash_at(request: pytest.FixtureRequest) -> Callable[..., CrashAt]:
    """Kills a crawl at its n-th settlement and lets it go on: `crash_at(3)(crawler.crawl, seeds, folder=crawl_folder)`.

    The crawl runs in a process of its own, that gets SIGKILL as the settlement begins; with `moment="after"`, once it
    is done. The second run goes on to the end, and its result is returned.
    """
    from crawler.testing.crashing import CrashAt  # noqa: PLC0415

    def crash_at(at: int, moment: Moment = "before") -> CrashAt:
        return CrashAt(at, moment, _clock_of(request))

    return crash_at


@pytest.fixture
def assert_polite() -> Callable[..., Proof]:
    """Checks the audit of a crawl folder: `assert_polite(crawl_folder)`. Fails with the requests that broke a rule."""
    from crawler.testing.polite import assert_polite  # noqa: PLC0415

    return assert_polite


def _clock_of(request: pytest.FixtureRequest) -> VirtualClock | None:
    """Returns the virtual clock of a test that uses one."""
    return request.getfixturevalue(CLOCK) if CLOCK in request.fixturenames else None
