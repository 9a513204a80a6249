"""Writes settings as TOML: the file to start from, and the file that a crawl folder keeps."""

from __future__ import annotations

import json
import textwrap
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from . import Config, SinkConfig, SiteConfig
from .catalog import default_of, fields, last_word
from .loading import chosen_settings
from .meanings import meaning_of


def default_toml() -> str:
    """Returns every setting with its meaning and its default: a configuration file to start from."""
    lines = ["# Every setting, with its default: keep the lines you change, drop the rest."]
    for key, info in fields().items():
        if key != "sinks":
            lines += [
                *_heading(key, lines),
                "",
                *comment(info, meaning_of(Config, key)),
                _line(key, default_of(info)),
            ]
    lines += ["", f"# {SinkConfig.__doc__}", "[[sinks]]"]
    for name, info in SinkConfig.model_fields.items():
        lines += ["", *comment(info, meaning_of(SinkConfig, name)), _line(name, default_of(info))]
    return "\n".join(lines) + "\n"


def to_toml(config: Config) -> str:
    """Returns the settings that somebody chose, as TOML that `load` reads back."""
    chosen = chosen_settings(config)
    lines = ["sinks = []"] if "sinks" in chosen and not config.sinks else []
    for key, value in chosen.items():
        if key != "sinks" and value is not None:
            lines += [*_heading(key, lines)[-1:], _line(key, value)]
    for sink in config.sinks if "sinks" in chosen else ():
        lines += ["[[sinks]]", *(_line(name, value) for name, value in sink if _is_worth(sink, name, value))]
    return "".join(f"{line}\n" for line in lines)


def _is_worth(sink: SinkConfig, name: str, value: object) -> bool:
    """Whether a setting of an output is written: those that every format has, and others that somebody chose."""
    return name in _OF_ALL or (value != {} and value != default_of(SinkConfig.model_fields[name]))


_OF_ALL = ("kind", "path", "links", "text", "headers", "simhash", "types")


def _heading(key: str, lines: list[str]) -> list[str]:
    """Returns the lines that open the table of `key`, its meaning and its name; none if `lines` opened it already."""
    table, _, _ = key.rpartition(".")
    if not table or f"[{table}]" in lines:
        return []
    meaning = Config.model_fields[table].annotation.__doc__
    return ["", f"# {meaning}", f"[{table}]"]


def _line(key: str, value: object) -> str:
    return f"# {last_word(key)} =" if value is None or value == {} else f"{last_word(key)} = {text_of(value)}"


def comment(info: FieldInfo, meaning: str) -> list[str]:
    """Returns a setting's meaning as comment lines."""
    choices = f" One of: {', '.join(get_args(info.annotation))}." if get_origin(info.annotation) is Literal else ""
    return [f"# {line}" for line in textwrap.wrap(f"{meaning}{choices}", 100)]


def text_of(value: object) -> str:
    """Returns one value as TOML writes it."""
    match value:
        case bool() | str():  # JSON's escapes, and DEL, which TOML wants escaped too
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case SinkConfig():
            return text_of(dict(value))
        case SiteConfig():
            return text_of({name: one for name, one in value.model_dump(exclude_unset=True).items() if one is not None})
        case int():
            return f"{value:_}" if value >= 100_000 else str(value)
        case tuple() | list():
            return f"[{', '.join(map(text_of, value))}]"
        case dict():
            return f"{{ {', '.join(f'{text_of(name)} = {text_of(inner)}' for name, inner in value.items())} }}"
    return str(value)
