"""Says in our words what is wrong with a value."""

from __future__ import annotations


def simplify(message: str) -> str:
    """Returns what pydantic says of a value, without its own words: `should be a valid number`."""
    said = message.removeprefix("Value error, ").replace("Input should", "should").replace("Value error, ", "")
    return said.partition(", unable to parse")[0]
