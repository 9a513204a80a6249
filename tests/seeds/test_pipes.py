"""Lists that come slowly: a line that is one URL is given on as it comes, and the others wait for little."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path

import pytest

from crawler.seeds import read
from crawler.seeds.part import PATIENCE_S

A, B = "https://a.example/", "https://b.example/x"
PROGRAM = "from crawler.seeds import read\nfor url in read(['-']): print(url, flush=True)"


class Reader:
    """A process that reads a list from its standard input, which is written line by line."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self._in, self._out = child.stdin, child.stdout

    def give(self, text: str) -> None:
        self._in.write(text)
        self._in.flush()

    def took(self) -> str:
        """The next URL; waits for it."""
        return self._out.readline().strip()

    def end(self) -> list[str]:
        self._in.close()
        return self._out.read().split()


@contextmanager
def _reader() -> Iterator[Reader]:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=-1, stdout=-1, text=True, encoding="utf-8") as child:
        yield Reader(child)


def test_plain_lines_are_given_on_while_the_pipe_is_open() -> None:
    with _reader() as reader:
        for url in (A, "a.example/1", B, "b.example:8080/y?q=1"):
            reader.give(f"{url}\n")
            assert reader.took().endswith(url.removeprefix("https://"))
        reader.give("# a comment\n\n")
        reader.give(f"{A}end\n")
        assert reader.took() == f"{A}end"
        assert reader.end() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"{A},NLD,City\n", f"{B},DEU,Town\n"),
        (f"name;url\none;{A}\n", f"two;{B}\n"),
        (f'{{"url": "{A}"}}\n', f'{{"url": "{B}"}}\n'),
        (f"<{A}>\n", f"<{B}>\n"),
        (f"{A} ,\n", f"{B} ,\n"),
    ],
    ids=["columns", "header", "json", "brackets", "comma"],
)
def test_what_came_decides_where_the_pipe_makes_us_wait(first: str, second: str) -> None:
    with _reader() as reader:
        reader.give(first)
        assert reader.took() == A
        reader.give(second)
        assert reader.took() == B
        reader.give(second.replace("b.", "c.")[:10])
        reader.give(second.replace("b.", "c.")[10:])
        assert reader.took() == "https://c.example/x"
        assert reader.end() == []


@pytest.mark.slow
def test_a_header_alone_is_waited_with_until_there_is_a_url() -> None:
    with _reader() as reader:
        reader.give("id,page_url,image_url\n")
        time.sleep(2 * PATIENCE_S)  # nothing can be decided, and nothing is lost by waiting
        reader.give(f"1,{A},https://i.example/\n")
        assert reader.took() == A
        reader.give(f"2,{B},https://i.example/\n")
        assert reader.end() == [B]


def test_columns_behind_plain_lines_are_still_found() -> None:
    with _reader() as reader:
        reader.give(f"{A}\n")
        assert reader.took() == A
        reader.give("".join(f"https://{n}.example/x,NLD,City\n" for n in range(50)))
        assert reader.end() == [f"https://{n}.example/x" for n in range(50)]


def test_a_pipe_without_an_end_is_read_as_far_as_it_is_wanted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with suppress(BrokenPipeError), pipe.open("wb") as file:
            file.writelines(b"https://%d.example/x,NLD,City\n" % number for number in count())

    writer = threading.Thread(target=write)
    writer.start()
    urls = read([str(pipe)])
    assert [url.text for url in islice(urls, 2000)][-1] == "https://1999.example/x"
    urls.close()  # type: ignore[attr-defined]
    writer.join()
