"""Reads and writes `crawl.toml`, the settings that a crawl folder is continued with.

Its first line names the version that wrote it. Settings of a newer version that are unknown here are left out with a
remark, and stay in the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..runtime.escaping import escape_text
from ..runtime.ownership import Trust
from ..runtime.private_files import replace_private_file
from ..settings import Config, SinkConfig, SiteConfig
from ..settings.catalog import fields
from ..settings.filling import build
from ..settings.loading import load, project_version
from ..settings.reading import WRITTEN, read, read_keywords
from ..settings.toml import text_of, to_toml

NAME = "crawl.toml"
_INNER = ("sinks.", "sites.")
_SIGNED = re.compile(WRITTEN + r"(\d+(?:\.\d+)*)\S*:")
_HEADER = WRITTEN + "{}: the settings this crawl was started with; all others have their defaults.\n\n"


class Newer(NamedTuple):
    """Settings that only a newer version knows."""

    version: str
    settings: Mapping[str, object]
    """By name; those of a table by `table.name`."""
    inner: bool = False
    """Whether there were others within outputs or sites. They do not stay: the file as it was is kept beside it."""


class Stored(NamedTuple):
    """The settings of a folder."""

    config: Config
    newer: Newer | None = None
    remarks: tuple[str, ...] = ()


def read_settings(folder: Path, trust: Trust) -> Stored:
    """Reads the settings of a folder. Raises ConfigError, also for unknown settings that no newer version wrote."""
    path, ours = folder / NAME, project_version()
    version = _read_version(path)
    if version is None or _key(version) <= _key(ours):
        return Stored(load(path, trust=trust))
    known, unknown = _sift(read(path, trust))
    config = build(Config, read_keywords(Config, known))
    if not unknown:
        return Stored(config)
    names = escape_text(", ".join(unknown))
    remark = f"{NAME} was written by crawld {version}; this is {ours}, which does not know and ignores: {names}"
    inner = [name for name in unknown if name.startswith(_INNER)]
    if inner:
        remark += f". The file as it was is kept as {_name_copy(version)}"
    kept = {name: value for name, value in unknown.items() if name not in inner}
    return Stored(config, Newer(version, kept, bool(inner)), (remark,))


def write_settings(folder: Path, config: Config, newer: Newer | None) -> Newer | None:
    """Writes the settings if anything differs; those of a newer version stay, with its name. Raises OSError.

    Returns what only a newer version knows, as it stands in the file now.
    """
    path = folder / NAME
    text = _HEADER.format(newer.version if newer else project_version())
    text += _add(to_toml(config), newer.settings) if newer else to_toml(config)
    if path.exists() and path.read_text("utf-8") == text:
        return newer
    if newer and newer.inner:
        with replace_private_file(folder / _name_copy(newer.version)) as file:
            file.write(path.read_bytes())
    with replace_private_file(path) as file:
        file.write(text.encode())
    return newer and newer._replace(inner=False)


def _name_copy(version: str) -> str:
    return f"{NAME}.by-{version}"


def _read_version(path: Path) -> str | None:
    """Returns the version that wrote the file; None where it does not say."""
    try:
        with path.open(encoding="utf-8") as file:
            found = _SIGNED.match(file.readline(200))
    except (OSError, ValueError):  # reported when all of it is read
        return None
    return found and found[1]


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def _sift(data: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Returns the settings that this version knows, and the others."""
    known: dict[str, object] = {}
    unknown: dict[str, object] = {}
    tables = {name.partition(".")[0] for name in fields() if "." in name}
    for name, value in data.items():
        if name in tables and isinstance(value, dict):
            for leaf, inner in value.items():
                (known if f"{name}.{leaf}" in fields() else unknown)[f"{name}.{leaf}"] = inner
        elif name == "sinks" and isinstance(value, list):
            known[name] = [_sift_inner(one, SinkConfig, name, unknown) for one in value]
        elif name == "sites" and isinstance(value, dict):
            known[name] = {site: _sift_inner(one, SiteConfig, name, unknown) for site, one in value.items()}
        else:
            (known if name in fields() else unknown)[name] = value
    return known, unknown


def _sift_inner(given: object, kind: type[SinkConfig | SiteConfig], of: str, unknown: dict[str, object]) -> object:
    """Returns the settings of one output or site that this version knows, and adds the others to `unknown`."""
    if not isinstance(given, dict):
        return given
    unknown |= {f"{of}.{name}": value for name, value in given.items() if name not in kind.model_fields}
    return {name: value for name, value in given.items() if name in kind.model_fields}


def _add(text: str, unknown: Mapping[str, object]) -> str:
    """Returns the file with the unknown settings at their places."""
    lines = text.splitlines()
    for name, value in unknown.items():
        table, _, leaf = name.rpartition(".")
        line = f"{leaf} = {text_of(value)}"
        if not table:
            lines.insert(0, line)
        elif f"[{table}]" in lines:
            lines.insert(lines.index(f"[{table}]") + 1, line)
        else:
            at = lines.index("[[sinks]]") if "[[sinks]]" in lines else len(lines)
            lines[at:at] = [f"[{table}]", line]
    return "".join(f"{line}\n" for line in lines)
