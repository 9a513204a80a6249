"""Lists every setting by its full name, and derives from the markers which settings are live, fixed, secret, shared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic.fields import FieldInfo

from . import Config, SinkConfig
from .names import OLD_NAMES, fields_of, last_word
from .table import Nature, Table

__all__ = [
    "FIXED", "LIVE", "OLD_NAMES", "SECRETS", "SHARED", "SINK_SECRETS", "default_of", "fields", "last_word",
    "settings_marked",
]  # fmt: skip


def fields(table: type[Table] = Config) -> Mapping[str, FieldInfo]:
    """Returns every setting by its full name, in the order of the model; the sinks are one setting."""
    return fields_of(table)


@cache
def settings_marked(nature: Nature, table: type[Table] = Config) -> frozenset[str]:
    """Returns the full names of the settings with this marker."""
    return frozenset(key for key, field in fields(table).items() if nature in field.metadata)


def default_of(field: FieldInfo) -> object:
    """Returns the default of a setting."""
    value: object = field.get_default(call_default_factory=True)
    return value


FIXED = settings_marked(Nature.FIXED)
"""Settings that a crawl folder keeps for its whole life: its files have that shape."""
LIVE = settings_marked(Nature.LIVE)
"""Settings that may change while a crawl runs; all others count from its start."""
SECRETS = settings_marked(Nature.SECRET)
"""Settings that may hold passwords and tokens: never shown, and kept in files that only their owner can read."""
SINK_SECRETS = settings_marked(Nature.SECRET, SinkConfig)
"""Settings of one output that may hold passwords: the outputs are shown if none of these was chosen."""
SHARED = settings_marked(Nature.SHARED)
"""Settings of parts that all jobs of a daemon share: read when the daemon starts."""
