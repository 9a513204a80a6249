"""Writes the page, the files and the types of all settings from the code: `make settings`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from crawler.cli.options import flags_of
from crawler.cli.run import run
from crawler.cli.serve import serve
from crawler.daemon.settings import DaemonConfig, daemon_toml
from crawler.settings import Config, Nature, SinkConfig, SiteConfig, Table, mark_of
from crawler.settings.catalog import default_of
from crawler.settings.meanings import meaning_of
from crawler.settings.reading import PREFIX
from crawler.settings.toml import default_toml, text_of

from .keywords import crawl_keywords, daemon_keywords

ROOT = Path(__file__).parent.parent.parent
WIDTH = 120
HEAD = """\
# Every setting

This page is written from the code by `make settings`: what it says of a setting stands in that setting's docstring.

A setting can be given in several ways, and a later one overrides those before it: a TOML file (`crawl -c FILE`;
[default.toml](../config/default.toml) has all of them), the environment, an option of the command, and `--set
NAME=VALUE` with any name of this page. In Python, its last word is an argument: `crawler.crawl(seeds, delay_s=0.5)`.
`crawl config show` prints the values in force, and where each comes from. `--memory SIZE` chooses several of them at
once ([memory.md](memory.md)).

In a daemon ([daemon.md](daemon.md)) the owner chooses settings in the file of `crawl serve -c FILE`. Jobs may choose
those that say so.

Unless a setting says otherwise, it is read when a crawl starts: `crawl`, a run of a job, or `open_crawl`.
"""
TYPES = {"boolean": "true or false", "integer": "whole number", "number": "number", "string": "text", "null": "absent"}
UNITS = {"_cpu_s": "CPU seconds", "_bytes_per_s": "bytes a second", "_per_s": "", "_s": "seconds", "_bytes": "bytes"}
BOUNDS = {"minimum": "{} or more", "exclusiveMinimum": "above {}", "maximum": "at most {}"}
NATURES = {
    Nature.LIVE: "may change while a crawl runs",
    Nature.FIXED: "fixed: a crawl folder is never continued with another value",
    Nature.SECRET: "secret: passwords in it are never shown or logged",
    Nature.SHARED: "shared by all jobs of a daemon and read when the daemon starts",
}
JOBS = {
    "exactly": "a job may choose it",
    "most": "a job may choose it, up to a bound of the owner",
    "least": "a job may choose it, down to a bound of the owner",
}


class Section(NamedTuple):
    """One table of settings as the page shows it."""

    title: str
    model: type[Table]
    prefix: str = ""
    variable: str = ""
    """What the names of environment variables begin with. Empty: there are none."""
    meaning: str = ""
    holder: FieldInfo | None = None
    """The setting whose value these tables are."""


def sections() -> Iterator[Section]:
    sites = Config.model_fields["sites"]
    yield Section("Settings outside of tables", Config, "", PREFIX, "Put these lines before the first table of a file.")
    yield Section('[sites."https://example.org"]', SiteConfig, "sites.SITE.", holder=sites)
    for name, info in Config.model_fields.items():
        if (model := _table_of(info)) is not None:
            yield Section(f"[{name}]", model, f"{name}.", f"{PREFIX}{name.upper()}__")
    meaning = f"{SinkConfig.__doc__} `--links` and `--text` of `crawl` are added to every output."
    yield Section("[[sinks]]", SinkConfig, "sinks.", "", meaning, Config.model_fields["sinks"])
    yield Section("[daemon]", DaemonConfig, "daemon.", f"{PREFIX}DAEMON__")


def reference() -> str:
    """Returns the page of all settings."""
    flags = flags_of(serve, "crawl serve ") | flags_of(run)
    lines = [HEAD]
    for section in sections():
        lines += [f"## {section.title}", "", *_wrap(section.meaning or section.model.__doc__ or ""), ""]
        schemas = section.model.model_json_schema()["properties"]
        for name, info in section.model.model_fields.items():
            if _table_of(info) is None:
                lines += [f"### `{section.prefix}{name}`", "", *_wrap(meaning_of(section.model, name)), ""]
                facts = (_value(name, info, schemas[name]), _natures(section, info), _ways(section, name, flags))
                lines += [line for fact in facts if fact for line in _wrap(f"* {fact}")] + [""]
    return "\n".join(lines)


def write() -> None:
    (ROOT / "config/default.toml").write_text(default_toml(), "utf-8")
    (ROOT / "config/daemon.toml").write_text(daemon_toml(), "utf-8")
    (ROOT / "docs/settings.md").write_text(reference(), "utf-8")
    (ROOT / "crawler/settings/keywords.py").write_text(crawl_keywords(), "utf-8")
    (ROOT / "crawler/daemon/keywords.py").write_text(daemon_keywords(), "utf-8")


def _table_of(info: FieldInfo) -> type[Table] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Table) else None


def _value(name: str, info: FieldInfo, schema: dict[str, Any]) -> str:
    """Returns the type of a setting, its bounds and its default, in words."""
    default = default_of(info)
    written = "absent" if default is None else "none" if default in ((), {}, "") else f"`{_written(default)}`"
    return f"{_type(name, schema)}; default: {written}"


def _natures(section: Section, info: FieldInfo) -> str:
    """Returns who may choose a setting, and when it counts, in words."""
    if section.model is DaemonConfig:
        return "may change while the daemon runs" if Nature.LIVE in info.metadata else "read when the daemon starts"
    mark = mark_of(info)
    marks = [*info.metadata, *(section.holder.metadata if section.holder else ())]
    found = [words for nature, words in NATURES.items() if nature in marks]
    return "; ".join([JOBS[mark.bound] if mark else "in a daemon, the owner alone chooses it", *found])


def _written(default: object) -> str:
    text = text_of(default)
    return text if len(text) < WIDTH else f"{text[: WIDTH // 2].rpartition(',')[0]}, ...]"


def _type(name: str, schema: dict[str, Any]) -> str:
    if options := schema.get("anyOf"):
        return ", or ".join(_type(name, one) for one in options)
    if choices := schema.get("enum"):
        return f"one of {', '.join(f'`{one}`' for one in choices)}"
    if only := schema.get("const"):
        return f"`{only}`"
    match schema.get("type"):
        case "array":
            return _list_type(schema["items"])
        case "object":
            return "table"
        case kind:
            return ", ".join([_plain_type(name, str(kind)), *_bounds(schema)])


def _plain_type(name: str, kind: str) -> str:
    words = TYPES.get(kind, "table")
    unit = next((unit for end, unit in UNITS.items() if name.endswith(end)), "")
    return f"{words} of {unit}" if unit and words.endswith("number") else words


def _bounds(schema: dict[str, Any]) -> list[str]:
    return [words.format(f"{schema[key]:,}") for key, words in BOUNDS.items() if key in schema]


def _list_type(items: dict[str, Any]) -> str:
    if "enum" in items:
        return f"list of any of {', '.join(f'`{one}`' for one in items['enum'])}"
    return "list of texts" if items.get("type") == "string" else "list of tables"


def _ways(section: Section, name: str, flags: dict[str, str]) -> str:
    """Returns the option and the variable that set a setting."""
    variable = [f"{section.variable}{name.upper()}"] if section.variable else []
    found = [*(flag for key, flag in flags.items() if key == f"{section.prefix}{name}"), *variable]
    return ", ".join(f"`{way}`" for way in found)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), WIDTH, subsequent_indent="  " * text.startswith("* "))


if __name__ == "__main__":
    write()
