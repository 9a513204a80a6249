"""Finds the browser of this machine. None is ever downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..errors import ConfigError

NAMES = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "chrome-headless-shell",
    "headless_shell",
)  # fmt: skip
"""Programs that are looked for, the first one found is taken."""
_ON_MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW = 'install it (Debian, Ubuntu: apt install chromium), or name one that you have: render.browser = "/path/to/it"'


def find_browser(named: str) -> str:
    """Returns the path of the browser that the settings name, or of the first one found. Raises ConfigError."""
    if named:
        path = shutil.which(os.path.expanduser(named))
        if path is None:
            raise ConfigError(f"render.browser: {named!r} is no program that can be run", ["render.browser"])
        return path
    found = (shutil.which(name) for name in NAMES)
    on_macos = (place for place in _ON_MACOS if Path(place).exists())
    path = next(filter(None, found), None) or next(on_macos, None)
    if path is None:
        raise ConfigError(f"render.mode: pages are rendered by Chromium, and none was found: {HOW}", ["render.mode"])
    return path
