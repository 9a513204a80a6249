"""Sites say what their content may be used for; it is recorded, and obeyed where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import crawler
from crawler import Config, ConfigError, Url, make_identity, pack_folder, read_folder, verify_pack
from crawler.model import Disposition, Lease, Outcome, Request, Statement
from crawler.robots.reading import parse
from crawler.robots.rules import find_statements
from crawler.robots.tdmrep import MAX_BYTES, read_reservations
from crawler.sinks.preferences import PreferencesFile
from crawler.testing import Page, Site, Web, open_web
from crawler.testing.pages import plain
from crawler.testing.robots import Rules, worded
from crawler.testing.wire import Answer

QUICK: dict[str, Any] = {"delay_s": 0.0, "allow_networks": ["127.0.0.0/8"], "executor": "inline"}
TDMREP = "/.well-known/tdmrep.json"
SECRET = "Secret words of the page."
HTML = ("Content-Type", "text/html; charset=utf-8")


def page(*headers: tuple[str, str], head: str = "") -> Page:
    """Returns a page that links to /next."""
    body = f"<title>A page</title>{head}<p>{SECRET}</p><a href=/next>next</a>".encode()
    return Page(lambda asked: Answer(200, (HTML, *headers), body), 200, "A page", ("/next",))


def site(home: Page, robots: str = "", tdmrep: str | bytes = "") -> Site:
    pages = {"/": home, "/next": page(("X-Next", "1"), head="<!-- next -->")}
    if tdmrep:
        pages[TDMREP] = plain(tdmrep, "application/json")
    return Site("a.test", pages, worded(robots, Rules()))


async def crawl_site(folder: Path, of: Site, **settings: Any) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Returns the records by path, and the paths that were asked for."""
    async with open_web(Web([of])) as served:
        config = Config(**(QUICK | {"sinks": [{"text": True}]} | settings))
        await crawler.crawl(served.seeds, config, folder=folder)
        asked = [hit.target for hit in served.hits]
    lines = (folder / "pages.jsonl").read_text().splitlines()
    return {"/" + one["url"].split("/", 3)[3]: one for one in map(json.loads, lines)}, asked


# -- known before the fetch --------------------------------------------------------------------------------------------

ROBOTS_SIGNAL = "User-agent: *\nAllow: /\nContent-Signal: search=yes, ai-train=no\n"


async def test_a_page_that_robots_txt_refuses_is_not_fetched_and_says_which_line(tmp_path: Path) -> None:
    records, asked = await crawl_site(tmp_path, site(page(), ROBOTS_SIGNAL), purpose=["ai-train"], respect="obey")
    home = records["/"]
    assert (home["disposition"], home["reason"], home["status"]) == ("excluded", "usage", None)
    assert home["detail"] == "ai-train: robots.txt line 3: Content-Signal: search=yes, ai-train=no"
    assert "/" not in asked


async def test_a_purpose_that_is_not_refused_is_fetched(tmp_path: Path) -> None:
    records, asked = await crawl_site(tmp_path, site(page(), ROBOTS_SIGNAL), purpose=["search"], respect="obey")
    assert {one["disposition"] for one in records.values()} == {"fetched"}
    assert TDMREP not in asked, "search is no data mining"


async def test_what_is_only_recorded_is_fetched_and_says_so(tmp_path: Path) -> None:
    records, _ = await crawl_site(tmp_path, site(page(), ROBOTS_SIGNAL), purpose=["ai-train"])
    assert records["/"]["disposition"] == "fetched"
    assert SECRET in records["/"]["text"]
    said = {(one["purpose"], one["allowed"]) for one in records["/"]["usage"]}
    assert said == {("search", True), ("ai-train", False)}
    kept = [json.loads(line) for line in (tmp_path / "preferences.jsonl").read_text().splitlines()]
    assert {(one["purpose"], one["where"]) for one in kept} == {
        ("search", "robots.txt line 3"), ("ai-train", "robots.txt line 3")
    }  # fmt: skip
    assert len(kept) == 2, "each statement stands there once, though two pages have it"


async def test_without_a_purpose_nothing_is_read_nor_asked(tmp_path: Path) -> None:
    records, asked = await crawl_site(tmp_path, site(page(), ROBOTS_SIGNAL, "[]"))
    assert "usage" not in records["/"]
    assert TDMREP not in asked
    assert not (tmp_path / "preferences.jsonl").exists()


async def test_content_usage_holds_for_its_path_alone(tmp_path: Path) -> None:
    robots = "User-agent: *\nContent-Usage: train-ai=y\nContent-Usage: /next train-ai=n\n"
    records, asked = await crawl_site(tmp_path, site(page(), robots), purpose=["ai-train"], respect="obey")
    assert records["/"]["disposition"] == "fetched"
    assert records["/next"]["detail"] == "ai-train: robots.txt line 3: Content-Usage: /next train-ai=n"
    assert "/next" not in asked


