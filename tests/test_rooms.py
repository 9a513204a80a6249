"""The rooms of the house as docs/architecture.md tells them are those that import-linter holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

HOUSE = Path(__file__).parent.parent


def contract() -> dict[str, int]:
    """The floor of each room by its name, counted from the ground floor, which is 0."""
    linter = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(one["layers"] for one in linter["contracts"] if one["name"] == "floors")
    return {
        room.strip(" ()"): floor for floor, layer in enumerate(reversed(layers)) for room in re.split(r"[|:]", layer)
    }


def table() -> dict[str, int]:
    text = (HOUSE / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+)/?`", text, re.MULTILINE)
    return {room: int(floor) for floor, room in rows}


def test_the_table_of_rooms_is_the_contract() -> None:
    told, held = table(), contract()
    assert told.pop("cli") == max(held.values()) + 1
    assert told == held


def test_every_room_is_there_and_no_other() -> None:
    inside = (HOUSE / "crawler").iterdir()
    found = {path.stem for path in inside if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - {"__init__"} == contract().keys()
