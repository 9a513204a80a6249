"""Spreadsheets: sheets are tables, and none of them may take the machine's memory."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from crawler.errors import SeedError
from crawler.seeds import sheets

from .got import got

A, B = "https://a.example/", "https://b.example/x"
ROWS = [["Our partners", "", ""], ["Rank", "Name", "Web site"], ["1", "One", A], ["2", "Two, x.com", ""], ["3", "", B]]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OPEN = "urn:oasis:names:tc:opendocument:xmlns"


def xlsx(*sheet_rows: Sequence[Sequence[str]], extra: str = "") -> bytes:
    """A workbook as small as they get."""
    numbers = range(1, len(sheet_rows) + 1)
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        + "".join(f'<sheet name="Sheet {n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="r{n}" Type="{RELATIONS}/worksheet" Target="worksheets/{n}.xml"/>' for n in numbers
        )
        + "</Relationships>",
    }
    for number, rows in zip(numbers, sheet_rows, strict=True):
        cells = "".join(f'<row r="{at}">{_cells(row, at)}</row>' for at, row in enumerate(rows, 1))
        members[f"xl/worksheets/{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{cells}{extra}</sheetData></worksheet>'
        )
    return _packed(members)


def _cells(row: Sequence[str], at: int) -> str:
    return "".join(
        f'<c r="{chr(65 + place)}{at}"><v>{cell}</v></c>'
        if cell.isdigit()
        else f'<c r="{chr(65 + place)}{at}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        for place, cell in enumerate(row)
        if cell
    )


def ods(rows: Sequence[Sequence[str]], extra: str = "") -> bytes:
    """The same of the other kind."""
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    body = "".join(
        f"<table:table-row>{''.join(text.format(escape(cell)) if cell else '<table:table-cell/>' for cell in row)}"
        "</table:table-row>"
        for row in rows
    )
    names = " ".join(f'xmlns:{name}="{OPEN}:{name}:1.0"' for name in ("office", "table", "text"))
    return _packed({
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{OPEN}:manifest:1.0"/>',
        "content.xml": f"<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Sheet 1">{body}{extra}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>",
    })  # fmt: skip


def _packed(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("data", [xlsx(ROWS), ods(ROWS)], ids=["xlsx", "ods"])
def test_a_sheet_is_a_table(tmp_path: Path, data: bytes) -> None:
    for name in ("partners.xlsx", "partners"):
        read = got(tmp_path, data, name)
        assert (read.urls, read.bad) == ([A, B], [(1, "above the header of the table")])
        assert read.told == [
            f"{name}: sheet 'Sheet 1', column 3 'Web site', 2 URLs, 1 row without one, 1 unusable line"
        ]
    assert got(tmp_path, data, column="web SITE").urls == [A, B]
    assert got(tmp_path, data, column="3").urls == [A, B]
    with pytest.raises(SeedError, match=r"urls\.txt: no sheet has a column 'x'"):
        got(tmp_path, data, column="x")


def test_all_sheets_with_urls_are_read(tmp_path: Path) -> None:
    read = got(tmp_path, xlsx([["nothing"], ["here"]], [[A]], [["url", "x"], [B, "1"]]), "x.xlsx")
    assert read.urls == [A, B]
    assert read.told == ["x.xlsx: sheet 'Sheet 2', column 1; sheet 'Sheet 3', column 1 'url', 2 URLs"]
    with pytest.raises(SeedError, match=r"x\.xlsx: no sheet has a column of URLs"):
        got(tmp_path, xlsx([["nothing"]]), "x.xlsx")


@pytest.mark.parametrize(
    "data",
    [
        xlsx([[A]], extra='<row r="1000000"><c r="AAA1000000" t="inlineStr"><is><t>x</t></is></c></row>'),
        xlsx([[A]], extra='<row r="999999999"><c r="A9999999"><v>1</v></c><c r="ZZZ2"><v>1</v></c></row>'),
        ods(
            [[A]],
            extra='<table:table-row table:number-rows-repeated="900000"><table:table-cell office:value-type="string" '
            'table:number-columns-repeated="1000"><text:p>x</text:p></table:table-cell></table:table-row>',
        ),
    ],
    ids=["far", "beyond", "repeated"],
)
def test_a_sheet_that_would_take_all_memory_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SeedError, match="a spreadsheet of more than 16,777,216 cells; save it as CSV"):
        got(tmp_path, data, "x.xlsx")


def test_a_sheet_that_grows_as_it_is_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_BYTES", 1 << 20)
    with pytest.raises(SeedError, match="a spreadsheet of more than 1 MiB; save it as CSV"):
        got(tmp_path, xlsx([[A]], extra=" " * (2 << 20)), "x.xlsx")


def test_rows_that_are_empty_to_the_end_of_a_sheet_do_no_harm(tmp_path: Path) -> None:
    cells = '<table:table-cell table:number-columns-repeated="16384"/>'
    empty = f'<table:table-row table:number-rows-repeated="1048575">{cells}</table:table-row>'
    assert got(tmp_path, ods(ROWS, extra=empty), "x.ods").urls == [A, B]


def test_entities_in_a_sheet_are_refused(tmp_path: Path) -> None:
    data = _packed({"xl/workbook.xml": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><workbook>&b;</workbook>'})
    with pytest.raises(SeedError, match="entities"):
        got(tmp_path, data, "x.xlsx")


@pytest.mark.parametrize("data", [_packed({"xl/workbook.xml": "<x/>"}), xlsx([[A]])[:-30]], ids=["empty", "cut"])
def test_a_damaged_sheet_is_told(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SeedError, match=r"x\.xlsx: (a spreadsheet that cannot be read|damaged zip file)"):
        got(tmp_path, data, "x.xlsx")


def test_without_the_extra_it_is_told_how_to_have_it(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(xlsx(ROWS))
    program = (
        "import sys; sys.modules['python_calamine'] = None\nfrom crawler.seeds import check\ncheck([sys.argv[1]])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x.xlsx")], capture_output=True, text=True, check=False
    )
    assert "reading a spreadsheet needs `pip install 'crawld[tables]'`" in ran.stderr
