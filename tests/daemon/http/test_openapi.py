"""The description of the API is what the API does."""

from __future__ import annotations

from typing import Any

from crawler.daemon.http.app import operations
from crawler.daemon.http.openapi import document
from crawler.daemon.owners import OWNERS
from crawler.settings import Config
from crawler.settings.catalog import fields

from .conftest import Api


async def test_every_operation_is_described_once_with_its_words(api: Api) -> None:
    document = await api.get("/openapi.json")
    described = [(method.upper(), path) for path, verbs in document["paths"].items() for method in verbs]
    served = [(one.method, one.path.replace(":.+}", "}")) for one in operations()]
    assert sorted(described) == sorted(served)
    for verbs in document["paths"].values():
        for said in verbs.values():
            assert said["summary"].endswith((".", ";")) or said["summary"]
            assert {"400", "403", "421", "500"} <= said["responses"].keys()
    names = [said["operationId"] for verbs in document["paths"].values() for said in verbs.values()]
    assert len(set(names)) == len(names)


def test_each_setting_that_a_job_may_choose_is_described_with_its_type_bounds_default_and_meaning() -> None:
    schemas = document(operations(), "1")["components"]["schemas"]
    own = Config.model_json_schema(ref_template="#/components/schemas/{model}")
    described = _flat(schemas["JobSettings"], schemas)
    assert described == {key: said for key, said in _flat(own, own["$defs"]).items() if key not in OWNERS}
    assert set(described) == set(fields()) - set(OWNERS)
    assert described["politeness.delay_s"] == {
        "default": 1.0, "minimum": 0, "title": "Delay S", "type": "number",
        "description": "Rest between an answer and the next request to the same site; a larger Crawl-delay wins.",
    }  # fmt: skip
    assert set(schemas["SiteConfig"]["properties"]) == {
        "delay_s", "per_site", "limit", "bytes_per_s", "headers", "basic_auth", "bearer"
    }  # fmt: skip


def test_settings_are_described_wherever_a_client_sends_them() -> None:
    schemas = document(operations(), "1")["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/JobSettings"}
    told = {
        name
        for name, schema in schemas.items()
        if name != "JobSettings" and reference in list(_walk(schema.get("properties", {}).get("settings")))
    }
    assert told == {"JobIn", "JobPatch", "RunAgainIn", "TemplateIn", "ScheduleIn", "SchedulePatch", "FetchIn", "MapIn"}


def _flat(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas of all settings by their full names."""
    found: dict[str, Any] = {}
    for name, said in schema["properties"].items():
        table = schemas.get(said.get("$ref", "").rpartition("/")[2])
        found |= {f"{name}.{leaf}": one for leaf, one in table["properties"].items()} if table else {name: said}
    return found


def _walk(node: Any) -> Any:
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(inner)
