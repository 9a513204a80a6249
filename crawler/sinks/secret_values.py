"""Reads secrets of outputs: as they stand in the settings, or from the environment, where nobody stores them."""

from __future__ import annotations

import os

from ..errors import ConfigError

MARK = "$"
"""A value that begins with it names a variable of the environment."""


def reveal(value: str, key: str) -> str:
    """Returns the secret that a setting stands for. Raises ConfigError if the environment lacks it.

    `key` is the setting.
    """
    if not value.startswith(MARK):
        return value
    found = os.environ.get(name := value.removeprefix(MARK), "")
    if not found:
        words = f"the environment has no variable {name}, which holds the value"
        raise ConfigError(f"{key}: {words}", [key], [words])
    return found
