"""Whatever a server does, its URL gets one outcome and the right one; `make torture` has the slow and heavy rest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.behaviour import Behaviour
from tests.hostile.catalogue import BEHAVIOURS
from tests.hostile.torture import OPTIONS, torture

IMPATIENT = (
    *("--set", "fetch.timeout_s=10", "--set", "fetch.max_body_bytes=2097152"),
    *("--set", "politeness.max_attempts=1"),
)
"""What is endless is long enough at 2 MiB, and what fails once fails."""


@pytest.mark.slow
async def test_every_quick_behaviour_ends_in_the_outcome_that_is_right_for_it(tmp_path: Path) -> None:
    verdict = await torture(tmp_path, ["quick"], (*OPTIONS, *IMPATIENT), good=False)
    assert [(row.behaviour.name, row.faults) for row in verdict.rows if row.faults] == []
    assert verdict.faults == []
    assert len(verdict.rows) >= 500


def test_no_two_behaviours_share_a_name() -> None:
    assert [name for name, times in Counter(map(_name, BEHAVIOURS)).items() if times > 1] == []


def _name(behaviour: Behaviour) -> str:
    return behaviour.name
