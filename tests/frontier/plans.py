"""What a story about a frontier is made of: a few sites, requests to them, and what becomes of visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st

from crawler.model import Request, Url

SITES = [f"http://s{i}" for i in range(4)]
IPS = ["10.0.0.1", "10.0.0.2"]

names = st.tuples(st.sampled_from(SITES), st.integers(0, 40)).map(lambda pair: f"{pair[0]}/{pair[1]}")
sent: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        *[{}] * 4,
        {"method": "POST", "body": b"a=1"},
        {"method": "POST", "body": b"a=2"},
        {"headers": (("Accept-Language", "de"),)},
        {"method": "HEAD"},
    ]
)
"""What else is sent: each another request to the same URL."""
own: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [*[{}] * 4, {"label": "list"}, {"label": "item", "data": {"n": [1, "ä"]}}, {"data": {}}]
)
"""Values of a program, which make no other request."""
requests = st.builds(
    lambda text, depth, priority, sent, own: Request(Url(text), depth=depth, priority=priority, **sent, **own),
    names, st.integers(0, 3), st.integers(-1, 1), sent, own,
)  # fmt: skip
picks = st.lists(st.integers(0, 99), min_size=1, max_size=6)


@dataclass(frozen=True)
class Plan:
    """What will become of whichever visit it falls to: drawn beforehand, since who is out may hang on a thread."""

    pick: int
    kind: str
    rest_s: float
    since_s: float
    ip: str
    wait_s: float
    page: str
    found: tuple[str, ...]
    again_s: float | None


plans = st.lists(
    st.builds(
        Plan,
        st.integers(0, 99),
        st.sampled_from(["fetched", "fetched", "redirected", "failed", "deferred", "robots"]),
        st.sampled_from([0.0, 0.0, 1.0, 5.0]),
        st.sampled_from([0.0, 0.5]),
        st.sampled_from(IPS),
        st.sampled_from([0.0, 1.0, 4.0]),
        st.sampled_from(["html", "html", "sitemap"]),
        st.lists(names, min_size=1, max_size=12).map(tuple),
        st.sampled_from([None, 0.0, 2.0, 20.0]),
    ),
    min_size=1,
    max_size=6,
)
