"""A job's records, failures and files, whatever its outputs are called; and jobs that keep no records to be read."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crawler import ConfigError
from crawler.daemon import State
from crawler.daemon.http.server import open_server
from crawler.folder.folder import open_folder
from crawler.folder.repair import repair_folder
from crawler.settings.loading import amend
from crawler.testing import Site, Web, html, open_web, plain
from tests.sinks.conftest import built, tsv

from ..conftest import BASE, Open, submit, until
from .conftest import TOKEN, Api, _session

__all__ = ["built", "tsv"]

PAGES = 100
TSV: dict[str, Any] = {"kind": "tsv", "options": {"columns": ["url", "title"]}}
NONE = {"type": "urn:crawld:problem:no-records", "title": "Conflict", "status": 409,
        "detail": "pages: this job keeps no records that can be read back"}  # fmt: skip


def web() -> Web:
    """A hundred pages, and three links that lead nowhere."""
    pages = {f"/{n}": html(f"Page {n}") for n in range(1, PAGES)}
    return Web([Site("a.test", {"/": html("Home", [*pages, "/no/1", "/no/2", "/no/3"]), **pages})])


async def run(api: Api, seeds: Sequence[str], *sinks: dict[str, Any], **settings: Any) -> str:
    """Runs a job with these outputs to its end; returns its id."""
    made = await api.post("/v1/jobs", {"seeds": [*seeds], "settings": {"sinks": [*sinks], **settings}})
    assert api.status == 201, made
    job: str = made["id"]
    await until(api.jobs, job, State.COMPLETED)
    return job


async def read_all(api: Api, job: str) -> list[dict[str, Any]]:
    """Reads all records of the job, a page of the list after another."""
    found, cursor = [], ""
    while True:
        page = await api.get(f"/v1/jobs/{job}/pages?limit=30{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sinks", "file"),
    [
        ([{"path": "other.jsonl"}], "other.jsonl"),
        ([{"path": "first.jsonl", "links": True}, {"path": "pages.jsonl"}], "first.jsonl"),
        ([{}], "pages.jsonl"),
    ],
    ids=["other", "several", "usual"],
)
async def test_a_job_shows_its_records_whatever_its_output_is_called(
    api: Api, sinks: list[dict[str, Any]], file: str
) -> None:
    async with open_web(web()) as served:
        job = await run(api, served.seeds, *sinks)
    written = [json.loads(line) for line in (api.jobs.folder(job) / file).read_text().splitlines()]
    assert len(written) == PAGES + 3
    assert await read_all(api, job) == written
    streamed = await api.get(f"/v1/jobs/{job}/pages", headers={"Accept": "application/x-ndjson"})
    assert streamed == (api.jobs.folder(job) / file).read_bytes()
    assert [one["url"] for one in (await api.get(f"/v1/jobs/{job}/pages?last=2"))["items"]] == [
        record["url"] for record in written[-2:]
    ]
    gone = await api.get(f"/v1/jobs/{job}/pages?status=404")
    assert sorted(one["url"].rpartition("/")[2] for one in gone["items"]) == ["1", "2", "3"]
    failures = await api.get(f"/v1/jobs/{job}/errors")
    assert [(one["reason"], one["n"]) for one in failures["items"]] == [("status-4xx", 3)]
    report = await api.get(f"/v1/jobs/{job}/report")
    assert (report["records"], report["share"], report["sites"][0]["delay_s"]) == (PAGES + 3, 1.0, 0.0)
    assert report["outcomes"][1] == {"disposition": "failed", "reason": "status-4xx", "n": 3}
    summed = await api.get(f"/v1/jobs/{job}/report?sites=0")
    assert (summed["sites"], summed["other_sites"]["n"]) == ([], PAGES + 3)
    shown = (await api.get(f"/v1/jobs/{job}/report.html")).decode()
    assert api.headers["Content-Disposition"] == f'attachment; filename="report-{job}.html"'
    assert (shown.count('id="broken-link"'), shown.count("/no/3</a>")) == (1, 1)
    assert await api.get(f"/v1/jobs/{job}/report.html") == shown.encode()
    files = await api.get(f"/v1/jobs/{job}/files")
    assert {one["path"] for one in files["items"]} >= {one.get("path", "pages.jsonl") for one in sinks}


async def test_a_job_without_records_says_so(api: Api) -> None:
    async with open_web(web()) as served:
        job = await run(api, served.seeds)
    for place in ("pages", "pages?last=3", "errors", "report", "report.html"):
        assert await api.get(f"/v1/jobs/{job}/{place}") == NONE
    await api.get(f"/v1/jobs/{job}/files")
    assert api.status == 200


@asynccontextmanager
async def open_api(open_daemon: Open, *sinks: dict[str, Any]) -> AsyncIterator[Api]:
    """Opens a daemon whose owner chose these outputs."""
    async with (
        open_daemon(base=amend(BASE, {"sinks": [*sinks]})) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
        _session() as http,
    ):
        assert listening.port
        yield Api(listening.url, listening.port, jobs, http)


async def test_a_job_whose_output_cannot_be_read_says_so_and_lists_its_file(open_daemon: Open, tsv: Path) -> None:
    async with open_web(web()) as served, open_api(open_daemon, TSV) as api:
        job = (await submit(api.jobs, served.seeds)).id
        await until(api.jobs, job, State.COMPLETED)
        assert await api.get(f"/v1/jobs/{job}/pages") == await api.get(f"/v1/jobs/{job}/errors") == NONE
        files = [one["path"] for one in (await api.get(f"/v1/jobs/{job}/files"))["items"]]
        own = {"crawl.log", "bounds.timeline", "requests.audit", "robots.kept", "settings.history"}
        assert [name for name in files if name not in own] == ["pages.tsv", "seeds/0001.txt"]
        assert len((api.jobs.folder(job) / "pages.tsv").read_text().splitlines()) == PAGES + 3


async def test_a_job_with_several_outputs_reads_from_the_first_that_can_be_read(open_daemon: Open, tsv: Path) -> None:
    outputs = [TSV, {"path": "second.jsonl"}, {"path": "third.jsonl", "text": True}]
    async with open_web(web()) as served, open_api(open_daemon, *outputs) as api:
        job = (await submit(api.jobs, served.seeds)).id
        await until(api.jobs, job, State.COMPLETED)
        records = await read_all(api, job)
        assert len(records) == PAGES + 3
        assert all("text" not in record for record in records)


async def test_a_job_chooses_no_format_that_the_owner_did_not(open_daemon: Open, tsv: Path) -> None:
    plain = {"kind": "tsv", "options": {"columns": ["url"]}}
    others: list[dict[str, Any]] = [{**TSV, "path": "x.tsv"}, {**TSV, "links": True}, {"kind": "tsv"}, plain]
    async with open_api(open_daemon, {}, TSV) as api:
        for sink in others:
            told = await api.post("/v1/jobs", {"seeds": ["http://a.test/"], "settings": {"sinks": [{}, sink]}})
            assert api.status == 422
            assert api.faults(told) == ["sinks.1"]
            assert "is for the daemon's owner" in told["detail"]
        paused = {"seeds": ["http://a.test/"], "settings": {"sinks": [TSV]}, "is_paused": True}
        made = await api.post("/v1/jobs", paused)
        assert api.status == 201, made
        assert made["settings"]["sinks"] == [{"kind": "tsv", "path": "", "options": "***"}]
    with pytest.raises(ConfigError, match="'gone': no such kind"):
        async with open_api(open_daemon, {"kind": "gone"}):
            pass


async def test_a_folder_made_elsewhere_brings_no_format_of_a_package(open_daemon: Open, tsv: Path) -> None:
    """It may stand there for a stranger's sake: nothing of the package is called, and the job does not run."""
    async with open_daemon() as jobs:
        crawls = jobs.data / "crawls"
    with open_folder(crawls / "theirs", amend(BASE, {"sinks": [TSV]})):
        pass
    del sys.modules["crawld_tsv"]
    async with open_api(open_daemon, {}) as api:
        (job,) = api.jobs.list()
        assert await api.get(f"/v1/jobs/{job.id}/pages") == NONE
        await api.jobs.resume(job.id)
        failed = await until(api.jobs, job.id, State.FAILED)
        assert failed.error.startswith("sinks.0: kind 'tsv' is for the daemon's owner")
    assert "crawld_tsv" not in sys.modules


