"""Files of ours can be read by nobody else from their first instant, and nothing planted in their place is touched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from crawler.runtime import private_files as private
from crawler.runtime.private_files import (
    NotARegularFile,
    copy_file,
    describe_obstacle,
    make_folder,
    opener,
    replace_private_file,
)

NOTES = "what its owner wrote"


@pytest.fixture(params=[0o000, 0o022], autouse=True)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def _write(path: Path) -> None:
    with open(path, "w", encoding="utf-8", opener=opener) as file:
        file.write("secret")


def _append(path: Path) -> None:
    with open(path, "ab", opener=opener) as file:
        file.write(b"secret")


def _update(path: Path) -> None:
    with open(path, "r+b", opener=opener) as file:
        file.write(b"secret")


def _replace(path: Path) -> None:
    with replace_private_file(path) as file:
        file.write(b"secret")


def _draft(path: Path) -> None:
    assert path.name.endswith(private.DRAFT)
    _replace(path.with_name(path.name.removesuffix(private.DRAFT)))


def _copy_from(path: Path) -> None:
    copy_file(path, path.with_name("copy"))


WAYS = [_write, _append, _update, _replace, _draft, _copy_from, private.touch]


def _link(place: Path, notes: Path) -> None:
    place.symlink_to(notes)


def _dangling(place: Path, notes: Path) -> None:
    place.symlink_to(notes.with_name("made"))


def _pipe(place: Path, notes: Path) -> None:
    os.mkfifo(place)


def _folder(place: Path, notes: Path) -> None:
    place.mkdir()


def _device(place: Path, notes: Path) -> None:
    place.symlink_to("/dev/null")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("plant", [_link, _dangling, _pipe, _folder, _device])
def test_what_was_planted_is_refused_by_its_name_and_left_alone(
    tmp_path: Path, way: Callable[[Path], None], plant: Callable[[Path, Path], None]
) -> None:
    notes, place = tmp_path / "notes", tmp_path / "place.new"
    notes.write_text(NOTES)
    plant(place, notes)
    with pytest.raises(NotARegularFile, match=r"place\.new is a .*: remove it") as caught:
        way(place)
    assert "\n" not in str(caught.value)
    assert (notes.read_text(), sorted(path.name for path in tmp_path.iterdir())) == (NOTES, ["notes", "place.new"])


@pytest.mark.parametrize("way", [_write, _append, _replace, private.touch])
def test_a_new_file_can_be_read_by_nobody_else_from_its_first_instant(
    tmp_path: Path, way: Callable[[Path], None]
) -> None:
    way(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    descriptor = opener(tmp_path / "bare", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    assert (stat.S_IMODE(os.fstat(descriptor).st_mode), os.get_inheritable(descriptor)) == (0o600, False)
    assert os.get_blocking(descriptor)
    os.close(descriptor)


def test_a_file_that_is_replaced_is_its_owners_alone_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o644)
    _replace(tmp_path / "old")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_what_fails_half_way_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_text(NOTES)

    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"), replace_private_file(tmp_path / "old") as file:
        fail(file)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": NOTES}


def test_the_draft_of_a_process_that_was_killed_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "old.new").write_text("half")
    _replace(tmp_path / "old")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": "secret"}


def test_closing_a_file_to_others_says_whether_it_was_open(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "old")
    assert not private.close_to_others(tmp_path / "link")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640
    assert private.close_to_others(tmp_path / "old")
    assert not private.close_to_others(tmp_path / "old")
    assert not private.close_to_others(tmp_path / "nothing")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    assert private.close_to_others(tmp_path / "shared")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o700


def test_folders_we_make_are_ours_alone_and_so_are_those_above_them(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b")
    assert not make_folder(tmp_path / "a" / "b")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a" / "b")} == {0o700}
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_folder(tmp_path / "file")


def test_a_link_is_no_folder_of_ours(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "seeds").symlink_to(tmp_path / "theirs")
    with pytest.raises(NotARegularFile, match="seeds is a symbolic link"):
        private.make_inner_folder(tmp_path / "seeds")
    (tmp_path / "file").touch()
    with pytest.raises(NotARegularFile, match="file is a file"):
        private.make_inner_folder(tmp_path / "file")
    private.make_inner_folder(tmp_path / "new")
    private.make_inner_folder(tmp_path / "new")


def _status(mode: int, uid: int = 1000, links: int = 1) -> os.stat_result:
    return os.stat_result((mode, 1, 1, links, uid, 1000, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (_status(stat.S_IFREG | 0o600), None),
        (_status(stat.S_IFREG | 0o600, links=2), None),
        (_status(stat.S_IFREG | 0o600, uid=4711), None),
        (_status(stat.S_IFREG | 0o600, uid=4711, links=2), "another name of a file that belongs to uid 4711"),
        (_status(stat.S_IFBLK | 0o600), "a device"),
        (_status(stat.S_IFSOCK | 0o600), "a socket"),
        (_status(stat.S_IFLNK | 0o777), "a symbolic link"),
    ],
)
def test_a_second_name_of_somebody_else_s_file_is_none_of_ours(status: os.stat_result, words: str | None) -> None:
    assert describe_obstacle(status, 1000) == words


@pytest.mark.skipif(os.geteuid() != 0, reason="another account's files can be made by root alone")
def test_a_hard_link_to_somebody_else_s_file_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text(NOTES)
    os.chown(tmp_path / "theirs", 4711, 4711)
    os.link(tmp_path / "theirs", tmp_path / "place")
    for way in (_write, _append, _update, _replace):
        with pytest.raises(NotARegularFile, match="place is another name of a file that belongs to uid 4711"):
            way(tmp_path / "place")
    assert (tmp_path / "theirs").read_text() == NOTES


def test_no_file_is_written_in_another_way() -> None:
    root = Path(private.__file__).parents[2]
    rooms = [path for room in ("crawler", "cli") for path in (root / room).rglob("*.py")]
    sources = [path for path in rooms if "testing" not in path.parts]
    written = re.compile(r"""\bopen\([^()]*["'](?:[wax]b?\+?|r\+b?)["']|write_(?:text|bytes)\(|copyfile\(|\.touch\(""")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sources
        for line in path.read_text("utf-8").splitlines()
        if written.search(line) and "opener=opener" not in line
    ]
    own = [
        'crawler/daemon/tokens.py: with open(descriptor, "w", encoding="ascii") as file:',
        'crawler/render/keeper.py: Path("/proc/self/setgroups").write_text("deny")',
        'crawler/render/keeper.py: Path("/proc/self/uid_map").write_text(f"{_NOT_ROOT} {user} 1")',
        'crawler/render/keeper.py: Path("/proc/self/gid_map").write_text(f"{_NOT_ROOT} {group} 1")',
    ]
    assert sorted(found) == sorted(own), "a file that others may read, or a link that is followed"
