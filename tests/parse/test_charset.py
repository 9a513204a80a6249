"""Which characters the bytes stand for: labels, marks, headers, declarations, and what is left."""

from __future__ import annotations

import codecs
from itertools import product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crawler import urls
from crawler.parse import Document, charset, html, parse
from tests.defaults import make_job, make_scope

LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
    "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
    "iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
    "iso_8859-8 iso_8859-8:1988 visual",
    "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "
    "windows-1254 x-cp1254",
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "gb18030": "gb18030",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949",
    "replacement": "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    "x-user-defined": "x-user-defined",
}
"""The names and labels of the Encoding standard's table."""
ALL = [(label, name) for name, labels in LABELS.items() for label in labels.split()]
URL = urls.parse("http://h/page")


def read_charset(body: bytes, header: str = "", *, is_xml: bool = False) -> str:
    return html.read(body, header, URL.text, make_job(b"k", b"r", make_scope()), is_xml=is_xml).charset


def test_the_table_of_labels_is_whole() -> None:
    assert (len(LABELS), len(ALL), len(dict(ALL))) == (40, 228, 228)


@pytest.mark.parametrize(("label", "name"), ALL)
def test_each_label_stands_for_its_encoding_in_a_header_in_a_page_and_in_xml(label: str, name: str) -> None:
    assert charset.find_encoding(label) == charset.find_encoding(f"\t {label.upper()}\r\n") == name
    assert read_charset(b"<p>\xe9", label) == name
    in_page = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(name, name)
    assert read_charset(f"<meta charset='{label}'>".encode() + b"\xe9") == in_page
    in_xml = "utf-8" if name.startswith("utf-16") else name
    assert charset.of_xml(f"<?xml version='1.0' encoding='{label}'?>".encode(), "") == in_xml


@pytest.mark.parametrize(
    "label",
    [
        "", " ", "utf-7", "utf7", "utf-32", "ucs-4", "utf_8", "utf 8", "utf-8-sig", "latin-1", "iso 8859-1", "cp437",
        "ebcdic", "cp949", "cp932", "hex", "base64", "rot13", "idna", "unicode_escape", "utf-8;", "'utf-8'", "ſjis",
        "utf\N{HYPHEN}8", "undefined", "none", "x-mac-greek", "bocu-1", "scsu", "cesu-8", "\0utf-8", "\xa0utf-8",
    ],
)  # fmt: skip
def test_no_other_label_stands_for_anything(label: str) -> None:
    assert charset.find_encoding(label) == ""


MARKS = {"": "", "utf-8": codecs.BOM_UTF8, "utf-16le": codecs.BOM_UTF16_LE, "utf-16be": codecs.BOM_UTF16_BE}
HEADERS = {"": "", "koi8-r": "koi8-r", "UTF-8": "utf-8", "latin1": "windows-1252", "utf-16": "utf-16le", "nonsense": ""}
METAS = {
    "": "",
    "<meta charset=big5>": "big5",
    "<meta charset=utf-8>": "utf-8",
    "<meta charset=utf-16>": "utf-8",
    "<meta charset=x-user-defined>": "windows-1252",
    "<meta charset=nonsense>": "",
    "<meta charset=nonsense><meta charset=shift_jis>": "shift_jis",
    "<meta http-equiv=Content-Type content='text/html; charset=euc-kr'>": "euc-kr",
    "<meta content='text/html; charset=euc-kr'>": "",
}
BODIES = {"": "windows-1252", "\xe4": "windows-1252", "ä€": "utf-8"}
"""ASCII alone, ISO 8859-1, UTF-8: what they look like where nobody says."""


@pytest.mark.parametrize(("mark", "header", "meta", "text"), [*product(MARKS, HEADERS, METAS, BODIES)])
def test_the_mark_comes_before_the_header_and_the_header_before_the_page(
    mark: str, header: str, meta: str, text: str
) -> None:
    if mark.startswith("utf-16"):
        body = MARKS[mark] + f"{meta}<p>{text}".encode(mark)  # type: ignore[operator]
    else:
        body = (MARKS[mark] or b"") + f"{meta}<p>".encode() + text.encode("utf-8" if text == "ä€" else "latin-1")  # type: ignore[operator]
    assert read_charset(body, header) == (mark or HEADERS[header] or METAS[meta] or BODIES[text])