async def test_a_tdmrep_json_is_asked_for_once_and_obeyed(tmp_path: Path) -> None:
    reserved = json.dumps([{"location": "/next", "tdm-reservation": 1, "tdm-policy": "https://a.test/p"}])
    records, asked = await crawl_site(tmp_path, site(page(), tdmrep=reserved), purpose=["ai-input"], respect="obey")
    assert records["/"]["disposition"] == "fetched"
    assert records["/next"]["reason"] == "usage"
    assert "tdmrep.json entry 1" in records["/next"]["detail"]
    assert asked.count(TDMREP) == 1
    assert "/next" not in asked


async def test_explain_names_the_line_before_anything_is_fetched() -> None:
    async with open_web(Web([site(page(), ROBOTS_SIGNAL)])) as served:
        obeying = Config(**QUICK, purpose=["ai-train"], respect="obey")
        answer = await crawler.explain(served.seeds[0], obeying)
        recording = await crawler.explain(served.seeds[0], Config(**QUICK, purpose=["ai-train"]))
    assert (answer.verdict, answer.reason) == ("exclude", "usage")
    assert answer.robots.detail == "ai-train: robots.txt line 3: Content-Signal: search=yes, ai-train=no"
    assert (recording.verdict, len(recording.robots.usage)) == ("fetch", 2)


# -- known from the answer alone ---------------------------------------------------------------------------------------

ANSWERS = {
    "ai-train: header: Content-Signal: ai-train=no": page(("Content-Signal", "ai-train=no")),
    "ai-train: header: Content-Usage: train-ai=n": page(("Content-Usage", "train-ai=n")),
    "ai-train: header: tdm-reservation: 1": page(("tdm-reservation", "1")),
    "ai-train: meta: tdm-reservation: 1": page(head='<meta name="tdm-reservation" content="1">'),
    "ai-train: header: X-Robots-Tag: noai": page(("X-Robots-Tag", "noai")),
    "ai-train: meta: robots: noai": page(head='<meta name="robots" content="noai, noimageai">'),
    "archive: header: X-Robots-Tag: noarchive": page(("X-Robots-Tag", "crawld: noarchive")),
    "archive: meta: robots: noarchive": page(head='<meta name="crawld" content="noarchive">'),
    "ai-input: meta: robots: nosnippet": page(head='<meta name="robots" content="nosnippet">'),
    "search: header: X-Robots-Tag: noindex": page(("X-Robots-Tag", "noindex")),
}


@pytest.mark.parametrize("detail", ANSWERS)
async def test_an_answer_that_refuses_is_not_kept_but_its_outcome_is(tmp_path: Path, detail: str) -> None:
    settings: dict[str, Any] = {"purpose": [detail.partition(":")[0]], "respect": "obey"}
    sinks = [{"text": True}, {"kind": "warc"}, {"kind": "files"}]
    records, _ = await crawl_site(tmp_path, site(ANSWERS[detail]), **settings, sinks=sinks, max_depth=0)
    home = records["/"]
    assert (home["disposition"], home["reason"], home["detail"], home["status"]) == ("excluded", "usage", detail, 200)
    assert not home["text"]
    assert home["title"] is None
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name.endswith(".warc.gz"):
            assert SECRET.encode() not in b"".join(unpack(path))
        elif path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize("detail", ANSWERS)
async def test_the_same_answer_is_kept_where_it_is_only_recorded(tmp_path: Path, detail: str) -> None:
    records, _ = await crawl_site(tmp_path, site(ANSWERS[detail]), purpose=[detail.partition(":")[0]], max_depth=0)
    assert records["/"]["disposition"] == "fetched"
    assert SECRET in records["/"]["text"]
    said = [f"{one['purpose']}: {one['where']}: {one['signal']}" for one in records["/"]["usage"]]
    assert detail in said


async def test_links_of_a_page_that_is_left_out_are_followed(tmp_path: Path) -> None:
    refused = site(page(("X-Robots-Tag", "noai")))
    records, _ = await crawl_site(tmp_path, refused, purpose=["ai-train"], respect="obey")
    assert records["/"]["reason"] == "usage"
    assert records["/next"]["disposition"] == "fetched"


async def test_directives_for_another_robot_or_for_images_leave_out_no_page(tmp_path: Path) -> None:
    other = site(page(("X-Robots-Tag", "otherbot: noai"), head='<meta name="robots" content="noimageai">'))
    records, _ = await crawl_site(tmp_path, other, purpose=["ai-train"], respect="obey", max_depth=0)
    assert records["/"]["disposition"] == "fetched"
    assert {one.get("of") for one in records["/"]["usage"]} == {"images"}


def unpack(path: Path) -> list[bytes]:
    import gzip

    return [gzip.decompress(path.read_bytes())]


# -- readers -----------------------------------------------------------------------------------------------------------


def said(robots: str, path: str, agent: str = "crawld") -> set[tuple[str, bool, str]]:
    rules = parse(robots.encode(), agent)
    return {(one.purpose, one.allowed, one.where) for one in rules.statements(Url(f"https://a.test{path}"))}


def test_signals_of_robots_txt_belong_to_their_group() -> None:
    robots = "User-agent: other\nContent-Signal: ai-train=no\n\nUser-agent: *\nContent-Signal: ai-train=yes\n"
    assert said(robots, "/") == {("ai-train", True, "robots.txt line 5")}
    assert said(robots, "/", "other") == {("ai-train", False, "robots.txt line 2")}