async def test_a_job_that_is_resumed_and_repaired_goes_on_in_its_own_output(api: Api) -> None:
    async with open_web(web()) as served:
        job = await run(api, served.seeds, {"path": "other.jsonl"}, limit=20)
        assert len(await read_all(api, job)) == 20
        output = api.jobs.folder(job) / "other.jsonl"
        whole = output.read_bytes()
        output.write_bytes(whole[:-100] + bytes(100))
        assert repair_folder(api.jobs.folder(job)).lost == (1, ("other.jsonl",))
        assert len(await read_all(api, job)) == 19
        await api.jobs.change(job, {"limit": 1000})
        await api.post(f"/v1/jobs/{job}/resume")
        await until(api.jobs, job, State.COMPLETED)
    assert len({record["url"] for record in await read_all(api, job)}) == PAGES + 3
    assert (await api.get(f"/v1/jobs/{job}/errors"))["items"][0]["n"] == 3
    await api.ask("DELETE", f"/v1/jobs/{job}")
    assert not output.exists()
    assert (await api.get(f"/v1/jobs/{job}/pages"))["status"] == 404


async def test_links_text_and_formats_are_chosen_in_short_words(open_daemon: Open, tsv: Path) -> None:
    seeds = {"seeds": ["http://a.test/"], "is_paused": True}
    async with open_api(open_daemon, {"path": "own.jsonl", "text": True}, TSV) as api:
        assert (await api.get("/v1/settings"))["formats"] == ["csv", "files", "jsonl", "sqlite", "warc", "tsv"]
        await api.ask("PUT", "/v1/templates/t", {"settings": {"sinks": [{"headers": True}]}})
        hidden = {"kind": "tsv", "path": "", "options": "***"}
        for said, sinks in (
            ({"links": True}, [{"path": "own.jsonl", "text": True, "links": True}, hidden]),
            ({"text": False}, [{"path": "own.jsonl", "text": False}, hidden]),
            (
                {"markdown": True, "metadata": True, "formats": ["jsonl"]},
                [{"path": "own.jsonl", "text": True, "markdown": True, "metadata": True}],
            ),
            ({"template": "t", "links": True}, [{"headers": True, "links": True}]),
            ({"settings": {"sinks": [{}, {"path": "b"}]}, "text": True}, [{"text": True}, {"path": "b", "text": True}]),
            ({"formats": ["tsv"]}, [hidden]),
            ({"formats": ["jsonl", "jsonl"], "links": True}, [{"path": "own.jsonl", "text": True, "links": True}]),
        ):
            made = await api.post("/v1/jobs", seeds | said)
            assert (api.status, made.get("settings", made)["sinks"]) == (201, sinks), said
        lines = {"Content-Type": "text/uri-list"}
        made = await api.post("/v1/jobs?links=true&text=false", data=b"http://a.test/", headers=lines)
        assert made["settings"]["sinks"] == [{"path": "own.jsonl", "text": False, "links": True}, hidden]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"formats": ["xml"]}, "formats"),
            ({"formats": ["tsv"], "links": True}, "links"),
            ({"formats": ["jsonl"], "settings": {"sinks": []}}, "formats"),
            ({"settings": {"sinks": []}, "text": True}, "text"),
            ({"links": "yes"}, "links"),
            ({"settings": {"extract": {"fields": {"price": "css:.price["}}}}, "extract.fields"),
        ]
        for asked, field in wrong:
            assert api.faults(await api.post("/v1/jobs", seeds | asked)) == [field], asked


