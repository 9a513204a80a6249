"""Offers pages in many charsets. Their titles are readable only if the charset was found correctly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from crawler.testing.pages import Declared, Page, html


@dataclass(frozen=True, slots=True)
class Sample:
    """A title and a paragraph for a charset (a WHATWG label), and the way in which the page declares it."""

    name: str
    charset: str
    declared: Declared
    lang: str
    title: str
    text: str


SAMPLES = (
    Sample(
        "utf-8-header",
        "utf-8",
        "header",
        "is",
        "Þórshöfn – höfnin í þoku ☂",
        "Skipið kom að landi í þéttri þoku; enginn sá vitann.",
    ),
    Sample(
        "utf-8-meta",
        "utf-8",
        "meta",
        "el",
        "Το λιμάνι τη νύχτα",
        "Ο φάρος ανάβει πριν από το σκοτάδι και σβήνει με την αυγή.",
    ),
    Sample(
        "utf-8-bom",
        "utf-8",
        "bom",
        "vi",
        "Bến cảng buổi sáng",
        "Những con thuyền nhỏ trở về trước khi mặt trời lên cao.",
    ),
    Sample(
        "utf-16le-bom", "utf-16le", "bom", "ar", "ميناء الصباح", "تعود القوارب الصغيرة قبل أن ترتفع الشمس فوق الرصيف."
    ),
    Sample(
        "windows-1252-header",
        "windows-1252",
        "header",
        "fr",
        "L’été au port : 20 € le café",
        "Les pêcheurs rentrent à l’aube, fatigués et contents.",
    ),
    Sample(
        "iso-8859-1-meta",
        "iso-8859-1",
        "meta",
        "de",
        "Der große Hafen über der Brücke",
        "Die Möwen fliegen früh, die Fähre fährt spät.",
    ),
    Sample(
        "iso-8859-2-header",
        "iso-8859-2",
        "header",
        "pl",
        "Zażółć gęślą jaźń w porcie",
        "Łodzie stoją przy nabrzeżu, a żagle schną na słońcu.",
    ),
    Sample(
        "shift_jis-meta", "shift_jis", "meta", "ja", "港の朝市と灯台", "漁船は夜明け前に港へ戻り、魚市場はすぐに開く。"
    ),
    Sample(
        "euc-jp-header",
        "euc-jp",
        "header",
        "ja",
        "瀬戸内の島々と渡し船",
        "渡し船は一日に三度、島と本土の間を往復する。",
    ),
    Sample("gb18030-meta", "gb18030", "meta", "zh", "海港的早晨与灯塔", "渔船在黎明前回港，码头上的市场随即开张。"),
    Sample("big5-header", "big5", "header", "zh-Hant", "港口的清晨與燈塔", "漁船在黎明前回港，碼頭上的市場隨即開張。"),
    Sample("euc-kr-meta", "euc-kr", "meta", "ko", "항구의 아침 시장", "어선은 새벽이 오기 전에 항구로 돌아온다."),
    Sample(
        "windows-1251-header",
        "windows-1251",
        "header",
        "ru",
        "Утро в старом порту",
        "Лодки возвращаются до рассвета, и рынок открывается сразу.",
    ),
    Sample(
        "koi8-r-meta",
        "koi8-r",
        "meta",
        "ru",
        "Маяк над тихой гаванью",
        "Смотритель маяка записывает каждое судно в толстую книгу.",
    ),
)
"""Pages in many charsets, each with the text that a reader should find."""


def charset_page(sample: Sample, links: Iterable[str] = ()) -> Page:
    """Returns the page of a sample, with the sample's title."""
    return html(
        sample.title,
        links,
        text=[sample.text] * 3,
        lang=sample.lang,
        charset=sample.charset,
        declared=sample.declared,
        size_bytes=0,
    )


def charset_pages(prefix: str = "/", links: Iterable[str] = ()) -> dict[str, Page]:
    """Returns a page for every sample, under `<prefix><name>`."""
    return {f"{prefix}{sample.name}": charset_page(sample, links) for sample in SAMPLES}
