"""Takes the picture of the panel in docs/ anew: `make screenshots ARGS=tests.cli.panel_picture`.

The command crawls a small web on a terminal of its own. What stands there after some seconds becomes an SVG that needs
no font of ours and nothing from elsewhere, and that is light or dark as its reader's screen is.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fcntl import ioctl
from html import escape
from itertools import groupby
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import NamedTuple

import anyio

from crawler.testing import Site, Web, error, html, open_web, robots, slow
from tests.fetch.test_name_servers import Query, Zone

PICTURE = Path(__file__).parents[2] / "docs/panel.svg"
COMMAND = ("sites.txt", "--delay", "0.1", "--limit", "1500")
COLUMNS, ROWS = 86, 30
SECONDS = 20
"""Of crawling, until the panel has something to show."""
QUIET_S = 0.2
"""A frame of the panel is whole when nothing more comes for so long."""
PORT = 8080

CELL, LINE, PAD, SIZE = 8.4, 19, 18, 14
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
LIGHT = ("#24292f", "#b42318", "#1a7f37", "#8a5a00", "#0550ae", "#8250df", "#1b7c83", "#57606a")
DARK = ("#8b949e", "#ff8f85", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#e6edf3")


class Style(NamedTuple):
    """How a character looks: the names of classes in the picture."""

    colour: str = ""
    is_bold: bool = False
    is_dim: bool = False


PLAIN = Style()
Cell = tuple[str, Style]


@dataclass
class Screen:
    """A terminal, as far as the command uses one: lines, moves of the cursor, erasing, and colours."""

    rows: list[list[Cell]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    style: Style = PLAIN

    def show(self, text: str) -> None:
        """Takes what a program writes."""
        for part in re.findall(r"\x1b\[[?\d;]*[a-zA-Z]|[^\x1b]|\x1b", text):
            if part.startswith("\x1b["):
                self._obey(part[2:-1], part[-1])
            elif part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
                self.rows += [[] for _ in range(self.row + 1 - len(self.rows))]
            elif part.isprintable():
                line = self.rows[self.row]
                line += [(" ", PLAIN)] * (self.column + 1 - len(line))
                line[self.column] = (part, self.style)
                self.column += 1

    def _obey(self, numbers: str, command: str) -> None:
        first = int(numbers) if numbers.isdigit() else 0
        if command == "A":
            self.row = max(0, self.row - max(1, first))
        elif command == "K":
            self.rows[self.row] = [] if first == 2 else self.rows[self.row][: self.column]
        elif command == "J":
            self.rows[self.row + 1 :] = []
        elif command == "m":
            for number in map(int, filter(None, numbers.split(";"))):
                self.style = styled(self.style, number)
            self.style = PLAIN if not numbers else self.style


def styled(style: Style, number: int) -> Style:
    """Returns the style after one number of `ESC [ ... m`."""
    if number == 0:
        return PLAIN
    if number in (1, 2):
        return style._replace(is_bold=number == 1 or style.is_bold, is_dim=number == 2 or style.is_dim)
    if number == 22:
        return style._replace(is_bold=False, is_dim=False)
    if number == 39:
        return style._replace(colour="")
    if number // 10 in (3, 9) and number % 10 < 8:
        return style._replace(colour=COLOURS[number % 10])
    return style


def draw(screen: Screen) -> str:
    """Returns the picture of a screen."""
    rows = screen.rows[:]
    while rows and not "".join(cell[0] for cell in rows[-1]).strip():
        rows.pop()
    width, height = round(COLUMNS * CELL + 2 * PAD), len(rows) * LINE + 2 * PAD
    size = f'width="{width}" height="{height}"'
    lines = [part for number, row in enumerate(rows) for part in _line(row, PAD + LINE * number + SIZE)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img">',
            "<title>The panel of a crawl: pages, rates, outcomes, what it is bound by, and the busiest sites</title>",
            f"<style>{_style()}</style>",
            f'<rect class="paper" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>',
            *lines,
            "</svg>",
            "",
        ]
    )


def _style() -> str:
    def of(paper: str, edge: str, ink: str, colours: tuple[str, ...]) -> str:
        named = zip(COLOURS, colours, strict=True)
        rules = [f".paper{{fill:{paper};stroke:{edge}}}", f"text{{fill:{ink}}}"]
        return "".join([*rules, *(f".{name}{{fill:{colour}}}" for name, colour in named)])

    font = f"text{{font:{SIZE}px {FONTS};white-space:pre}}.bold{{font-weight:700}}.dim{{opacity:.7}}"
    dark = of("#0d1117", "#3d444d", "#d1d7e0", DARK)
    return f"{font}{of('#f6f8fa', '#d1d9e0', '#1f2328', LIGHT)}@media(prefers-color-scheme:dark){{{dark}}}"


def _line(row: list[Cell], y: int) -> Iterator[str]:
    """Yields the words of one line, each where its column is, whatever the width of the reader's font."""
    column = 0
    for style, cells in groupby(row, key=lambda cell: cell[1]):
        text = "".join(cell[0] for cell in cells)
        for found in re.finditer(r"\S+(?: \S+)*", text):
            named = [style.colour, "bold" * style.is_bold, "dim" * style.is_dim]
            chosen = f' class="{" ".join(filter(None, named))}"' if any(named) else ""
            x, width = PAD + (column + found.start()) * CELL, len(found[0]) * CELL
            yield f'<text x="{x:.1f}" y="{y}" textLength="{width:.1f}"{chosen}>{escape(found[0], quote=False)}</text>'
        column += len(text)