@pytest.mark.parametrize(
    ("start", "found"),
    [
        ("<!-- <meta charset=koi8-r> -->", False),
        ("<!--><meta charset=koi8-r>", True),
        ("<!-- --><meta charset=koi8-r>", True),
        ("<!-- <meta charset=koi8-r>", False),
        ("<script>'<meta charset=koi8-r>'</script>", True),
        ("<title><meta charset=koi8-r></title>", True),
        ("<p title='<meta charset=koi8-r>'>", False),
        ("</p title='<meta charset=koi8-r>'>", False),
        ("<?php <meta charset=koi8-r>", False),
        ("<!doctype <meta charset=koi8-r>", False),
        ("<meta/charset=koi8-r>", True),
        ("<META CHARSET=KOI8-R>", True),
        ("<meta\ncharset\t=\r'koi8-r'>", True),
        ("<meta charset=' koi8-r '>", True),
        ("<metacharset=koi8-r>", False),
        ("<meta charset=koi8-r", False),
        ("<meta charset='koi8-r>", False),
        ("<meta charset=koi8-r charset=big5>", True),
        ("<meta name=x charset=koi8-r>", True),
        ("<meta http-equiv=content-type content='charset=koi8-r'>", True),
        ("<meta content='charset=koi8-r' http-equiv=Content-Type>", True),
        ("<meta http-equiv=content-type content='charset = \"koi8-r\"'>", True),
        ("<meta http-equiv=content-type content='charset=koi8-r;x'>", True),
        ("<meta http-equiv=content-type content='charset=koi8-r x'>", True),
        ("<meta http-equiv=content-type content='charsets charset=koi8-r'>", True),
        ("<meta http-equiv=content-type content='charset=\"koi8-r'>", False),
        ("<meta http-equiv=content-type content='charset'>", False),
        ("<meta http-equiv=content-language content='charset=koi8-r'>", False),
        (" " * 900 + "<meta charset=koi8-r>", True),
        (" " * 2000 + "<meta charset=koi8-r>", True),  # past the 1024 bytes, but the tree builder changes its mind
        ("<!--" + " " * 2000 + "--><p title='<meta charset=koi8-r>'>", False),
    ],
)
def test_a_page_names_its_encoding_where_the_prescan_finds_it(start: str, found: bool) -> None:
    assert read_charset(start.encode() + b"\xc1") == ("koi8-r" if found else "windows-1252")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"<?xml version='1.0' encoding='koi8-r'?><p>\xc1", "koi8-r"),
        (b'<?xml version="1.0" encoding="koi8-r"?><p>\xc1', "koi8-r"),
        (b"<?xml version='1.0' encoding='koi8-r'?><meta charset=big5>", "big5"),
        (b"<?xml version='1.0' encoding='utf-16'?><p>\xc1", "utf-8"),
        (b"<?xml version='1.0' encoding='nonsense'?><p>\xc1", "windows-1252"),
        (b"<?xml version='1.0'?><p>\xc1", "windows-1252"),
        (b" <?xml version='1.0' encoding='koi8-r'?><p>\xc1", "windows-1252"),
        ("<?xml version='1.0'?><p>ä".encode("utf-16-le"), "utf-16le"),
        ("<?xml version='1.0'?><p>ä".encode("utf-16-be"), "utf-16be"),
    ],
)
def test_an_xml_declaration_counts_in_html_where_no_meta_does(body: bytes, name: str) -> None:
    assert read_charset(body) == name
    assert read_charset(body, "utf-8") == "utf-8"


