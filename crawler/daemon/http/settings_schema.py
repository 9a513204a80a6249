"""Describes the settings that a job may choose, as JSON Schema for openapi.json."""

from __future__ import annotations

from typing import Any

from ...settings import Config, SinkConfig, SiteConfig, mark_of
from ..owners import OWNERS

Schema = dict[str, Any]
NAME = "JobSettings"
MARK = "x-settings"
"""Marks the places of other schemas where a client sends settings."""
_INNER = (SiteConfig, SinkConfig)


def settings_schemas(ref_template: str) -> dict[str, Schema]:
    """Returns the schemas of the settings of a job and of their tables, by name."""
    whole = Config.model_json_schema(ref_template=ref_template)
    schemas: dict[str, Schema] = whole.pop("$defs")
    for key in OWNERS:
        table, _, name = key.rpartition(".")
        del schemas[_model_name(table)]["properties"][name]
    for model in _INNER:
        for name, field in model.model_fields.items():
            if mark_of(field) is None:
                del schemas[model.__name__]["properties"][name]
    for said in whole["properties"].values():
        if "$ref" in said:
            del said["default"]  # each setting names its own
    whole["properties"] = {name: said for name, said in whole["properties"].items() if not _is_empty(said, schemas)}
    used = {said["$ref"].rpartition("/")[2] for said in whole["properties"].values() if "$ref" in said}
    kept = used | {model.__name__ for model in _INNER}
    description = "The settings of a job, with the defaults of crawld; `GET /v1/settings` has those of this daemon."
    return {NAME: whole | {"title": NAME, "description": description}} | {
        name: schemas[name] for name in schemas if name in kept
    }


def link(node: Any, ref: str) -> None:
    """Puts a reference to the settings' schema where others left MARK."""
    if isinstance(node, dict):
        if node.pop(MARK, False):
            by_name = {"type": "object", "description": "By full names; texts are read as on the command line."}
            node.update({"anyOf": [{"$ref": ref}, by_name]})
        for inner in list(node.values()):
            link(inner, ref)
    elif isinstance(node, list):
        for inner in node:
            link(inner, ref)


def _model_name(table: str) -> str:
    return f"{Config.model_fields[table].annotation.__name__}" if table else Config.__name__  # type: ignore[union-attr]


def _is_empty(said: Schema, schemas: dict[str, Schema]) -> bool:
    """Returns whether a property is a table in which a job may choose nothing."""
    name = said.get("$ref", "").rpartition("/")[2]
    return name in schemas and not schemas[name]["properties"]
