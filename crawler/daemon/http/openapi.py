"""Writes openapi.json (OpenAPI 3.1) from the same table and models that serve the requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .examples import EXAMPLES
from .fields import Field
from .inputs import LINES
from .models import ListOut, ProblemOut
from .operations import Answer, Operation
from .problem_kinds import Kind, problems_of, response, response_name
from .problems import CONTENT_TYPE
from .settings_schema import NAME, link, settings_schemas

Document = dict[str, Any]
REF = "#/components/schemas/{model}"
PROBLEMS = "#/components/responses/"
UNSAID = {"text/event-stream", "application/json"}
"""Media types without a schema: one for a stream would be read as that of a single event, and this document's own
schema is published elsewhere.
"""
PARAMETERS = {
    "id": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$", "description": "A job's or a schedule's id."},
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "A name."},
    "file": {"type": "string", "minLength": 1, "maxLength": 500, "description": "A file's path in the crawl folder."},
}


def document(operations: Iterable[Operation], version: str) -> Document:
    """Returns the whole description."""
    entries = list(operations)
    models = sorted({model for entry in entries for model in _models(entry)} | {ProblemOut}, key=lambda m: m.__name__)
    _, schemas = models_json_schema([(model, _mode(model)) for model in models], ref_template=REF)
    components = schemas["$defs"] | settings_schemas(REF)
    link(components, REF.format(model=NAME))
    paths: Document = {}
    for entry in entries:
        path = paths.setdefault(re.sub(r":[^{}]+\}", "}", entry.path), {})
        path[entry.method.lower()] = _operation(entry)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "crawld",
            "version": version,
            "description": "Jobs, their results and their state. Errors are problem documents (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "./", "description": "Relative to this document, wherever the API is mounted."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": components,
            "responses": _problem_responses(entries),
        },
    }


def _operation(entry: Operation) -> Document:
    said: Document = {
        "operationId": entry.name,
        "summary": entry.summary,
        "tags": [entry.tag],
        "parameters": [
            *_path_parameters(entry.path),
            *_query_parameters(entry.query),
            *_header_parameters(entry.fields),
        ],
        "responses": {
            **{str(status): _response(status, answer, entry) for status, answer in entry.answers.items()},
            **{str(status): {"$ref": PROBLEMS + response_name(kinds)} for status, kinds in _problems(entry)},
        },
    }
    if entry.description:
        said["description"] = entry.description
    if entry.is_public:
        said["security"] = []
    if entry.body or entry.takes_lines:
        said["requestBody"] = {"required": True, "content": _bodies(entry)}
    return said


def _problems(entry: Operation) -> Iterator[tuple[int, Sequence[Kind]]]:
    """Yields the problems of an operation by status; an answer of its own with this status comes over them."""
    yield from ((status, kinds) for status, kinds in problems_of(entry).items() if status not in entry.answers)


def _problem_responses(entries: Iterable[Operation]) -> Document:
    model = REF.format(model=ProblemOut.__name__)
    found = {response_name(kinds): kinds for entry in entries for _, kinds in _problems(entry)}
    return {name: response(kinds, model, CONTENT_TYPE) for name, kinds in sorted(found.items())}


def _bodies(entry: Operation) -> Document:
    content = _content("application/json", entry.body) if entry.body else {}
    if entry.body and (example := EXAMPLES.get(entry.body.__name__)):
        content["application/json"]["example"] = dict(example)
    return content | ({LINES: {"schema": {"type": "string"}}} if entry.takes_lines else {})


def _response(status: int, answer: Answer, entry: Operation) -> Document:
    said: Document = {"description": HTTPStatus(status).phrase}
    if headers := dict(_headers(status, answer, entry)):
        said["headers"] = {
            name: {"description": words, "schema": {"type": "string"}} for name, words in headers.items()
        }
    if isinstance(answer, str):
        said["content"] = {answer: {} if answer in UNSAID else {"schema": {"type": "string"}}}
    elif answer is not None:
        said["content"] = _content("application/json", answer)
        if entry.upgrade:
            said["content"][entry.upgrade] = {"schema": {"type": "string"}}
    return said


def _headers(status: int, answer: Answer, entry: Operation) -> Iterator[tuple[str, str]]:
    """Yields the header fields of an answer that clients use, each with its meaning."""
    if entry.has_etag and status != HTTPStatus.NO_CONTENT:
        yield "ETag", "The version of what it is about."
    if isinstance(answer, type) and issubclass(answer, ListOut):
        yield "Link", 'The next page, if there is one, as a reference relative to the request, with rel="next".'


def _content(media_type: str, model: type[BaseModel]) -> Document:
    return {media_type: {"schema": {"$ref": REF.format(model=model.__name__)}}}


def _path_parameters(path: str) -> Iterator[Document]:
    for name in re.findall(r"\{(\w+)", path):
        yield {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]}


def _query_parameters(query: type[BaseModel] | None) -> Iterator[Document]:
    if query is None:
        return
    schema = query.model_json_schema(ref_template=REF)
    for name, said in schema["properties"].items():
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": said}


def _header_parameters(fields: Iterable[Field]) -> Iterator[Document]:
    for field in fields:
        yield {"name": field.name, "in": "header", "description": field.meaning, "schema": dict(field.schema)}


def _models(entry: Operation) -> Iterator[type[BaseModel]]:
    yield from (answer for answer in entry.answers.values() if isinstance(answer, type))
    if entry.body:
        yield entry.body


def _mode(model: type[BaseModel]) -> Any:
    return "serialization" if model.__name__.endswith("Out") else "validation"
