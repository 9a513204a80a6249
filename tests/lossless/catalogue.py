"""All kinds of pages that a crawl could lose by its own judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.lossless import depth, lists, moved, outages, requisites, scope, told, traps, wider
from tests.lossless.bench import Kind

KINDS: tuple[Kind, ...] = (
    *traps.KINDS,
    *outages.KINDS,
    *scope.KINDS,
    *depth.KINDS,
    *requisites.KINDS,
    *wider.KINDS,
    *moved.KINDS,
    *lists.KINDS,
    *told.KINDS,
)


def chosen(names: Iterable[str]) -> Sequence[Kind]:
    """The kinds of these names or families, all without any; `quick`: those of the suite. ValueError for a stranger."""
    wanted = list(names)
    strangers = [name for name in wanted if not any(_is_named(kind, name) for kind in KINDS)]
    if strangers:
        raise ValueError(f"no such kind: {' '.join(strangers)}")
    return [kind for kind in KINDS if not wanted or any(_is_named(kind, name) for name in wanted)]


def _is_named(kind: Kind, name: str) -> bool:
    return name in (kind.name, kind.name.partition("/")[0]) or (name == "quick" and kind.is_quick)
