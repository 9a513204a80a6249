"""Findings are compared with a baseline by keys that stay the same from run to run and from host to host."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from crawler import ConfigError, Finding, FindingPage, Request, Response, Severity, Url, read_baseline, write_baseline
from crawler.gate import Others, write_junit, write_sarif
from crawler.gate.others import CachingFetcher
from crawler.gate.steady import make_steady
from crawler.gate.verdict import CheckVerdict, Key, judge, make_key
from crawler.runtime.escaping import json_line

SITE = "http://a.test"


def finding(code: str, url: str, detail: str = "", *pages: str, severity: Severity = Severity.ERROR) -> Finding:
    named = [FindingPage(page, "a <link>") for page in pages]
    return Finding(code, severity, url, detail, named, len(named) or 1, "Mend it.")


def verdict(known: frozenset[Key] = frozenset()) -> CheckVerdict:
    found = [
        finding("broken-link", f"{SITE}/gone", "HTTP 404", f"{SITE}/", f"{SITE}/2"),
        finding("missing-title", f"{SITE}/3", severity=Severity.WARNING),
        finding("noindex", f"{SITE}/4\x1b<&", severity=Severity.NOTICE),
        finding("slow-page", f"{SITE}/5", "9 s", severity=Severity.WARNING),
    ]
    return judge(found, known, site=SITE, pages=9, severity=Severity.WARNING)


BASELINE = frozenset({Key("missing-title", "~/3", ""), Key("broken", "~/mended", "")})


def test_what_the_baseline_knows_does_not_fail_the_check_and_what_is_fixed_is_told() -> None:
    judged = verdict(BASELINE)
    assert [(one.finding.code, one.state, one.is_fatal) for one in judged.findings] == [
        ("broken-link", "new", True),
        ("missing-title", "known", False),
        ("noindex", "new", False),
    ]
    assert list(judged.fixed) == [Key("broken", "~/mended", "")]
    assert not judged.passes
    assert verdict(BASELINE | {Key("broken", "~/gone", "")}).passes


def test_a_key_is_the_same_on_another_host_and_however_a_link_failed() -> None:
    here = finding("broken-link", "http://localhost:8000/gone", "HTTP 404")
    there = finding("doubtful-link", f"{SITE}/gone", "HTTP 503")
    assert make_key(here, "http://localhost:8000") == make_key(there, SITE) == Key("broken", "~/gone", "")
    pair = (f"{SITE}/a", f"{SITE}/b")
    assert make_key(finding("duplicate-page", pair[0], "", pair[1]), SITE) == make_key(
        finding("duplicate-page", pair[1], "", pair[0]), SITE
    )
    assert make_key(finding("redirected-link", "http://b.test/", f"moved to {SITE}/x"), SITE).detail == "moved to ~/x"


def test_a_baseline_is_read_back_as_it_was_written_and_changes_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    keys = [Key("b", "~/2", 'a "detail"'), Key("a", "~/1", "")]
    write_baseline(path, keys)
    assert read_baseline(path) == frozenset(keys)
    assert len(path.read_text().splitlines()) == 4
    write_baseline(path, [])
    assert read_baseline(path) == frozenset()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "no baseline"),
        ("[]", "no list of findings"),
        ('{"v":2,"findings":[]}', "version 2"),
        ('{"v":1,"findings":[{"code":"a"}]}', "lacks its"),
        ('{"v":1,"findings":[1]}', "lacks its"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_baseline(tmp_path / "b.json")


def test_a_missing_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--update-baseline makes it"):
        read_baseline(tmp_path / "nothing-alike")


def test_junit_has_a_failure_for_each_new_finding(tmp_path: Path) -> None:
    write_junit(verdict(BASELINE), tmp_path / "j.xml")
    root = ET.parse(tmp_path / "j.xml").getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "2",
    }  # fmt: skip
    [failure] = root.iter("failure")
    assert (failure.get("type"), str(failure.text).splitlines()[0]) == ("error", f"on {SITE}/: a <link>")
    assert [len(case) for case in root.iter("testcase")] == [1, 1, 1]
    write_junit(judge([], [], site=SITE, pages=1, severity=Severity.ERROR), tmp_path / "none.xml")
    assert ET.parse(tmp_path / "none.xml").getroot().get("failures") == "0"


def test_sarif_has_what_its_schema_requires(tmp_path: Path) -> None:
    write_sarif(verdict(BASELINE), tmp_path / "s.sarif")
    log = json.loads((tmp_path / "s.sarif").read_text())
    assert check_sarif(log) == []
    states = [(one["ruleId"], one["level"], one["baselineState"]) for one in log["runs"][0]["results"]]
    assert states == [
        ("broken-link", "error", "new"),
        ("missing-title", "warning", "unchanged"),
        ("noindex", "note", "new"),
        ("broken", "none", "absent"),
    ]
    [page, *_] = log["runs"][0]["results"][0]["locations"]
    assert page["physicalLocation"]["artifactLocation"]["uri"] == f"{SITE}/"
    again = tmp_path / "again.sarif"
    write_sarif(verdict(BASELINE), again)
    assert again.read_bytes() == (tmp_path / "s.sarif").read_bytes()


def test_what_sarif_requires_is_missed() -> None:
    assert check_sarif({"version": "2.0", "runs": [{"tool": {}, "results": [{"level": "bad"}]}]}) != []


def check_sarif(log: Any) -> list[str]:
    """What a log lacks of the parts that the schema of SARIF 2.1.0 requires, with the types and words it allows."""
    faults = [] if log.get("version") == "2.1.0" and isinstance(log.get("runs"), list) else ["version, runs"]
    for run in log.get("runs", []):
        driver = run.get("tool", {}).get("driver", {})
        faults += [] if isinstance(driver.get("name"), str) else ["tool.driver.name"]
        rules = driver.get("rules", [])
        faults += [f"rule {one}" for one in rules if not isinstance(one.get("id"), str)]
        faults += [] if len({one["id"] for one in rules}) == len(rules) else ["rules are not unique"]
        for rule in rules:
            for name in ("shortDescription", "help"):
                faults += [] if name not in rule or isinstance(rule[name]["text"], str) else [f"rule {name}"]
        for one in run.get("results", []):
            faults += [] if isinstance(one.get("message", {}).get("text"), str) else ["result.message.text"]
            faults += [] if one.get("level") in ("none", "note", "warning", "error") else ["result.level"]
            faults += [] if one.get("baselineState") in ("new", "unchanged", "updated", "absent") else ["baselineState"]
            faults += [] if rules and rules[one.get("ruleIndex", -1)]["id"] == one.get("ruleId") else ["ruleIndex"]
            for place in [*one.get("locations", []), *one.get("relatedLocations", [])]:
                uri = place.get("physicalLocation", {}).get("artifactLocation", {}).get("uri")
                faults += [] if isinstance(uri, str) and " " not in uri else [f"uri {uri}"]
                faults += [] if isinstance(place.get("id", 0), int) and place.get("id", 0) >= 0 else ["location.id"]
    return faults


# -- records and answers -------------------------------------------------------------------------------------------


def steady(*records: dict[str, Any]) -> list[dict[str, Any]]:
    lines = [json_line({"disposition": "fetched", "visit": 1, **one}) for one in records]
    with make_steady([*lines, b"no record\n", b"[]\n"]) as made:
        assert list(made) == list(made)
        return [dict(one) for one in made]


def failed(status: int | None, visit: int) -> dict[str, Any]:
    return {"url": SITE, "disposition": "failed", "status": status, "detail": f"{status}", "visit": visit}


def test_one_good_visit_counts_more_than_all_failures() -> None:
    good = {"url": SITE, "status": 200, "visit": 2}
    assert [one["status"] for one in steady(failed(503, 1), good, failed(404, 3))] == [200]


def test_of_failures_the_definite_one_counts_then_the_most_frequent() -> None:
    assert steady(failed(404, 1), failed(503, 2), failed(503, 3))[0]["status"] == 404
    assert steady(failed(500, 1), failed(503, 2), failed(500, 3))[0]["status"] == 500
    assert steady(failed(503, 1), failed(500, 2)) == steady(failed(500, 2), failed(503, 1))


def test_copies_are_copies_of_the_first_url_of_the_alphabet() -> None:
    b = {"url": "http://b.test/", "digest": "d"}
    a = {"url": "http://a.test/", "digest": "d", "disposition": "duplicate", "duplicate_of": "http://b.test/"}
    alone = {"url": "http://c.test/", "digest": "e"}
    assert [(one["url"], one["disposition"], one.get("duplicate_of")) for one in steady(b, a, alone)] == [
        ("http://a.test/", "fetched", None),
        ("http://b.test/", "duplicate", "http://a.test/"),
        ("http://c.test/", "fetched", None),
    ]


class Counting:
    """A Fetcher that answers by its script and counts."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[str] = []

    async def fetch(self, request: Request) -> Response:
        self.asked.append(request.url.text)
        return Response.decoded(request.url, self.status, {"Location": "/x"} if self.status == 301 else {}, "body")


