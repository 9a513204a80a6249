"""Tables: the column is found by what its cells are, whatever it is called and whatever separates it."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.errors import SeedError
from crawler.seeds.cells import SEVERAL

from .got import got

A, B = "https://a.example/", "https://b.example/x"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ", ", " | ", "; "])
@pytest.mark.parametrize("name", ["urls.txt", "urls.csv", "urls.tsv", "urls", "urls.csv.old"])
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[A, "NLD", "City"], [B, "DEU", "Town"]], "column 1"),
        ([[A, "Title"], [B, "Other title"]], "column 1"),
        ([["NLD", A, "City"], ["DEU", B, "Town"]], "column 2"),
        ([["name", "url"], ["one", A], ["two", B]], "column 2 'url'"),
        ([["1", A], ["2", B]], "column 2"),
        ([["rank", "Home page", "x"], ["1", A, ""], ["2", B, ""]], "column 2 'Home page'"),
    ],
    ids=["first", "title", "second", "header", "rank", "page"],
)
def test_a_column_of_urls_is_found(tmp_path: Path, name: str, delimiter: str, rows: list[list[str]], told: str) -> None:
    lines = "".join(f"{delimiter.join(row)}\n" for row in rows)
    read = got(tmp_path, lines, name)
    assert (read.urls, read.bad) == ([A, B], [])
    assert read.told == [f"{name}: {told}, 2 URLs"]


@pytest.mark.parametrize(
    "header",
    ["Website URL", "page_url", "Homepage", "Link", "LINKS", "pageUrl", "Web site", "URI", "site", "loc", "Permalink"],
)
def test_a_header_in_any_case_is_a_hint_among_columns_of_urls(tmp_path: Path, header: str) -> None:
    for other in ("image_url", "Logo", "thumbnail link", "Twitter", "source"):
        for names in ((header, other), (other, header)):
            row = {header: A, other: "https://img.example/1.png"}
            lines = f"id,{','.join(names)}\n1,{row[names[0]]},{row[names[1]]}\n"
            assert got(tmp_path, lines).urls == [A], names


@pytest.mark.parametrize(
    "lines",
    [
        "name,homepage\nbooking.com,https://a.example/\ncars.com,https://b.example/x\n",
        "name,homepage\nbooking.com,a.example\ncars.com,b.example/x\n",
        "homepage,name\na.example,booking.com\nb.example/x,cars.com\n",
        "booking.com,https://a.example/\ncars.com,https://b.example/x\n",
        "https://a.example/,booking.com\nhttps://b.example/x,cars.com\n",
    ],
)
def test_names_that_look_like_hosts_are_not_asked(tmp_path: Path, lines: str) -> None:
    read = got(tmp_path, lines)
    assert set(read.urls) <= {A, B}
    assert read.urls or {why for _, why in read.bad} == {f"{SEVERAL}; choose one with --column"}
    assert got(tmp_path, lines, column="2" if lines.startswith(("n", "book")) else "1").urls == [A, B]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("1,google.com\n2,facebook.com\n", "column 2"),
        ("google.com,1\nfacebook.com,2\n", "column 1"),
        ("1\tgoogle.com\n2\tfacebook.com\n", "column 2"),
        ("1 google.com\n2 facebook.com\n", "column 2"),
        ("GlobalRank,TldRank,Domain,TLD,IDN_Domain\n1,1,google.com,com,x.com\n2,2,facebook.com,com,y.com\n",
         "column 3 'Domain'"),
        ('"1","google.com","9.9"\n"2","facebook.com","9.8"\n', "column 2"),
        ("google.com,142.250.1.1\nfacebook.com,2a03:2880::1\n", "column 1"),
    ],
)  # fmt: skip
def test_a_list_of_ranks_is_read(tmp_path: Path, lines: str, told: str) -> None:
    for name in ("top-1m.csv", "top"):
        read = got(tmp_path, lines, name)
        assert (read.urls, read.bad) == (["https://google.com/", "https://facebook.com/"], [])
        assert read.told == [f"{name}: {told}, 2 URLs"]


@pytest.mark.parametrize(
    "content",
    [
        f"sep=;\nname;url\none;{A}\ntwo;{B}\n",
        f"\ufeffsep=;\r\nname;url\r\none;{A}\r\ntwo;{B}\r\n",
        f'"sep=,"\nname,url\none,{A}\ntwo,{B}\n',
        f"sep=|\none|{A}\ntwo|{B}\n",
        f'name,url\none,"=HYPERLINK(""{A}"",""A"")"\ntwo,"=HYPERLINK(""{B}"";""B"")"\n',
        f'name;url\none;=HYPERLINK("{A}";"A")\ntwo;=HYPERLINK("{B}";"B")\n',
        f'=HYPERLINK("{A}","A")\n=HYPERLINK("{B}","B")\n',
        f'name;url\none;"=""{A}"""\ntwo;="{B}"\n',
        f'name,url\none,"{A}"\ntwo,"{B}"\n',
        f"\ufeffname;url\r\none;{A}\r\ntwo;{B}\r\n",
        f"name;url;\none;{A};\ntwo;{B};\n;;\n;;\n",
        f"name\turl\rone\t{A}\rtwo\t{B}\r",
        f"Our partners, 2024\n\nname,url\none,{A}\ntwo,{B}\n"[20:],
        f"| name | url |\n|:-----|-----|\n| one | <{A}> |\n| two | [B]({B}) |\n",
        f"# mine\n\nname,url\n# none\none,{A}  # home\ntwo,{B}\n",
    ],
)
def test_what_spreadsheets_and_people_make_of_a_table_is_read(tmp_path: Path, content: str) -> None:
    for data in (content.encode(), content.encode("utf-16"), content.encode("utf-16-le"), content.encode("utf-16-be")):
        for name in ("table.csv", "table.txt"):
            read = got(tmp_path, data, name)
            assert (read.urls, read.bad) == ([A, B], [])


