"""The user's own parse functions: what they see, which of them is called, and what becomes of what they return."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest
import turbohtml
from pydantic import BaseModel, Field

from crawler import urls
from crawler.errors import ConfigError
from crawler.model import Disposition, Lease, LeftOut, Links, Outcome, Page, Request, Url
from crawler.parse import Content, Document, Label, Link, Parsed, ParseJob, Parsers, parse, values_of
from crawler.parse.data import MAX_BYTES, encode
from crawler.parse.extraction import MOST_ASKED_BYTES, MOST_PICKLED_BYTES
from crawler.urls.requests import MOST_BODY
from tests.defaults import make_job, make_scope

RUNS = iter(range(10**9))
HERE = "http://h/town/harbour"
HTML = b"""<!doctype html><title>Harbour</title><base href=/port/><style>p { color: blue }</style>
<script type="application/ld+json">{"@type": "Place"}</script><p>Still<script>var secret = 1</script> water.
<a href=quay>Quay</a> <a href=/>Home</a>"""


def job(extract: Callable[[Content], object], **named: Any) -> ParseJob:
    run = f"test-extraction-{next(RUNS)}".encode()
    return make_job(b"sixteen bytes ...", run, named.pop("bounds", make_scope()), extract=extract, **named)


def document(body: bytes = HTML, content_type: str = "text/html", **named: Any) -> Document:
    return Document(urls.parse(HERE), body, content_type, **named)


def seen(extract: Callable[[Content], object], asked: Document | None = None, **named: Any) -> Any:
    """What a function returns that looks at its content."""
    page = parse(asked or document(), job(extract, **named))
    assert page.data_error == ""
    return orjson.loads(page.data_json)


# -- what a function sees ----------------------------------------------------------------------------------------------


def look_at_request(content: Content) -> object:
    request = content.request
    return [
        content.depth, content.seed.text, content.via and content.via.text, request.label, request.data,
        content.header("set-cookie"), content.all("Set-Cookie"), content.header("missing"),
    ]  # fmt: skip


def test_a_function_sees_the_headers_and_how_the_page_was_found() -> None:
    request = Request(urls.parse(HERE), 2, Url("http://h/list"), Url("http://h/seed"), label="item", data={"shelf": 3})
    headers = ((b"Set-Cookie", b"a=\xe9"), (b"x", b"y"), (b"set-cookie", b"b=2"))
    asked = document(depth=2, request=values_of(request), headers=headers)
    expected = [2, "http://h/seed", "http://h/list", "item", {"shelf": 3}, "a=é", ["a=é", "b=2"], ""]
    assert seen(look_at_request, asked) == expected


def test_content_made_by_hand_is_of_a_plain_request() -> None:
    content = Content(Url(HERE), 200, "text/html", b"", Page(b""))
    assert (content.request, content.depth, content.seed, content.via) == (Request(Url(HERE)), 0, Url(HERE), None)
    assert (content.headers, content.tree) == ((), None)


def look_at_tree(content: Content) -> object:
    tree = content.tree
    if tree is None:
        return None
    return [
        [element.text for element in tree.select("script")],
        [element.text for element in tree.select("a")],
        len(tree.select("style")),
        content.page.title,
    ]


def test_the_tree_is_the_one_that_was_read_with_its_scripts_and_no_second_one_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def counting(*given: Any, make: Callable[..., Any] = turbohtml.parse, **named: Any) -> Any:
        made.append(1)
        return make(*given, **named)

    monkeypatch.setattr(turbohtml, "parse", counting)
    scripts = ['{"@type": "Place"}', "var secret = 1"]
    assert seen(look_at_tree) == [scripts, ["Quay", "Home"], 1, "Harbour"]
    assert made == [1]


def test_a_page_is_the_same_with_a_function_and_without() -> None:
    bodies = [HTML, b"<table><tr><td>1<script>x</script><td>2</table><svg><style>q</style></svg>" * 200, b"<p>x"]
    for body in bodies:
        with_function = parse(document(body), job(silent, wants_text=True, wants_links=True))
        without = parse(document(body), replace(job(silent, wants_text=True, wants_links=True), extract=None))
        assert with_function == without


def silent(content: Content) -> object:
    return None


def test_where_there_is_no_tree_it_is_none() -> None:
    assert parse(document(b"%PDF-1.4", "application/pdf"), job(needs_no_tree)).data_json == b"true"
    assert parse(
        document(b"<urlset><url><loc>http://h/1</loc></url></urlset>", "text/xml"), job(needs_no_tree)
    ).data_json
    scanned = parse(document(), job(needs_no_tree, tree_bytes=10))
    assert (scanned.is_scanned, scanned.data_json) == (True, b"true")


def needs_no_tree(content: Content) -> object:
    return content.tree is None


# -- which function ----------------------------------------------------------------------------------------------------


def item(content: Content) -> object:
    return "item"


def listing(content: Content) -> object:
    return "listing"


def rest(content: Content) -> object:
    return "rest"


@pytest.mark.parametrize(
    ("url", "label", "chosen"),
    [
        ("http://h/item/1", "", "item"),
        ("http://h/item/1", "list", "listing"),  # the first that fits, in the order in which they stand
        ("http://other/item/1", "", "rest"),
        ("http://h/list", "", "rest"),
        ("https://h/9.pdf", "", None),
    ],
)
def test_the_first_function_whose_pattern_or_label_fits_is_called(url: str, label: str, chosen: str | None) -> None:
    several = Parsers([(Label("list"), listing), ("h/item/*", item), (r"re:^http://", rest)])
    for parsers in (several, pickle.loads(pickle.dumps(several))):
        asked = Document(Url(url), HTML, "text/html", request=values_of(Request(Url(url), label=label)))
        page = parse(asked, job(parsers))
        assert (page.data_json, page.data_error) == (orjson.dumps(chosen) if chosen else b"", "")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([item], r"parse\[0\] is <function item"),
        ([("h/*", item), ("h/*", "item")], r"parse\[1\] is .*give a pattern or a Label, and a function"),
        ([(3, item)], r"parse\[0\]"),
        ([("re:(?=x)", item)], r"parse\[0\]: 're:\(\?=x\)' holds a lookahead"),
    ],
)
def test_what_is_no_choice_is_refused_by_its_place(choices: list[object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Parsers(choices)


# -- what it returns ---------------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


class Price(BaseModel):
    euros: float
    raw: str = Field("", exclude=True)
    seen: datetime | None = None


@dataclass
class Item:
    title: str
    price: Price | None = None
    colours: list[Colour] = field(default_factory=list)
    number: UUID | None = None
    _private: str = "hidden"


@dataclass(slots=True)
class Slotted:
    prices: tuple[Price, ...]


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NUMBER = UUID(int=7)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Price(euros=1.5, raw="x" * (MAX_BYTES + 1), seen=NOON), {"euros": 1.5, "seen": "2026-01-02T12:00:00Z"}),
        (Item("a"), {"title": "a", "price": None, "colours": [], "number": None}),
        (
            Item("a", Price(euros=2), [Colour.RED], NUMBER),
            {"title": "a", "price": {"euros": 2.0, "seen": None}, "colours": ["red"], "number": str(NUMBER)},
        ),
        (Slotted((Price(euros=3),)), {"prices": [{"euros": 3.0, "seen": None}]}),
        ({"all": [Price(euros=4)], "at": NOON}, {"all": [{"euros": 4.0, "seen": None}], "at": NOON.isoformat()}),
        ([1, "x", None], [1, "x", None]),
    ],
)
def test_models_and_dataclasses_are_data_wherever_they_stand(value: object, expected: object) -> None:
    assert orjson.loads(encode(value)) == expected


def test_a_model_that_is_too_large_is_refused() -> None:
    class Large(BaseModel):
        text: str

    with pytest.raises(ValueError, match="more than"):
        encode({"inner": [Large(text="x" * MAX_BYTES)]})


def typed(content: Content) -> Item:
    return Item(content.page.title, Price(euros=1), [Colour.RED])


def unpicklable(content: Content) -> object:
    @dataclass
    class Local:
        n: int

    return Local(3)


def huge(content: Content) -> object:
    return Stout()


class Stout(BaseModel):
    text: str = "x" * 10

    def __getstate__(self) -> dict[Any, Any]:
        return {"ballast": b"x" * MOST_PICKLED_BYTES}


def test_a_result_comes_back_as_it_is_within_a_process_and_as_a_pickle_out_of_a_worker() -> None:
    for returns in ("object", "pickle"):
        page = pickle.loads(pickle.dumps(parse(document(), job(typed, returns=returns))))
        assert page.returned.get() == Item("Harbour", Price(euros=1), [Colour.RED])
        assert page.returned.get() is page.returned.get()
    assert parse(document(), job(typed)).returned is None
    assert parse(document(), job(silent, returns="pickle")).returned is None


@pytest.mark.parametrize(
    ("extract", "why"),
    [(unpicklable, "it cannot be pickled: "), (huge, "its pickle has 8,388,")],
)
def test_what_cannot_be_pickled_comes_back_as_its_json_and_that_is_said(
    extract: Callable[[Content], object], why: str
) -> None:
    page = parse(document(), job(extract, returns="pickle"))
    assert page.note.startswith(f"the result of parse is made of its JSON, for {why}")
    outcome = Outcome(Lease(Request(Url(HERE)), 1), Disposition.FETCHED, page=page)
    assert outcome.data == orjson.loads(page.data_json)


# -- its links ---------------------------------------------------------------------------------------------------------


def giving(content: Content, *, links: tuple[Link | str, ...], follow: bool = True) -> Parsed[str]:
    return Parsed("data", links, follow)


def given(*links: Link | str, follow: bool = True, asked: Document | None = None, **named: Any) -> Page:
    page = parse(asked or document(), job(partial(giving, links=links, follow=follow), **named))
    assert (page.data_json, page.data_error) == (b'"data"', "")
    return page


def test_links_of_a_function_become_requests_one_hop_deeper() -> None:
    request = Request(Url(HERE), 2, None, Url("http://h/seed"), Url("http://h/root"))
    asked = document(depth=2, anchor=Url("http://h/root"), request=values_of(request))
    link = Link(
        "boats?x=1#top", label="boat", data={"n": [1, 2]}, priority=-3, method="POST", body=b"a", headers={"X": "y"}
    )
    page = given(link, "/plain", asked=asked)
    common: dict[str, Any] = {"via": Url(HERE), "seed": Url("http://h/seed"), "root": Url("http://h/root"), "depth": 3}
    assert page.asked == (
        Request(
            Url("http://h/port/boats?x=1"), label="boat", data={"n": [1, 2]}, priority=-3, method="POST", body=b"a",
            headers=(("X", "y"),), **common,
        ),
        Request(Url("http://h/plain"), **common),
    )  # fmt: skip
    assert page.note == ""
    assert page.news.split() == ["http://h/port/quay", "http://h/"]


def test_with_follow_false_the_links_of_the_page_are_left_and_not_forgotten_as_reported() -> None:
    asked = job(partial(giving, links=("/only",), follow=False))
    page = parse(document(), asked)
    assert [request.url.text for request in page.asked] == ["http://h/only"]
    assert (page.news.split(), page.left_out, page.outside, page.n_links) == ([], LeftOut.REQUISITES, b"", 2)
    again = parse(document(), replace(asked, extract=silent))
    assert again.news.split() == ["http://h/port/quay", "http://h/"]


def test_a_link_that_the_page_has_as_well_keeps_its_label() -> None:
    asked = job(partial(giving, links=(Link("quay", label="quay"), Link("/", method="POST"), HERE)))
    page = parse(document(), asked)
    assert [(request.url.path, request.label) for request in page.asked] == [("/port/quay", "quay"), ("/", "")]
    assert page.news == Links("http://h/", urls.fingerprints(["http://h/"], b"sixteen bytes ..."))
    again = parse(document(), asked)
    assert [request.method for request in again.asked] == ["POST"]  # the frontier knows the others
    assert again.news.split() == []


def test_links_that_a_function_gives_for_a_sitemap_are_as_deep_as_those_that_it_has() -> None:
    entries = "".join(f"<url><loc>http://h/{n}</loc><priority>0.{n}</priority></url>" for n in (7, 8, 9))
    body = f"<urlset>{entries}</urlset>".encode()
    for number, depth in (("8", 0), ("other", 0)):
        page = parse(document(body, "text/xml"), job(partial(giving, links=(f"/{number}",)), max_depth=0))
        assert [(request.url.path, request.depth) for request in page.asked] == [(f"/{number}", depth)]
    page = parse(document(body, "text/xml"), job(partial(giving, links=("/8",))))
    assert page.news.split() == ["http://h/7", "http://h/9"]
    assert list(memoryview(page.news.priorities).cast("b")) == [-2, -4]
    assert len(page.news.modified) == 8


@pytest.mark.parametrize(
    ("links", "named", "bit", "note"),
    [
        (("http://else/1", "http://else/2", "/in"), {}, LeftOut.REACH, "2 out of reach"),
        (("/x.pdf", "/in"), {"bounds": make_scope(exclude=("*.pdf",))}, LeftOut.PATTERNS, "1 by include or exclude"),
        (("/deep",), {"bounds": make_scope(max_depth=0), "max_depth": 0}, LeftOut.DEPTH, "1 too deep"),
    ],
)
def test_links_out_of_scope_are_counted_and_never_lost_silently(
    links: tuple[str, ...], named: dict[str, Any], bit: LeftOut, note: str
) -> None:
    page = given(*links, **named)
    assert [request.url.text for request in page.asked] == ["http://h/in"] * ("/in" in links)
    assert page.left_out & bit
    assert page.note == f"left out links that parse gave: {note}"
    if bit == LeftOut.REACH:
        assert page.outside == urls.fingerprints(["else"], b"sixteen bytes ...")


def test_a_page_that_asks_not_to_be_followed_is_heeded_where_the_settings_heed_it() -> None:
    asked = document(HTML + b"<meta name=robots content=nofollow>")
    assert given("/a", asked=asked, nofollow="ignore").asked
    page = given("/a", asked=asked, nofollow="pages")
    assert (page.asked, page.note) == ((), "left out links that parse gave: 1 by nofollow")
    assert page.left_out & LeftOut.NOFOLLOW


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("javascript:void(0)", "such as javascript:void(0): UrlError: it leads to no URL that can be visited"),
        ("http://h:99999/", "such as http://h:99999/: UrlError"),
        (Link("/x", data={"a": {1}}), "such as '/x': RequestError: data must be JSON"),
        (Link("/x", data={"a": "x" * 20_000}), "such as '/x': RequestError: data of 20,0"),
        (Link("/x", headers={"Host": "other"}), "such as '/x': RequestError: the header field Host cannot"),
        (Link("/x", label="a\nb"), "such as '/x': RequestError: a label is one line"),
        (Link(7), "such as 7: TypeError: 7 is no str"),  # type: ignore[arg-type]
        (Link("/x", priority="1"), "such as '/x': TypeError: '1' is no int"),  # type: ignore[arg-type]
        (None, "such as None: TypeError: it is neither a Link nor a text"),
    ],
)
def test_a_link_that_leads_nowhere_is_noted_and_costs_no_other(link: Any, said: str) -> None:
    page = given("/a", link, "/b")
    assert [request.url.path for request in page.asked] == ["/a", "/b"]
    assert page.note.startswith(f"left out 1 link that parse gave, {said}")


def test_links_have_bounds_in_number_and_in_size() -> None:
    page = given(*(f"/{n}" for n in range(20)), max_links=10)
    assert len(page.asked) == 10
    assert page.note == "only the first 10 links that parse gave were taken"
    assert page.left_out & LeftOut.MAX_LINKS
    endless = parse(document(), job(give_without_end, max_links=10))
    assert len(endless.asked) == 10
    body = b"x" * MOST_BODY
    page = given(*(Link(f"/{n}", method="POST", body=body) for n in range(18)))
    assert len(page.asked) == MOST_ASKED_BYTES // MOST_BODY == 16
    assert page.note.startswith("left out 2 links that parse gave, such as http://h/16: data and bodies")


def give_without_end(content: Content) -> Parsed[None]:
    return Parsed(links=(f"/{n}" for n in iter(int, 1)))


# -- its errors --------------------------------------------------------------------------------------------------------


def stumbling(content: Content) -> object:
    raise KeyError("price\x1b[31m")


def breaking_off(content: Content) -> Parsed[None]:
    return Parsed(links=(["/a", "/b"][n] for n in range(5)))


def test_an_error_has_its_trace_once_in_a_run_and_the_name_of_the_function() -> None:
    first = job(Parsers([("*", stumbling)]))
    page, again = parse(document(), first), parse(document(), first)
    for one in (page, again):
        assert (one.data_error, one.parser, one.data_json) == (r"KeyError: 'price\x1b[31m'", "stumbling", b"")
        assert one.n_links == 2
    trace = page.data_trace.split("\n")
    assert trace[0] == "Traceback (most recent call last):"
    assert "test_extraction.py" in trace[1]  # no frame of ours comes before
    assert "in stumbling" in trace[1]
    assert "\x1b" not in page.data_trace
    assert again.data_trace == ""
    assert parse(document(), job(stumbling)).data_trace  # another run


def test_links_that_fail_as_they_are_made_are_the_functions_error() -> None:
    page = parse(document(), job(breaking_off))
    assert (page.data_error.partition(":")[0], page.asked, page.parser) == ("IndexError", (), "breaking_off")
