"""What is wrong with a setting is said once, with its name once."""

from __future__ import annotations

import re

import pytest

from crawler import Config, ConfigError
from crawler.settings.loading import load

WRONG: list[object] = ["x", "", "a\nb", -1, 3.5, 10**30, float("nan"), [], ["x"], [{"x": 1}], {"a": 1}, {"a.b": "c d"}]
SETTINGS = [
    f"{table}.{name}" if name else table
    for table, field in Config.model_fields.items()
    for name in getattr(field.annotation, "model_fields", [""])
]


@pytest.mark.parametrize("key", SETTINGS)
def test_an_error_names_its_setting_once(key: str) -> None:
    said = [words for value in WRONG if (words := _refuse(key, value))]
    name = re.compile(rf"\b{key.rpartition('.')[2]}\b")
    assert [words for words in said if len(name.findall(words)) != 1] == []
    assert said


def _refuse(key: str, value: object) -> str:
    """Returns why a value of a setting is refused; empty: it is not."""
    try:
        load(settings={key: value}, environ={})
    except ConfigError as error:
        return str(error)
    return ""
