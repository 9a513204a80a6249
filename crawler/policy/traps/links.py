"""Takes some of a page's links out of all of them."""

from __future__ import annotations

from array import array

import numpy as np

from ...model import Links


def choose(links: Links, kept: list[int], priorities: array[int]) -> Links:
    """Returns some of the links, with these priorities."""
    if not kept:
        return Links()
    texts = links.split()
    fingerprints = np.frombuffer(links.fingerprints, "<u8")[kept].tobytes()
    modified = np.frombuffer(links.modified, "<u4")[kept].tobytes() if links.modified else b""
    said = priorities.tobytes() if any(priorities) else b""
    return Links("\n".join([texts[i] for i in kept]), fingerprints, said, modified)
