"""No page is lost in silence: the quick kinds, by the real command. `make lossless` runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lossless.__main__ import tell
from tests.lossless.bench import Kind
from tests.lossless.catalogue import KINDS

SEED = 9
NOT_YET: tuple[str, ...] = ()
"""Kinds that wait for work which is not here yet."""
QUICK = [kind for kind in KINDS if kind.is_quick]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", QUICK, ids=[kind.name for kind in QUICK])
async def test_nothing_is_lost(kind: Kind, tmp_path: Path) -> None:
    if kind.name in NOT_YET:
        pytest.skip("waits for work that is not here yet")
    tally = await tell(kind, tmp_path, SEED)
    assert (tally.lost, tally.wrong) == (0, [])


def test_what_waits_is_a_kind() -> None:
    assert set(NOT_YET) <= {kind.name for kind in KINDS}
    assert len({kind.name for kind in KINDS}) == len(KINDS)
