"""The page of the API shows all that openapi.json says, and its lines for a terminal are right."""

from __future__ import annotations

import json
import re
import shlex
from html import unescape
from html.parser import HTMLParser
from typing import Any

from crawler.daemon.http.app import operations
from crawler.daemon.http.examples import EXAMPLES
from crawler.daemon.http.openapi import document
from crawler.daemon.http.reference import TITLES, curl, render_page

from ..conftest import submit
from .conftest import Api

OPERATIONS = {entry.name: entry for entry in operations()}
VOID = {"meta", "link", "wbr"}


class Outline(HTMLParser):
    """Notes ids, links, and tags that are not closed as they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.names |= {tag, *given}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def described() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps(document(operations(), "1.2.3")))
    return whole


async def test_the_page_shows_every_operation_with_its_fields_answers_and_problems(api: Api) -> None:
    page = (await api.get("/docs", headers={"Authorization": ""})).decode()
    assert (api.status, api.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "unsafe" not in api.headers["Content-Security-Policy"]
    for path, verbs in described()["paths"].items():
        for said in verbs.values():
            part = page.partition(f'<article id="{said["operationId"]}">')[2].partition("</article>")[0]
            shown = unescape(re.sub("<[^>]+>", "", part))
            assert path in shown, said["operationId"]
            assert said["summary"].replace("`", "") in shown
            for one in said["parameters"]:
                assert f"<code>{one['name']}</code>" in part, (said["operationId"], one["name"])
            for status in said["responses"]:
                assert f"<code>{status}</code>" in part, (said["operationId"], status)
    assert f"\napi={api.url}</code>" in page


def test_the_page_is_whole_and_every_link_within_it_leads_somewhere() -> None:
    outline = Outline(render_page(described(), "http://localhost"))
    assert outline.open == []
    assert len(set(outline.ids)) == len(outline.ids)
    assert {link for link in outline.links if link.startswith("#")} <= {f"#{name}" for name in outline.ids}
    assert {*described()["components"]["schemas"], *OPERATIONS} <= set(outline.ids)
    assert not outline.names & {"script", "style"}, "the policy forbids what stands within"
    assert not [name for name in outline.names if name.startswith("on")]
    assert [link for link in outline.links if "//" in link] == []


def test_what_stands_in_the_description_stays_text() -> None:
    whole = described()
    evil = "<script>alert(1)</script>"
    whole["paths"]["/v1/jobs"]["get"]["summary"] = f"{evil} `{evil}`"
    whole["components"]["schemas"]["JobIn"]["description"] = evil
    page = render_page(whole, f'http://"{evil}')
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 4


def test_every_group_of_operations_has_a_heading() -> None:
    assert {entry.tag for entry in operations()} <= TITLES.keys()


def test_every_body_has_an_example_that_the_api_takes() -> None:
    bodies = {entry.body.__name__: entry.body for entry in operations() if entry.body}
    assert bodies.keys() == EXAMPLES.keys()
    for name, body in bodies.items():
        body.model_validate_json(json.dumps(EXAMPLES[name]), strict=True)


async def test_the_lines_for_a_terminal_ask_what_they_say(api: Api) -> None:
    whole = described()["paths"]
    await api.ask("PUT", "/v1/templates/gentle", {"settings": {}})
    schedule = (await api.post("/v1/schedules", {"cron": "0 6 * * *", "seeds": ["http://127.0.0.1:9/"]}))["id"]
    for name, entry in OPERATIONS.items():
        path = re.sub(r":[^{}]+\}", "}", entry.path)
        method, url, headers, body = parsed(curl(entry.method, path, whole[path][entry.method.lower()]))
        assert method == entry.method
        assert url.startswith("$api")
        assert ("$auth" in headers) is not entry.is_public, name
        if "events" in path or name in NOT_ASKED:
            continue
        job = (await submit(api.jobs, ["http://127.0.0.1:9/"], is_paused=True)).id
        (api.jobs.folder(job) / "pages.jsonl").write_bytes(b"")
        target = url.removeprefix("$api").replace("JOB", job).replace("SCHEDULE", schedule)
        sent = {"data": body, "headers": {"Content-Type": "application/json"}} if body else {}
        await api.ask(method, target, **sent)
        assert api.status in entry.answers, name


NOT_ASKED = {
    "fetch_page": "it asks the site",
    "map_site": "it asks the site",
    "explain_url": "it asks the site for its robots.txt",
    "follow_changes": "it answers until the job is gone",
    "submit_job": "it would crawl",
    "resume_job": "it would crawl",
    "run_job_again": "it would crawl",
    "reload_settings": "this daemon has no file",
    "show_key_directory": "this daemon has no key",
}


def parsed(line: str) -> tuple[str, str, list[str], str]:
    """Returns method, URL, header fields and body of a line with curl."""
    words = shlex.split(line)
    assert words.pop(0) == "curl"
    method, url, headers, body = "", "", [], ""
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-H":
                headers.append(words.pop(0))
            case "-d":
                body = words.pop(0)
            case "-N":
                pass
            case other:
                url = other
    return method or ("POST" if body else "GET"), url, headers, body
