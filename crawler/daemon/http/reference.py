"""Renders the description of the API as a page for people: every operation, its fields, answers and problems."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from .examples import VALUES

Document = Mapping[str, Any]
JSON = "application/json"
TITLES = {
    "jobs": "Jobs",
    "pages": "Pages now",
    "wishes": "Failed and parked URLs",
    "repeats": "Jobs once more",
    "results": "Results",
    "search": "Search",
    "reports": "Reports",
    "changes": "What revisits found",
    "schedules": "Schedules",
    "events": "Events",
    "files": "Files",
    "settings": "Settings and templates",
    "identity": "Who crawls",
    "health": "The daemon itself",
    "app": "This description",
}
"""The headings of the groups of operations, by their tag in openapi.json."""
INTRODUCTION = """
<p>Everything that the command and the dashboard do goes over this API. A request shows the daemon's token. Bodies and
answers are JSON; times are Unix seconds. A request that fails gets a <a href="#ProblemOut">problem document</a>
(RFC 9457) and changes nothing. The lines for a terminal below begin with these two:</p>
<pre><code>auth="Authorization: Bearer $(cat crawld-data/token)"
api={origin}</code></pre>
<p>The same as data, for generators of clients: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).
Jobs on a page: <a href="./">the dashboard</a>.</p>
"""


def render_page(document: Document, origin: str) -> str:
    """Returns the page. `origin` is where the daemon answers, as the client sees it."""
    groups: dict[str, list[str]] = {}
    contents: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for method, said in verbs.items():
            tag = said["tags"][0]
            groups.setdefault(tag, []).append(_operation(document, method.upper(), path, said))
            contents.setdefault(tag, []).append(_link(method.upper(), path, said))
    version = escape(document["info"]["version"])
    body = [
        "<header><h1>The API of crawld</h1>",
        f"<p class=version>Version {version}</p></header>",
        INTRODUCTION.replace("{origin}", escape(origin)),
        f"<nav aria-label=Operations>{''.join(_contents(tag, links) for tag, links in contents.items())}</nav><main>",
        *(f'<section id="{tag}"><h2>{_title(tag)}</h2>{"".join(items)}</section>' for tag, items in groups.items()),
        f"<section id=models><h2>Bodies and answers</h2>{''.join(_models(document))}</section></main>",
    ]
    return _HEAD + "\n".join(body) + "</body></html>\n"


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>The API of crawld</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="assets/icon.svg"><link rel="stylesheet" href="assets/reference.css"></head><body>
"""


# -- operations -------------------------------------------------------------------------------------------------------


def _contents(tag: str, links: Iterable[str]) -> str:
    return f'<div><a class=group href="#{tag}">{_title(tag)}</a><ul>{"".join(links)}</ul></div>'


def _title(tag: str) -> str:
    return escape(TITLES.get(tag, tag.capitalize()))


def _link(method: str, path: str, said: Document) -> str:
    name = escape(said["operationId"])
    return f'<li><a href="#{name}"><b class="verb {method}">{method}</b> <span>{_breakable(path)}</span></a></li>'


def _operation(document: Document, method: str, path: str, said: Document) -> str:
    name = escape(said["operationId"])
    more = f"<p>{_words(said['description'])}</p>" if "description" in said else ""
    return "".join([
        f'<article id="{name}"><h3><a href="#{name}"><b class="verb {method}">{method}</b> {_breakable(path)}</a></h3>',
        f"<p>{_words(said['summary'])}</p>{more}",
        _parameters(said.get("parameters", ())),
        _body(said.get("requestBody")),
        f"<h4>In a terminal</h4><pre><code>{escape(curl(method, path, said))}</code></pre>",
        _answers(document, said["responses"]),
        "</article>\n",
    ])  # fmt: skip


def _parameters(parameters: Iterable[Document]) -> str:
    rows = [
        _field(one["name"], one["schema"], one.get("description"), f"in the {one['in']}", one.get("required", False))
        for one in parameters
    ]
    return f"<h4>Parameters</h4><dl>{''.join(rows)}</dl>" if rows else ""


def _body(body: Document | None) -> str:
    if body is None:
        return ""
    kinds = [f"{_type(one['schema'])} as <code>{escape(kind)}</code>" for kind, one in body["content"].items()]
    return f"<h4>Body</h4><p>{', or '.join(kinds)}</p>"


