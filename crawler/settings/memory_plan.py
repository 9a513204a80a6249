"""Shares out the memory that a crawl may take as a whole: one figure becomes settings.

The figure is resident memory, summed over all processes, so shared memory counts several times.
"""

from __future__ import annotations

from ..errors import ConfigError

MIB = 1 << 20
LEAST = 256 * MIB
PROGRAM = 144 * MIB
"""The command before it has fetched anything (95 MiB, measured), with a fork server and a tracker (40)."""
KNOWN = 8
"""One part in KNOWN of the memory is for known and queued URLs."""
WORKER = 48 * MIB
"""A worker between two pages: 36 MiB, the links it remembers, and memory that the allocator keeps."""
LARGEST_BODY = 16 * MIB
COPIES = 3
"""Copies of the largest body, on its way to a worker and in it."""
LARGEST_PAGE = 256 * MIB
"""Most memory for reading a page: an ordinary one of 16 MiB takes 160."""


def plan_memory(total_bytes: int, cores: int) -> dict[str, object]:
    """Returns settings, by full name, under which a crawl stays below `total_bytes`. Raises ConfigError below 256 MiB.

    An eighth is for known URLs. A third of what then remains beside the program goes to workers, at most one for each
    core. Of the rest, three fifths are for reading pages and two for bodies.
    """
    if total_bytes < LEAST:
        raise ConfigError(f"a crawl needs {LEAST // MIB} MiB of memory at least")
    known = total_bytes // KNOWN
    room = total_bytes - PROGRAM - known
    workers = max(1, min(cores, room // 3 // WORKER))
    room -= workers * WORKER
    body = min(LARGEST_BODY, room // 13)
    room -= COPIES * body
    beside = 1 + (workers - 1) / 4  # one page may take all, the others a quarter each: `offload.pool.SHARE`
    page = min(LARGEST_PAGE, int(room * 0.6 / beside))
    return {
        "fetch.budget_bytes": room - int(page * beside) - 1,
        "fetch.max_body_bytes": body,
        "offload.workers": workers,
        "offload.page_memory_bytes": page,
        "frontier.memory_bytes": known,
    }
