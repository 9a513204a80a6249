"""Writes a verdict as SARIF 2.1.0 (OASIS), which code hosts show beside a change."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import orjson

from ..audit import FINDINGS, Severity
from ..export.target import open_target
from ..runtime.escaping import json_line
from ..settings.loading import project_version
from .verdict import CheckVerdict, Judged, Key

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DOCUMENT = "https://github.com/crawld/crawld/blob/main/docs/findings.md"
MOST_RELATED = 20
"""Pages of a finding that are listed."""
_LEVELS: Mapping[str, str] = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}


def write_sarif(verdict: CheckVerdict, path: Path | None) -> None:
    """Writes the file, whole or not at all. Raises FolderError, StorageFull, SinkError.

    Every finding is a result, with `baselineState` new or unchanged; what the baseline has and is fixed is absent.
    """
    with open_target(path) as file:
        file.write(json_line(make_sarif(verdict)))


def make_sarif(verdict: CheckVerdict) -> dict[str, object]:
    """Returns the log as an object."""
    rules: dict[str, dict[str, object]] = {}
    for one in verdict.findings:
        rules.setdefault(one.finding.code, _rule(one))
    for key in verdict.fixed:
        rules.setdefault(key.code, {"id": key.code})
    places = {code: number for number, code in enumerate(rules)}
    results = [_result(one, places) for one in verdict.findings]
    results += [_absent(key, places, verdict.site) for key in verdict.fixed]
    driver = {
        "name": "crawld",
        "version": project_version(),
        "informationUri": "https://github.com/crawld/crawld",
        "rules": list(rules.values()),
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(one: Judged) -> dict[str, object]:
    code, known = one.finding.code, FINDINGS.get(one.finding.code)
    return {
        "id": code,
        "shortDescription": {"text": known.title if known else code},
        "help": {"text": one.finding.advice or code},
        "helpUri": DOCUMENT,
        "defaultConfiguration": {"level": _LEVELS[one.finding.severity]},
    }


def _result(one: Judged, places: Mapping[str, int]) -> dict[str, object]:
    found = one.finding
    message = f"{FINDINGS[found.code].title if found.code in FINDINGS else found.code}: {found.url}"
    pages = [_location(page.url, page.text) for page in found.pages[:MOST_RELATED]]
    return {
        "ruleId": found.code,
        "ruleIndex": places[found.code],
        "level": _LEVELS[found.severity],
        "message": {"text": f"{message} ({found.detail})" if found.detail else message},
        "locations": pages[:1] or [_location(found.url)],
        "relatedLocations": [{"id": number, **page} for number, page in enumerate(pages[1:], 1)],
        "partialFingerprints": {"finding/v1": _fingerprint(one.key)},
        "baselineState": "new" if one.state == "new" else "unchanged",
    }


def _absent(key: Key, places: Mapping[str, int], site: str) -> dict[str, object]:
    url = f"{site}{key.url[1:]}" if key.url.startswith("~/") else key.url
    return {
        "ruleId": key.code,
        "ruleIndex": places[key.code],
        "level": "none",
        "message": {"text": f"fixed: {key.code} {url}"},
        "locations": [_location(url)],
        "partialFingerprints": {"finding/v1": _fingerprint(key)},
        "baselineState": "absent",
    }


def _location(url: str, text: str = "") -> dict[str, object]:
    place: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": url}}}
    return {**place, "message": {"text": text}} if text else place


def _fingerprint(key: Key) -> str:
    return sha256(orjson.dumps([*key])).hexdigest()[:32]