def test_a_column_may_be_named_or_counted(tmp_path: Path) -> None:
    lines = f"name,Old URL,url\none,{A},{B}\n"
    assert got(tmp_path, lines).told == ["urls.txt: column 3 'url', 1 URL"]
    for column in ("old url", "2", "Old URL"):
        read = got(tmp_path, lines, column=column)
        assert (read.urls, read.told) == ([A], ["urls.txt: column 2 'Old URL', 1 URL"])
    for column in ("4", "x"):
        with pytest.raises(SeedError, match=rf"urls\.txt: no column '{column}'; its first line is 'name,Old URL,url'"):
            got(tmp_path, lines, column=column)
    assert got(tmp_path, "https://a.example/x,NLD,City\n", column="0").urls == ["https://a.example/x,NLD,City"]
    assert got(tmp_path, "https://a.example/x,NLD,City\n", column="1").urls == ["https://a.example/x"]


def test_rows_without_a_url_are_counted_and_bad_ones_told(tmp_path: Path) -> None:
    read = got(tmp_path, f"Our partners 2024\n\nName;Web site\none;{A}\ntwo;\nthree;none\nfour\n{B}\n", "p.csv")
    assert read.urls == [A, B]
    assert read.bad == [(1, "above the header of the table"), (6, "neither a URL nor a host name")]
    assert read.told == ["p.csv: column 2 'Web site', 2 URLs, 2 rows without one, 2 unusable lines"]


def test_a_quote_that_is_never_closed_does_not_swallow_urls_in_silence(tmp_path: Path) -> None:
    read = got(tmp_path, f'url,title\n{A},"open\nhttps://b.example/1,x\nhttps://b.example/2,y\n')
    assert read.bad == [(2, "a quote that is not closed swallows URLs, down to line 4")]
    long = "".join(f"https://b.example/{n},x\n" for n in range(10_000))
    read = got(tmp_path, f'url,title\n{A},"open\n{long}')
    assert "swallows" in read.bad[0][1]
    assert got(tmp_path, f'url,title\n{A},"one\nand a half"\n{B},y\n').bad == []


def test_in_a_row_of_a_table_with_a_header_other_urls_may_stand(tmp_path: Path) -> None:
    read = got(tmp_path, f"url,image\n{A},https://i.example/\n{A} {B},\n")
    assert (read.urls, read.bad) == ([A], [(3, SEVERAL)])


def test_the_first_lines_decide_however_long_the_list_is(tmp_path: Path) -> None:
    lines = "".join(f"https://{n}.example/x,NLD,City\n" for n in range(3000))
    read = got(tmp_path, lines)
    assert (len(read.urls), read.urls[-1]) == (3000, "https://2999.example/x")
    assert read.told == ["urls.txt: column 1, 3,000 URLs"]
