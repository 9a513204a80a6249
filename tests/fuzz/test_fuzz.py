"""Each fuzz target for an instant, with the same inputs every time: `make fuzz` feeds them for as long as one likes."""

from __future__ import annotations

import pycares
import pytest

from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target

FEW = 12


@pytest.fixture(scope="session", autouse=True)
def closing_thread() -> None:
    """pycares closes all its channels on one daemon thread a process, begun with the first: not the story's own."""
    pycares.Channel().close()


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_whatever_a_reader_is_fed_it_keeps_its_promises(target: Target) -> None:
    assert target.feed(FEW, is_alike=True) > 0


def test_the_targets_have_names_of_their_own() -> None:
    assert len({target.name for target in TARGETS}) == len(TARGETS) >= 40