async def test_links_that_a_job_asks_for_are_in_its_records(api: Api) -> None:
    async with open_web(Web([Site("a.test", {"/": html("Home", ["/1"]), "/1": html("One")})])) as served:
        key = {"headers": {"Idempotency-Key": "k"}}
        made = await api.post("/v1/jobs", {"seeds": [*served.seeds], "links": True}, **key)
        await api.post("/v1/jobs", {"seeds": [*served.seeds]}, **key)
        assert api.status == 409, "another request"
        await until(api.jobs, made["id"], State.COMPLETED)
        assert [len(one["links"]) for one in await read_all(api, made["id"])] == [1, 0]
        assert "text" not in (await read_all(api, made["id"]))[0]


async def test_a_job_takes_fields_out_of_its_pages_by_selectors(api: Api) -> None:
    page = plain("<title>Tea</title><h1>Green tea</h1><p class=price>4,50 EUR", "text/html")
    async with open_web(Web([Site("a.test", {"/": page})], ["http://a.test/"])) as served:
        fields = {"name": "css:h1", "price": "css:.price as number"}
        made = await api.post(
            "/v1/jobs",
            {"seeds": [*served.seeds], "markdown": True, "metadata": True, "settings": {"extract": {"fields": fields}}},
        )
        assert api.status == 201, made
        await until(api.jobs, made["id"], State.COMPLETED)
        [record] = await read_all(api, made["id"])
    assert record["fields"] == {"name": "Green tea", "price": 4.5}
    assert (record["markdown"].splitlines()[0], record["metadata"]["title"]) == ("# Green tea", "Green tea")