def test_the_longest_path_decides_and_equal_ones_add_up() -> None:
    robots = (
        "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /open/ train-ai=y\n"
        "Content-Usage: /open/*.pdf$ train-ai=n\nContent-Usage: /open/ search=n\n"
    )
    assert said(robots, "/x") == {("ai-train", False, "robots.txt line 2")}
    assert said(robots, "/open/x") == {("ai-train", True, "robots.txt line 3"), ("search", False, "robots.txt line 5")}
    assert said(robots, "/open/x.pdf") == {("ai-train", False, "robots.txt line 4")}


def test_unknown_words_and_values_say_nothing() -> None:
    assert said("User-agent: *\nContent-Usage: train-ai=maybe, bots=n, search\nContent-Signal: x=no", "/") == set()


def test_a_signal_does_not_end_the_names_of_its_group() -> None:
    robots = "User-agent: a\nContent-Signal: ai-train=no\nUser-agent: crawld\nDisallow: /x\n"
    assert not parse(robots.encode(), "a").allows(Url("https://a.test/x"))


HOSTILE = [
    b"", b"[", b"\xff\xfe", b"[" * MAX_BYTES, b'{"a":' * 40_000, b'[{"location":1,"tdm-reservation":1}]',
    b'[{"location":"/","tdm-reservation":true}]', b"[null, 1, []]", b"\x00" * 1000, "\ud800".encode("utf-8", "replace"),
    b'[{"location":"/","tdm-reservation":[1]}]', b'[{"location":"/","tdm-reservation":{"a":1}}]',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE)
def test_no_file_is_no_reservation(body: bytes) -> None:
    assert read_reservations(body) == ()


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reservations_are_read_in_the_encodings_of_editors(coding: str) -> None:
    text = '[{"location": "/", "tdm-reservation": 1}, {"location": "/free/*", "tdm-reservation": 0}]'
    lines = read_reservations(text.encode(coding))
    assert [one.allowed for one in find_statements(lines, "/x")] == [False, False]
    assert [one.allowed for one in find_statements(lines, "/free/x")] == [True, True]


def test_an_unknown_purpose_gets_the_nearest_right_one() -> None:
    with pytest.raises(ConfigError, match="did you mean ai-train"):
        Config(purpose=["ai-trian"])


# -- what stays in the folder ------------------------------------------------------------------------------------------


async def test_statements_stand_in_the_folder_once_and_go_into_the_pack(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    await crawl_site(folder, site(page(), robots=ROBOTS_SIGNAL), purpose=["ai-train"], respect="record")
    kept = map(json.loads, (folder / "preferences.jsonl").read_text().splitlines())
    said = [(one["purpose"], one["allowed"], one["where"]) for one in kept]
    assert said == [("search", True, "robots.txt line 3"), ("ai-train", False, "robots.txt line 3")]
    names = pack_folder(read_folder(folder, Config()), tmp_path / "p.zip", make_identity(tmp_path / "k.pem"))
    assert "preferences.jsonl" in names
    assert verify_pack(tmp_path / "p.zip").is_whole


@pytest.mark.long
async def test_several_event_loops_keep_each_statement_once(tmp_path: Path) -> None:
    sites = [Site(f"s{n}.test", {"/": page(), "/next": page()}, worded(ROBOTS_SIGNAL, Rules())) for n in range(6)]
    settings: dict[str, Any] = QUICK | {"purpose": ["ai-train"], "respect": "record", "loops": 2, "executor": "process"}
    async with open_web(Web(sites, [f"http://{one.host}/" for one in sites])) as served:
        for revisited_after_s in (None, 0.0):  # the second run visits all of it once more
            config = Config(**settings, revisit_after_s=revisited_after_s)
            await crawler.crawl(served.seeds, config, folder=tmp_path / "crawl")
    kept = [json.loads(line) for line in (tmp_path / "crawl" / "preferences.jsonl").read_text().splitlines()]
    expected = sorted((Url(seed).site, purpose) for seed in served.seeds for purpose in ("ai-train", "search"))
    assert sorted((one["site"], one["purpose"]) for one in kept) == expected


async def test_a_line_that_was_not_settled_is_cut_and_written_again(tmp_path: Path) -> None:
    def outcome(number: int) -> Outcome:
        lease = Lease(Request(Url(f"http://s{number}.test/")), number)
        said = Statement("ai-train", False, "header", "Content-Usage: train-ai=n")
        return Outcome(lease, Disposition.FETCHED, usage=(said,))

    kept = PreferencesFile(tmp_path, is_synced=False)
    await kept.rewind(None)
    settled = await kept.write([outcome(1), outcome(1)])
    await kept.write([outcome(2)])
    again = PreferencesFile(tmp_path, is_synced=False)  # after a kill
    await again.rewind(settled)
    await again.write([outcome(1), outcome(2)])
    lines = (tmp_path / "preferences.jsonl").read_text().splitlines()
    assert [json.loads(line)["site"] for line in lines] == ["http://s1.test", "http://s2.test"]
