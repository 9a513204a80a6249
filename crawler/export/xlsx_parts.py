"""The parts of a workbook beside its rows (ECMA-376, part 1: SpreadsheetML)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..conditions import Kind

BOLD, QUOTED = ' s="1"', ' s="2"'
"""Styles of cells: of names of columns, and of texts that stay texts where they look like formulas."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_FORMATS = "http://schemas.openxmlformats.org"
_MAIN = f"{_FORMATS}/spreadsheetml/2006/main"
_RELATIONS = f"{_FORMATS}/officeDocument/2006/relationships"
_PACKAGE = f"{_FORMATS}/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_WIDTHS: Mapping[Kind, int] = {"number": 10, "time": 24, "truth": 8}
"""Widths of columns, in characters."""
_WIDTH, _FIRST_WIDTH = 28, 60

FIRST_PARTS: Mapping[str, str] = {
    # Parts are sheets unless it says otherwise: how many there will be is not known at the start.
    "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/>'
    '</font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill '
    'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border>'
    '<left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" '
    'fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" '
    'borderId="0" xfId="0"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf '
    'numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
"""The parts that come first, by their names."""


def sheet_part(number: int) -> str:
    """Returns the name of the part of a sheet, counted from 1."""
    return f"xl/worksheets/sheet{number}.xml"


def make_sheet_head(kinds: Sequence[Kind]) -> str:
    """Returns the beginning of a sheet: its first row stays in view, its columns have widths for such values."""
    widths = [_WIDTHS.get(kind, _WIDTH) for kind in kinds]
    widths[0] = _FIRST_WIDTH
    columns = "".join(
        [f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, 1)]
    )
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
        f'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{columns}</cols>'
        "<sheetData>"
    )


def make_sheet_end(n_columns: int, n_rows: int) -> str:
    """Returns the end of a sheet with so many rows: each column has a filter."""
    return f'</sheetData><autoFilter ref="A1:{_letters(n_columns)}{n_rows}"/></worksheet>'


def make_last_parts(n_columns: int, lengths: Sequence[int]) -> dict[str, str]:
    """Returns the parts that list the sheets, each with so many rows."""
    numbers = range(1, len(lengths) + 1)
    names = ["pages", *[f"pages {n}" for n in numbers[1:]]]
    sheets = "".join(
        [f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in zip(numbers, names, strict=True)]
    )
    filters = "".join(
        [
            f'<definedName name="_xlnm._FilterDatabase" localSheetId="{n}" hidden="1">'
            f"'{names[n]}'!$A$1:${_letters(n_columns)}${length}</definedName>"
            for n, length in enumerate(lengths)
        ]
    )
    targets = [(f"{_RELATIONS}/worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    targets.append((f"{_RELATIONS}/styles", "styles.xml"))
    links = "".join(
        [f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, 1)]
    )
    return {
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{sheets}</sheets>'
        f"<definedNames>{filters}</definedNames></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
    }


def _letters(number: int) -> str:
    """Returns the name of a column: A, ..., Z, AA, ..."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
