"""Values of JSON that are made of what strangers write."""

from __future__ import annotations

from collections.abc import Mapping

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
"""A value of JSON."""
Node = Mapping[str, Plain]
"""An item with its properties, by the names of JSON-LD."""


def clean(text: str) -> str:
    """Returns the text without halves of characters, which no JSON can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def last(name: str) -> str:
    """Returns the last part of a name that is an address: `Person` of `https://schema.org/Person`."""
    return name.rstrip("/#").rpartition("/")[2].rpartition("#")[2] or name