def web() -> Web:
    """Sites of different tempers: a large shop with dead links, a press, a library, a slow weather service."""

    def site(name: str, pages: int, seconds: float) -> Site:
        rest = {f"/{n}": slow(html(f"{name} {n}", size_bytes=9000), seconds * (1 + n % 7 / 3)) for n in range(pages)}
        gone = {f"/gone/{n}": error(404) for n in range(pages // 12) if name == "shop"}
        links = [link for n in range(53) for link in [*rest, *gone][n::53]]
        home = {"/": html(name, links), **rest, **gone}
        return Site(f"{name}.test", home, robots.allow_all())

    sites = [
        site("shop", 2400, 0.01),
        site("press", 1100, 0.15),
        site("library", 800, 0.02),
        site("weather", 500, 0.4),
    ]
    return Web(sites, [f"http://{one.host}/" for one in sites])


@asynccontextmanager
async def open_names(addresses: Mapping[str, str]) -> AsyncIterator[str]:
    """Opens a name server on loopback that knows these names."""

    def told(address: str) -> Callable[[Query], bytes]:
        return lambda query: query.addresses(address)

    zone = Zone({name: told(address) for name, address in addresses.items()})
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: zone, ("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


def watch(folder: Path, settings: dict[str, str]) -> Screen:
    """Runs the command on a terminal for some seconds; returns what stands there then."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        crawl = Path(sys.executable).parent / "crawl"
        os.execve(crawl, ["crawl", *COMMAND], {**os.environ, **settings, "TERM": "xterm-256color"})
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    said, end = b"", time.monotonic() + SECONDS
    while time.monotonic() < end or select([terminal], [], [], QUIET_S)[0]:
        if select([terminal], [], [], QUIET_S)[0]:
            said += os.read(terminal, 65536)
    for _ in range(2):
        os.kill(child, signal.SIGINT)
        time.sleep(QUIET_S)
    while select([terminal], [], [], 5)[0]:
        try:
            os.read(terminal, 65536)
        except OSError:
            break
    os.waitpid(child, 0)
    screen = Screen()
    screen.show(f"$ crawl {' '.join(COMMAND)}\r\n" + said.decode("utf-8", "replace"))
    return screen


async def main() -> None:
    served_web = web()
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with open_web(served_web, port=PORT, by_name=True) as served, open_names(served.addresses) as names:
            (folder / "sites.txt").write_text("\n".join(served.seeds))
            settings = {"CRAWL_FETCH__ALLOW_NETWORKS": '["127.0.0.0/8"]', "CRAWL_FETCH__NAME_SERVERS": f'["{names}"]'}
            screen = await anyio.to_thread.run_sync(watch, folder, settings)
    PICTURE.write_text(draw(screen), "utf-8")


if __name__ == "__main__":
    anyio.run(main)
