"""Console lines of the documents: read from Markdown, run in a shell, and compared with what stands below them.

A block marked `console` holds commands, each after `$ `, and below each what it prints. A command goes on below where a
line ends with a backslash or within quotes, and up to the word of a `<<`. `^C` among the output is pressed once the
crawl has recorded some pages. A comment before the block may say more:

    <!-- not run: why -->     nobody runs it here
    <!-- counts vary -->      numbers are not compared
    <!-- exits with 3 -->     the exit code of its last command; else all end with 0
    <!-- needs duckdb -->     for those who have it alone

What is compared are words and whole numbers, in their order, whatever the lines are broken into. `...` stands for
anything. Times, sizes, rates and dates are not compared.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"((?:^<!-- [^\n]+ -->\n+)*)^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARYING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "(a time)"),
    (r"\(?\b[\d.,]+/s\)?", "(a rate)"),
    (r"\b\d[\d.,]*(?: (?:ms|s|min|h|B|[kMGT]B)\b)+", "(a while)"),
)
SECONDS = 400
"""Of a whole document, on a busy machine."""

PRELUDE = """
set -m  # so that Ctrl-C reaches a process in the background
run() { printf '\\001%s\\n' "$1"; }
code() { printf '\\002%s\\n' "$?"; }
until_it_answers() { until [ -s "$1" ]; do sleep 0.05; done; }
press_ctrl_c() {
  "$@" & crawl=$!
  until [ "$(cat ./*.crawl/pages.jsonl 2>/dev/null | wc -l)" -gt 20 ]; do kill -0 $crawl || break; sleep 0.02; done
  kill -INT $crawl; wait $crawl
}
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
"""


@dataclass(frozen=True)
class Line:
    """A command, and what the document says that it prints."""

    command: str
    shown: str
    exits_with: int = 0
    counts_vary: bool = False
    why_not_run: str = ""
    needs_duckdb: bool = False

    @property
    def words(self) -> str:
        """The command without its comment."""
        return re.sub(r"\s{2,}# .*", "", self.command)


def read_lines(document: Path) -> list[Line]:
    """Returns all console lines of a document, in their order."""
    return [line for found in BLOCK.finditer(document.read_text("utf-8")) for line in _block(found[1], found[2])]


def _block(comments: str, text: str) -> Iterator[Line]:
    lines = [_split(part) for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    not_run = re.search(r"<!-- not run: ([^>]+) -->", comments)
    exits_with = re.search(r"<!-- exits with (\d+)", comments)
    for number, (command, shown) in enumerate(lines, 1):
        code = int(exits_with[1]) if exits_with and number == len(lines) else 0
        varies, duckdb = "<!-- counts vary -->" in comments, "<!-- needs duckdb -->" in comments
        yield Line(command, shown, code, varies, not_run[1] if not_run else "", duckdb)


def _split(part: str) -> tuple[str, str]:
    """Returns a command with the lines that belong to it, and what stands below."""
    lines = part.splitlines()
    end = 1
    while end < len(lines) and (lines[end - 1].endswith("\\") or _is_open("\n".join(lines[:end]))):
        end += 1
    if word := re.search(r"<<-?\s*'?(\w+)'?", lines[0]):
        end = lines.index(word[1], end) + 1
    return "\n".join(lines[:end]), "\n".join(lines[end:])


def _is_open(command: str) -> bool:
    """Whether a quotation goes on below."""
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return False


def find_faults(lines: Sequence[Line], folder: Path, places: dict[str, str], settings: dict[str, str]) -> list[str]:
    """Runs the lines in one shell in `folder`; returns what is not as the document says.

    `places` are put in the place of names in commands and outputs, `settings` into the environment.
    """
    lines = [line for line in lines if not line.why_not_run]
    parts = [_scripted(number, place(line.words, places), line) for number, line in enumerate(lines)]
    script = "\n".join([PRELUDE, *parts, f"run {len(lines)}"])
    said = _run(script, folder, settings)
    told = dict(re.findall(r"\001(\d+)\n(.*?)(?=\001|\Z)", said, re.DOTALL))
    return [
        fault
        for number, line in enumerate(lines)
        if (fault := _compare(line, place(line.shown, places), told.get(str(number), "it was never reached")))
    ]


def place(text: str, places: dict[str, str]) -> str:
    """Returns the text with names put in the place of others."""
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def _scripted(number: int, command: str, line: Line) -> str:
    if "^C" in line.shown.split():
        command = f"press_ctrl_c {command}"
    if command.endswith("&") and (file := re.search(r"> (\S+) ", command)):
        command += f"\nuntil_it_answers {file[1]}"
    if command.endswith("&") and "crawl serve" in command:
        command += "\nuntil_it_answers crawld-data/address"
    return f"run {number}\n{command}\ncode"


def _run(script: str, folder: Path, settings: dict[str, str]) -> str:
    environment = {**os.environ, **settings, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / ".said").open("wb") as said:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=folder, stdout=said, stderr=said, env=environment, start_new_session=True
        )
        try:
            shell.wait(SECONDS)
        finally:
            if shell.poll() is None:
                for one in psutil.pids():  # each command is a process group of its own, in the shell's session
                    if _session_of(one) == shell.pid:
                        os.kill(one, signal.SIGKILL)
                shell.wait()
    return (folder / ".said").read_text("utf-8", "replace")


def _session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except OSError:
        return None


def _compare(line: Line, shown: str, said: str) -> str:
    """Returns what is wrong with one command; empty: nothing."""
    said, _, code = said.partition("\002")
    if code.strip() != str(line.exits_with):
        return f"$ {line.command}\nended with {code.strip() or 'nothing'}:\n{said}"
    wanted = _pattern(shown.replace("^C", "..."), line.counts_vary)
    if not re.search(wanted, _folded(said, line.counts_vary), re.DOTALL):
        return f"$ {line.command}\nprinted, not as the document says:\n{said}"
    return ""


def _pattern(shown: str, counts_vary: bool) -> str:
    return ".*".join(re.escape(_folded(part, counts_vary)) for part in re.split(r"\.\.\.", shown))


def _folded(text: str, counts_vary: bool) -> str:
    text = " ".join(text.split())
    for pattern, instead in VARYING:
        text = re.sub(pattern, instead, text)
    return re.sub(r"\b\d[\d,.]*\b", "#", text) if counts_vary else text
