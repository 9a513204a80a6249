"""The main part of pages of many kinds: what people open them for is kept, and their furniture is not."""

from __future__ import annotations

import pytest
import turbohtml

from crawler.parse import main_text
from crawler.parse.main_text import Main, find_main

PROSE = "The harbour froze early that year, and the boats stayed in, so nobody sold any fish before the spring came. "
MENU = "<nav><ul><li><a href=/>Home</a><li><a href=/shop>Shop now</a></ul></nav>"
FOOT = "<footer><p>Imprint and privacy, all rights reserved, whoever reads this.</p></footer>"


def page(content: str, head: str = "") -> str:
    return f"<!doctype html><html><head>{head}</head><body>{MENU}{content}{FOOT}</body></html>"


def found(markup: str) -> Main:
    main = find_main(turbohtml.parse(markup))
    assert main is not None
    return main


def text_of(markup: str) -> str:
    return found(markup).element.to_text()


def prose(count: int) -> str:
    return "".join(f"<p>{number}. {PROSE * 3}</p>" for number in range(count))


DOCS = page(
    "<div class=body>"
    + "".join(
        f"<section id=s{number}><h2>Part {number}</h2><p>{PROSE}</p><pre>call({number})\n  then()</pre></section>"
        for number in range(12)
    )
    + "</div>"
)
PRODUCT = page(
    "<main><h1>Rope, 12 mm</h1><div class=price>19.90 EUR</div><div class=description>"
    f"<p>{PROSE}</p></div><table><tr><th>Length</th><td>30 m</td></tr><tr><th>Colour<td>grey</table></main>"
    "<aside class=recommended><ul><li>Rope, 8 mm<li>Hook<li>Anchor</ul></aside>"
)
FORUM = page(
    "<div id=thread>"
    + "".join(
        f"<div class=post><span class=author>user{number}</span><p>Answer {number}: {PROSE}</p></div>"
        for number in range(8)
    )
    + "</div><div class=newsletter-signup><p>Leave us your address!</p></div>"
)
GREEK = "Το λιμάνι πάγωσε νωρίς εκείνη τη χρονιά, και τα καράβια έμειναν μέσα ως την άνοιξη. "
CHINESE = "那一年港口很早就结冰了，船都留在港内，直到春天来临之前没有人卖鱼。"
THAI = "ท่าเรือกลายเป็นน้ำแข็งเร็วในปีนั้น และเรือทั้งหมดก็อยู่ข้างในจนถึงฤดูใบไม้ผลิ "


@pytest.mark.parametrize(
    ("markup", "kept", "dropped"),
    [
        (
            page(f"<article>{prose(5)}</article><div class=share-it>Tweet</div>"),
            ["0. The", "4. The"],
            ["Tweet"],
        ),
        (DOCS, ["Part 0", "call(0)\n  then()", "call(11)", "Part 11"], []),
        (PRODUCT, ["Rope, 12 mm", "19.90 EUR", "30 m", "grey"], ["Anchor"]),
        (FORUM, ["Answer 0", "Answer 7", "user3"], ["address"]),
        (page(f"<div class=text>{'<p>' + GREEK * 4 + '</p>'}{'<p>' + GREEK * 3 + '</p>'}</div>"), ["λιμάνι"], []),
        (page(f"<div class=text>{'<p>' + CHINESE * 6 + '</p>'}{'<p>' + CHINESE * 4 + '</p>'}</div>"), ["港口"], []),
        (page(f"<div class=text>{'<p>' + THAI * 4 + '</p>'}{'<p>' + THAI * 3 + '</p>'}</div>"), ["ท่าเรือ"], []),
        (page("<p>Closed today.</p>"), ["Closed today."], []),
    ],
    ids=["news", "documentation", "product", "forum", "Greek", "Chinese", "Thai", "one line"],
)
def test_what_people_open_a_page_for_is_kept_and_its_furniture_is_not(
    markup: str, kept: list[str], dropped: list[str]
) -> None:
    text = text_of(markup)
    assert [one for one in kept if one not in text] == []
    assert [one for one in [*dropped, "Shop now", "rights reserved"] if one in text] == []


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>secret</p>", "<div style='display: none'>secret</div>", "<p aria-hidden=true>secret</p>",
        "<div style='color:red;visibility:hidden'>secret</div>", "<noscript>secret</noscript>",
        "<script>secret()</script>", "<style>.secret{}</style>", "<template>secret</template>",
        "<dialog>secret</dialog>", "<button>secret</button>", "<select><option>secret</select>",
    ],
)  # fmt: skip
def test_nothing_is_kept_that_a_reader_does_not_see(hidden: str) -> None:
    assert "secret" not in text_of(page(f"<article>{prose(3)}{hidden}</article>"))


