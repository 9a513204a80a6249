"""What earlier crawls hold is found on the disk, by digest, and best of all for the same URL."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from pathlib import Path

import pytest

from crawler.errors import ArchiveError, ConfigError
from crawler.warc.cdxj import REVISIT, Entry, make_line
from crawler.warc.earlier import NAME, EarlierCaptures, open_earlier
from crawler.warc.records import Referred
from tests.warc.samples import answer, members, record

SHA1 = "sha1:FFVE3QSIHSCZIHOM7V25AMXQDBITZ7ST"
OTHER = "sha1:OYTS3RH26ZQHGNYR6WGHG2BQ2JYVT62V"


def _line(url: str, digest: str, stamp: str = "20261101120000", mime: str = "text/html") -> bytes:
    return make_line(Entry(url, stamp, "a.warc.gz", 0, 100, mime, "200", digest))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "warc").mkdir()
    return tmp_path / "warc"


def _open(folder: Path, *lines: bytes, name: str = "a.cdxj") -> EarlierCaptures:
    data = b"".join(lines)
    (folder.parent / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return open_earlier(folder, [str(folder.parent / name)])


@pytest.mark.parametrize("name", ["a.cdxj", "a.cdxj.gz"])
def test_the_capture_of_the_same_url_is_found_first_and_else_the_earliest(folder: Path, name: str) -> None:
    earlier = _open(
        folder,
        b'!meta 0 {"format": "cdxj"}\n',
        _line("http://b.example/", SHA1, "20261101120000"),
        _line("http://a.example/", SHA1, "20261102120000"),
        _line("http://a.example/", SHA1, "20261103120000"),
        _line("http://c.example/", OTHER.removeprefix("sha1:")),
        name=name,
    )
    assert earlier.find(SHA1, "http://a.example/") == Referred("http://a.example/", "2026-11-02T12:00:00Z", SHA1)
    assert earlier.find(SHA1, "http://new.example/") == Referred("http://b.example/", "2026-11-01T12:00:00Z", SHA1)
    assert earlier.find(OTHER, "http://new.example/") == Referred("http://c.example/", "2026-11-01T12:00:00Z", OTHER)
    assert earlier.find("sha1:AAAA", "http://a.example/") is None
    assert earlier.find("sha256:" + "f" * 64, "http://a.example/") is None
    earlier.close()


def test_a_revisit_holds_no_body_that_could_be_referred_to(folder: Path) -> None:
    earlier = _open(folder, _line("http://a.example/", SHA1, mime=REVISIT), _line("http://b.example/", ""))
    assert earlier.find(SHA1, "http://a.example/") is None
    earlier.close()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 1000])
def test_every_capture_is_found_and_no_other(folder: Path, n: int) -> None:
    chance = random.Random(n)
    digests = [f"sha1:{chance.getrandbits(160):040x}" for _ in range(n)]
    earlier = _open(folder, *(_line(f"http://a.example/{'x' * chance.randrange(6000)}", one) for one in digests))
    for one in digests:
        found = earlier.find(one, "http://b.example/")
        assert found
        assert found.payload_digest == one
        assert earlier.find(one[:-1], "http://b.example/") is None
    earlier.close()


def test_folders_of_archives_are_sources_and_what_changes_is_read_again(folder: Path) -> None:
    old = folder.parent / "old.crawl"
    (old / "warc").mkdir(parents=True)
    one = record("response", answer(b"x"), "http://a.example/", Payload_Digest=SHA1)
    two = record("response", answer(b"y"), "http://a.example/y", Payload_Digest=OTHER)
    (old / "warc" / "a.warc.gz").write_bytes(members([one]))
    (old / "warc" / "b.warc.gz.open").write_bytes(members([two])[:-20])
    earlier = open_earlier(folder, [str(old)])
    assert earlier.find(SHA1, "")
    assert earlier.find(OTHER, "") is None
    earlier.close()
    made = (folder / NAME).stat().st_mtime_ns
    open_earlier(folder, [str(old)]).close()
    assert (folder / NAME).stat().st_mtime_ns == made
    (old / "warc" / "b.warc.gz").write_bytes(members([two]))
    earlier = open_earlier(folder, [str(old)])
    assert earlier.find(OTHER, "")
    earlier.close()


def test_a_source_that_is_gone_is_told_unless_it_was_read_before(folder: Path) -> None:
    source = str(folder.parent / "a.cdxj")
    with pytest.raises(ConfigError, match=r"dedupe_with: .*a\.cdxj is neither an index"):
        open_earlier(folder, [source])
    _open(folder, _line("http://a.example/", SHA1)).close()
    Path(source).unlink()
    earlier = open_earlier(folder, [source])
    assert earlier.find(SHA1, "")
    earlier.close()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.cdxj", b"what is this\n", "line 1 is no line of an index"),
        ("a.cdxj", _line("http://a.example/", SHA1) + b" CDX N b a m s k r M S V g\n", "line 2 is no line"),
        ("a.cdxj.gz", gzip.compress(_line("http://a.example/", SHA1))[:-10], "damaged"),
        ("a.cdxj.gz", b"plain", "damaged"),
        ("a.warc.gz", members([record("response", answer(b"x" * 999), "http://a.example/")])[:-10], "cut short"),
    ],
    ids=["words", "cdx", "cut", "not packed", "archive"],
)
def test_a_source_that_cannot_be_read_is_one_line_and_leaves_nothing(
    folder: Path, name: str, data: bytes, words: str
) -> None:
    (folder.parent / name).write_bytes(data)
    with pytest.raises(ArchiveError, match=words) as caught:
        open_earlier(folder, [str(folder.parent / name)])
    assert "\n" not in str(caught.value)
    assert not list(folder.iterdir())


def test_looking_up_takes_no_memory(folder: Path) -> None:
    lines = [_line(f"http://a.example/{n}", f"sha1:{n:032d}") for n in range(20_000)]
    earlier = _open(folder, *lines)
    tracemalloc.start()
    assert all(earlier.find(f"sha1:{n:032d}", f"http://a.example/{n}") for n in range(0, 20_000, 200))
    assert tracemalloc.get_traced_memory()[1] < 1 << 17
    tracemalloc.stop()
    earlier.close()