async def test_only_good_answers_of_others_are_kept_and_for_their_time() -> None:
    now = [1000.0]
    others = Others(60.0, lambda: now[0])
    mine, theirs = Request(Url("http://a.test/1")), Request(Url("http://b.test/1"), extra_hop=1)
    inner = Counting()
    fetcher = CachingFetcher(inner, others, {"http://a.test"})
    for request in (mine, mine, theirs, theirs):
        assert (await fetcher.fetch(request)).status == 200
    assert inner.asked == ["http://a.test/1", "http://a.test/1", "http://b.test/1"]
    now[0] += 61
    inner.status = 503
    assert (await fetcher.fetch(theirs)).status == 503
    inner.status = 301
    assert (await fetcher.fetch(theirs)).status == 301
    assert (await fetcher.fetch(theirs)).header("location") == "/x"
    assert len(inner.asked) == 5


def test_a_file_of_kept_answers_may_be_damaged_or_missing(tmp_path: Path) -> None:
    others = Others(60.0, lambda: 1000.0)
    others.read(tmp_path / "missing")
    (tmp_path / "damaged").write_text('["http://b.test/1",990,200,"",""]\nnonsense\n["http://b.test/2"]\n{}\n')
    others.read(tmp_path / "damaged")
    assert others.find(Request(Url("http://b.test/1"))) is not None
    assert others.find(Request(Url("http://b.test/2"))) is None
    others.write(tmp_path / "new")
    assert (tmp_path / "new").read_text() == '["http://b.test/1",990.0,200,"",""]\n'