def test_text_of_many_parts_is_taken_whole_where_one_part_is_only_dense() -> None:
    parts = "".join(f"<section><h2>{number}</h2>{prose(1)}</section>" for number in range(8))
    assert set("01234567") < set(text_of(page(f"<div class=lead>{prose(3)}</div>{parts}")).split())
    assert found(page(f"<div class=story>{prose(6)}</div><div>{PROSE}</div>")).part == "dense"


def test_a_page_that_is_all_furniture_by_its_names_is_kept() -> None:
    assert "4. The" in text_of(page(f"<div class='widget related'>{prose(5)}</div>"))
    assert "4. The" in text_of(page(f"<form id=comment-form>{prose(5)}</form>"))


def test_the_tree_stays_as_it_was() -> None:
    document = turbohtml.parse(PRODUCT)
    before = document.html
    find_main(document)
    assert document.html == before


def test_long_names_are_not_kept_in_memory() -> None:
    main_text._is_furniture.cache_clear()
    text_of(page("".join(f'<div class="{"x" * 100_000}{n}">a</div>' for n in range(20))))
    assert main_text._is_furniture.cache_info().currsize == 1


def test_sections_beside_the_densest_one_belong_to_it() -> None:
    one = f"<div class=sect><h2>One</h2><div class=list>{prose(9)}</div></div>"
    text = text_of(page(f"<div id=chapter><h1>Ice</h1>{one}<div class=sect><h2>Two</h2>{prose(1)}</div></div>"))
    assert {"One", "Two"} <= set(text.split())
    assert "Home" not in text


def test_rows_of_links_between_the_pages_of_a_manual_are_left_out() -> None:
    links = "<a href=/1>Previous</a> <a href=/2>Up</a> <a href=/3>Next</a>"
    for row in (
        f"<div class=navheader>{links}</div>",
        f"<table class=header><tr><td>[{links}]</table>",
        f"<ul><li>{links}</ul>",
    ):
        text = text_of(page(f"{row}<h1>Ice</h1><p>{PROSE}</p><ul><li>{links}</ul>"))
        assert text.split().count("Ice") == text.count("Previous") == 1


def test_signs_that_link_to_headings_are_no_text() -> None:
    assert "¶" not in text_of(page(f"<main><h1>Ice<a class=headerlink href=#ice>¶</a></h1>{prose(3)}</main>"))


def test_footnotes_are_kept_and_other_asides_are_not() -> None:
    aside = "<aside class=footnote>[1] Salt.</aside><aside>Buy rope</aside>"
    text = text_of(page(f"<main>{prose(3)}{aside}</main>"))
    assert "Salt" in text
    assert "Buy rope" not in text


def test_a_lead_outside_of_the_article_comes_first() -> None:
    lead = f"<div class=article-lead><b>{PROSE[:100]}Lead.</b></div>"
    text = text_of(page(f"<div><h1>Ice</h1>{lead}<div><div itemprop=articleBody>{prose(3)}</div></div></div>"))
    assert text.index("Lead.") < text.index("0. The harbour")
    assert "Shop now" not in text


def test_a_main_element_that_holds_next_to_nothing_is_not_the_main_part() -> None:
    assert "Answer 7" in text_of(page(f"<main>Log in to answer.</main>{FORUM.partition('</nav>')[2]}"))