@pytest.mark.parametrize(
    ("body", "header", "name"),
    [
        (b"<a/>", "", "utf-8"),
        (b"<a/>", "koi8-r", "koi8-r"),
        (b"<?xml version='1.0' encoding='koi8-r'?><a/>", "", "koi8-r"),
        (b"<?xml version='1.0' encoding='koi8-r'?><a/>", "big5", "big5"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='koi8-r'?><a/>", "big5", "utf-8"),
        (b"\xff\xfe<\0a\0/\0>\0", "big5", "utf-16le"),
        (b"<\0?\0x\0m\0l\0", "", "utf-16le"),
        (b"\0<\0?\0x\0m\0l", "", "utf-16be"),
        (b"<?xml encoding='utf-16'?><a/>", "", "utf-8"),
        (b"<?xml encoding=''?><a/>", "", "utf-8"),
        (b"<html><meta charset='koi8-r'/></html>", "", "utf-8"),
        (b"<!-- <?xml encoding='koi8-r'?> --><a/>", "", "utf-8"),
        (b"<?xml-stylesheet encoding='koi8-r'?><a/>", "", "utf-8"),
    ],
)
def test_xml_is_utf_8_unless_someone_says_otherwise(body: bytes, header: str, name: str) -> None:
    assert charset.of_xml(body, header) == name
    assert read_charset(body, header, is_xml=True) == name


@pytest.mark.parametrize(
    ("content_type", "label"),
    [
        ("text/html;charset=gbk", "gbk"),
        ("TEXT/HTML;CHARSET=GBK", "GBK"),
        ("text/html; charset=gbk", "gbk"),
        ("text/html;\t charset=gbk ", "gbk"),
        ("text/html;charset=gbk;charset=utf-8", "gbk"),
        ("text/html;charset=;charset=gbk", "gbk"),
        ('text/html;charset="gbk"', "gbk"),
        ('text/html;charset="g\\bk"', "gbk"),
        ('text/html;charset="gbk', "gbk"),
        ('text/html;charset="gbk"x;y=z', "gbk"),
        ('text/html;charset="a;charset=b"', "a;charset=b"),
        ('text/html;x=";charset=big5";charset=gbk', "gbk"),
        ("text/html;x;charset=gbk", "gbk"),
        ("text/html;;;;charset=gbk", "gbk"),
        ("text/html;xcharset=big5;charset=gbk", "gbk"),
        ("text/html;charset =gbk", ""),
        ("text/html;charset= gbk", " gbk"),
        ("text/html;charset='gbk'", "'gbk'"),
        ("text/html;charset\n=gbk", ""),
        ("text/html charset=gbk", ""),
        ("charset=gbk", ""),
        ("text/html;charset", ""),
        ("text/html;", ""),
        ("text/html", ""),
        ("", ""),
    ],
)
def test_a_header_names_a_charset_as_mime_sniffing_has_it(content_type: str, label: str) -> None:
    assert charset.label(content_type) == label


@pytest.mark.parametrize("piece", [";", ";charset", ';x="', "\\", '"', ";=", "; ", ";a=b"])
def test_a_header_made_to_confuse_is_read_once(piece: str) -> None:
    assert charset.label("text/html" + piece * 100_000) == ""


@given(st.text(), st.binary(max_size=2000), st.booleans())
def test_any_bytes_under_any_header_have_one_encoding(content_type: str, body: bytes, is_xml: bool) -> None:
    name = read_charset(body, charset.label(content_type), is_xml=is_xml)
    assert name in LABELS
    assert isinstance(charset.decode(body, name), str)


@example([b"\xef\xbb\xbf", b"\xef\xbb\xbf"], "ibm866")
@example([b"\xef\xbb", b"\xbf\xef\xbb\xbf"], "utf-8")
@given(st.lists(st.binary(max_size=6)), st.sampled_from([*LABELS, ""]))
def test_a_body_in_pieces_is_the_body(pieces: list[bytes], name: str) -> None:
    assume(name != "utf-8" or charset.of_xml(b"".join(pieces), name) == name)  # else a mark names another
    assert "".join(charset.decode_in_pieces(pieces, name)) == charset.decode(b"".join(pieces), name)


@pytest.mark.parametrize(
    ("body", "header", "name"),
    [
        ("größe".encode(), "", "utf-8"),
        ("größe".encode("latin-1"), "", "windows-1252"),
        ("größe".encode("latin-1"), "nonsense", "windows-1252"),
        (b"<meta charset=koi8-r>", "", "utf-8"),
        (codecs.BOM_UTF16_BE + "ä".encode("utf-16-be"), "koi8-r", "utf-16be"),
        (b"\xc1", "koi8-r", "koi8-r"),
    ],
)
def test_plain_text_does_not_speak_for_itself(body: bytes, header: str, name: str) -> None:
    page = parse(Document(URL, body, f"text/plain;charset={header}"), make_job(b"k", b"charset", make_scope()))
    assert page.charset == charset.of_text(body, header) == name


GUESSED = {
    "windows-1251": "Мы видели гавань утром, когда корабли ещё стояли у причала и никто не торопился домой. ",
    "koi8-r": "Мы видели гавань утром, когда корабли стояли у причала и никто не торопился домой. ",
    "ibm866": "Мы видели гавань утром, когда корабли стояли у причала и никто не торопился домой. ",
    "windows-1253": "Είδαμε το λιμάνι το πρωί, όταν τα πλοία ήταν ακόμη δεμένα στην προβλήτα. ",
    "windows-1255": "ראינו את הנמל בבוקר כאשר האוניות עדיין עמדו ליד הרציף ואיש לא מיהר הביתה. ",
    "windows-1256": "رأينا الميناء في الصباح عندما كانت السفن لا تزال راسية عند الرصيف. ",
    "windows-874": "เราเห็นท่าเรือในตอนเช้าเมื่อเรือยังจอดอยู่ที่ท่าและไม่มีใครรีบกลับบ้าน ",
    "windows-1250": "Příliš žluťoučký kůň úpěl ďábelské ódy, když jsme ráno viděli přístav a lodě. ",
    "shift_jis": "私たちは朝、港を見ました。船はまだ桟橋にあり、誰も家に急いでいませんでした。",
    "euc-jp": "私たちは朝、港を見ました。船はまだ桟橋にあり、誰も家に急いでいませんでした。",
    "euc-kr": "우리는 아침에 항구를 보았다. 배들은 아직 부두에 있었고 아무도 서두르지 않았다. ",
    "gbk": "早上我们看到了港口，船只还停在码头，没有人急着回家。",
    "big5": "早上我們看到了港口，船隻還停在碼頭，沒有人急著回家。",
    "windows-1252": "Où était le château ? L’été, nous voyions la forêt, les élèves et leur maître à Nîmes. ",
}  # fmt: skip
"""Sentences in encodings that pages of old sites are in without saying so."""


@pytest.mark.parametrize("name", GUESSED)
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/xml", "application/xhtml+xml"])
def test_an_encoding_that_nobody_declares_is_guessed_from_the_letters(name: str, content_type: str) -> None:
    text = GUESSED[name] * 3
    codec = {"windows-874": "cp874", "shift_jis": "cp932"}.get(name, name)
    document = f"<rss><channel><title>{text}</title><item><link>/x</link></item></channel></rss>"
    if "html" in content_type:
        document = f"<html><head><title>{text}</title></head><body><p>{text}</p></body></html>"
    page = parse(Document(URL, document.encode(codec), content_type), make_job(b"k", b"guess", make_scope()))
    assert page.charset in {name, {"koi8-r": "koi8-u"}.get(name, name)}
    assert page.title == " ".join(text.split())
    assert charset.of_text(text.encode(codec), "") == page.charset


@pytest.mark.parametrize("declared", ["windows-1252", "latin1", "us-ascii"])
def test_what_is_declared_is_never_guessed(declared: str) -> None:
    body = (GUESSED["windows-1251"] * 3).encode("windows-1251")
    assert read_charset(f"<meta charset={declared}>".encode() + body) == "windows-1252"
    assert read_charset(body, declared) == "windows-1252"
    assert charset.of_text(body, declared) == "windows-1252"
    assert charset.of_xml(f"<?xml version='1.0' encoding='{declared}'?>".encode() + body, "") == "windows-1252"


@pytest.mark.parametrize(
    "text",
    ["größe", "é", "naïve café", "© 2003 Dupont & Fils", "“quoted”", "1 €", "¿Qué?", "año", "Ærø", "Århus", "\xa0"],
)
def test_few_letters_are_no_evidence_against_windows_1252(text: str) -> None:
    body = text.encode("windows-1252")
    assert charset.guess(body) == "windows-1252"
    assert charset.guess(b"<p>" * 100_000 + body) == "windows-1252"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (("größe und fülle, " * 8).encode() + b"\xe4 " + ("größe " * 8).encode(), "utf-8"),  # one fault
        (("größe " * 50).encode()[:-3], "utf-8"),  # cut within a character
        (("größe " * 20_000).encode() + b"\xe4", "utf-8"),  # a fault past the sample
        (("größe " * 3).encode("latin-1") + "größe ".encode(), "windows-1252"),
    ],
)
def test_utf_8_with_a_fault_in_it_stays_utf_8(body: bytes, name: str) -> None:
    assert charset.guess(body) == charset.of_text(body, "") == read_charset(b"<p>" + body) == name


def test_a_guess_looks_where_the_letters_are_and_at_no_markup() -> None:
    text = (GUESSED["koi8-r"] * 3).encode("koi8-r")
    assert charset.guess(b"<script>x</script>\n" * 10_000 + text) == "koi8-u"
    assert charset.guess(text + b"<script>x</script>\n" * 10_000) == "koi8-u"
    assert charset.guess(b"<meta charset=big5>" + text) == "koi8-u"
    assert charset.guess((GUESSED["shift_jis"] * 2000).encode("cp932")) == "shift_jis"  # cut at no half character
