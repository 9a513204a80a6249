"""Names the crawl folder of seeds that come without one. Imports little: the command says the name before all else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from .. import seeds as _seeds

MAX_NAME = 60
"""Most characters of a folder's name that are made from seeds: readable, and far below limits of file systems."""


def default_folder_name(seeds: Iterable[str]) -> str:
    """Returns the name of the folder for these seeds: equal seeds give equal names. `urls.txt` gives `urls.crawl`."""
    names = [_stem(seed) for seed in seeds]
    name = "+".join(dict.fromkeys(names))
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME]}-{blake2b(name.encode(), digest_size=3).hexdigest()}"
    return f"{name}.crawl"


def _stem(seed: str) -> str:
    match _seeds.kind(seed):
        case "stdin":
            return "stdin"
        case "url":
            rest = seed.partition("://")[2] or seed.lstrip("/")
            name = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
        case "file":
            name = Path(re.sub(r"\.(gz|bz2|xz|zst|zip)$", "", Path(seed).name)).stem
    return re.sub(r"[^\w.-]+", "-", name.lower() if "." in name else name).strip(".-_") or "seeds"
