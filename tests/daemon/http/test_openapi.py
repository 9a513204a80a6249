"""The description of the API is what the API does."""

from __future__ import annotations

from crawler.daemon.http.app import operations

from .conftest import Api


async def test_every_operation_is_described_once_with_its_words(api: Api) -> None:
    document = await api.get("/openapi.json")
    described = [(method.upper(), path) for path, verbs in document["paths"].items() for method in verbs]
    served = [(one.method, one.path.replace(":.+}", "}")) for one in operations()]
    assert sorted(described) == sorted(served)
    for verbs in document["paths"].values():
        for said in verbs.values():
            assert said["summary"].endswith((".", ";")) or said["summary"]
            assert "default" in said["responses"]
    names = [said["operationId"] for verbs in document["paths"].values() for said in verbs.values()]
    assert len(set(names)) == len(names)