def _answers(document: Document, responses: Document) -> str:
    good, bad = [], []
    for status, said in sorted(responses.items()):
        if "$ref" in said:
            found = document["components"]["responses"][said["$ref"].rpartition("/")[2]]
            bad.append(f"<dt><code>{status}</code></dt><dd>{_words(found['description'])}</dd>")
        else:
            words = _words(said["description"]) + _heads(said)
            good.append(f"<dt><code>{status}</code> {_what(said)}</dt><dd>{words}</dd>")
    problems = f"<details><summary>Problems: {len(bad)} statuses</summary><dl>{''.join(bad)}</dl></details>"
    return f"<h4>Answers</h4><dl>{''.join(good)}</dl>{problems}"


def _what(said: Document) -> str:
    kinds = said.get("content", {})
    return (
        ", or ".join(
            (_type(one["schema"]) if kind == JSON and "schema" in one else f"<code>{escape(kind)}</code>")
            for kind, one in kinds.items()
        )
        or "empty"
    )


def _heads(said: Document) -> str:
    heads = said.get("headers", {})
    return "".join(f"; <code>{escape(name)}</code>: {_words(one['description'])}" for name, one in heads.items())


def curl(method: str, path: str, said: Document) -> str:
    """Returns a line for a terminal that makes the request."""
    subject = "SCHEDULE" if path.startswith("/v1/schedules") else "JOB"
    values = {"id": subject} | {name: value for name, value in VALUES.items() if name != "id"}
    target = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], path)
    needed = [one["name"] for one in said.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    query = "&".join(f"{name}={quote(VALUES[name], safe='')}" for name in needed)
    url = f"$api{target}{f'?{query}' if query else ''}"
    parts = ["curl", *([] if said.get("security") == [] else ['-H "$auth"'])]
    body = said.get("requestBody", {}).get("content", {}).get(JSON)
    if "text/event-stream" in said["responses"].get("200", {}).get("content", ()):
        parts.append("-N")
    if method != "GET" and not (body and method == "POST"):
        parts.append(f"-X {method}")
    if body:
        parts += [f"-H 'Content-Type: {JSON}'", f"-d '{json.dumps(body.get('example', {}))}'"]
    return " ".join([*parts, f'"{url}"' if query else url])


# -- bodies and answers -----------------------------------------------------------------------------------------------


def _models(document: Document) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        required = schema.get("required", ())
        rows = [
            _field(field, said, said.get("description"), "", is_required=field in required and not name.endswith("Out"))
            for field, said in schema.get("properties", {}).items()
        ]
        words = f"<p>{_words(schema['description'])}</p>" if schema.get("description") else ""
        example = f"<pre><code>{escape(json.dumps(schema['example']))}</code></pre>" if "example" in schema else ""
        yield f'<article id="{escape(name)}"><h3><a href="#{escape(name)}">{escape(name)}</a></h3>{words}{example}'
        yield f"<dl>{''.join(rows)}</dl></article>\n"


def _field(name: str, schema: Document, words: str | None, place: str, is_required: bool) -> str:
    default = schema.get("default")
    kind = _type(schema)
    notes = [
        kind.removesuffix(" or null") if place else kind,
        *([escape(place)] if place else []),
        *(["<strong>needed</strong>"] if is_required else []),
        *([f"default <code>{escape(json.dumps(default))}</code>"] if default not in (None, "", [], {}) else []),
    ]
    said = _words(words or schema.get("description") or "")
    return f"<dt><code>{escape(name)}</code> <span class=type>{', '.join(notes)}</span></dt><dd>{said}</dd>"


def _type(schema: Document) -> str:
    """Returns the type of a value in words, with a link where it is one of the models."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "enum" in schema:
        return "one of " + ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return f"{escape(str(kind))}{_bounds(schema)}"


def _bounds(schema: Document) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high < 1 << 53:
        return f" from {low} to {high}"
    most = schema.get("maxLength")
    return f" of at least {low}" if low is not None else f" of at most {most} characters" if most is not None else ""


# -- text -------------------------------------------------------------------------------------------------------------


def _words(text: str) -> str:
    """Returns text with its `code` marked up."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(f"<code>{escape(part)}</code>" if n % 2 else escape(part) for n, part in enumerate(parts))


def _breakable(path: str) -> str:
    """Returns a path that may be broken behind each of its parts, on a narrow screen."""
    return escape(path).replace("/", "/<wbr>")
