"""A terminal in memory: enough of one to see what stands on it after a panel was drawn and its window changed."""

from __future__ import annotations

import io
import re

_PIECE = re.compile(r"\x1b\[(?P<values>[?0-9;]*)(?P<code>[A-Za-z])|(?P<text>[^\x1b\r\n]+)|(?P<move>[\r\n])")


class Screen(io.StringIO):
    """Rows of text and a cursor. A window that becomes narrower breaks rows, as terminals of today do."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self.columns, self.rows = columns, rows
        self.lines = [""]
        self.at = 0
        """The row of the cursor, counted from the first that was ever written."""
        self.column = 0
        self.top = 0
        """The first row in the window: those above were scrolled out, and nobody can erase them."""

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> list[str]:
        """The rows in the window, without empty ones at the end."""
        return "\n".join(line.rstrip() for line in self.lines[self.top :]).rstrip().split("\n")

    def resize(self, columns: int, rows: int) -> None:
        broken: list[str] = []
        for number, line in enumerate(self.lines):
            pieces = [line[i : i + columns] for i in range(0, len(line.rstrip()), columns)] or [""]
            broken += pieces
            if number == self.at:
                self.at = len(broken) - 1
        self.lines, self.columns, self.rows = broken, columns, rows
        self.top = max(0, self.at - rows + 1)

    def write(self, text: str) -> int:
        for piece in _PIECE.finditer(text):
            if piece["text"]:
                self._put(piece["text"])
            elif piece["move"] == "\r":
                self.column = 0
            elif piece["move"]:
                self._go(self.at + 1)
                self.column = 0
            else:
                self._obey(piece["code"], piece["values"])
        return len(text)

    def _obey(self, code: str, values: str) -> None:
        if code == "A":
            self._go(max(self.at - int(values or 1), self.top))
        elif code == "K" and values == "2":
            self.lines[self.at] = ""
        else:
            assert code in "mhl", f"{values}{code} is not known here"

    def _go(self, row: int) -> None:
        self.at, self.top = row, max(self.top, row - self.rows + 1)
        self.lines += [""] * (row + 1 - len(self.lines))

    def _put(self, text: str) -> None:
        for character in text:
            if self.column == self.columns:
                self._go(self.at + 1)
                self.column = 0
            line = self.lines[self.at].ljust(self.column)
            self.lines[self.at] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1
