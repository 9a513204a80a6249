"""The picture of the panel: what a terminal shows, as an SVG that needs nothing from elsewhere."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from tests.cli.panel_picture import PICTURE, Screen, draw


def test_a_screen_shows_what_a_terminal_would() -> None:
    screen = Screen()
    screen.show("one\r\ntwo\r\n\x1b[1;32mthree\x1b[0m four\r\n")
    screen.show("\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K2 & 3\x1b[?25l\r\n")
    assert ["".join(cell[0] for cell in row) for row in screen.rows] == ["one", "2 & 3", "", ""]
    assert ">2 &amp; 3</text>" in draw(screen)


def test_words_are_drawn_at_their_columns_in_their_colours() -> None:
    screen = Screen()
    screen.show(" \x1b[1mpages\x1b[22m   12  \x1b[31mfailed\x1b[39m")
    words = ElementTree.fromstring(draw(screen)).findall("{*}text")
    assert [(one.get("class"), one.text) for one in words] == [("bold", "pages"), (None, "12"), ("red", "failed")]


def test_the_picture_in_the_documents_asks_for_nothing() -> None:
    text = PICTURE.read_text("utf-8")
    assert not re.search(r"href|src=|url\(|@import|@font-face|<script|<image", text)
    assert "prefers-color-scheme:dark" in text
    assert "bound by" in text
