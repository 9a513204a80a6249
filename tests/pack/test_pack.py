"""A pack holds all that proves how a crawl went, and shows each change of any of its bytes."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from zipfile import ZipFile

import pytest

from crawler import (
    Config,
    ConfigError,
    FolderError,
    make_identity,
    pack_folder,
    read_folder,
    read_identity,
    verify_pack,
)
from crawler.pack.form import COMMENT_BYTES, MANIFEST_PREFIX
from tests.proving import rude

SEED = 20261130


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pack `made.pack.zip` of a crawl that kept an archive, and the key `identity.pem`."""
    home = tmp_path_factory.mktemp("made")
    folder = asyncio.run(rude.crawl_politely(home / "crawl", outputs=("jsonl", "warc")))
    names = pack_folder(folder, home / "made.pack.zip", make_identity(home / "identity.pem"))
    assert {"requests.audit", "robots.kept", "settings.history", "archive.wacz"} <= set(names)
    return home


def test_a_pack_is_checked_with_nothing_of_the_crawl_at_hand(tmp_path: Path, made: Path) -> None:
    shutil.copy(made / "made.pack.zip", tmp_path / "given.zip")
    found = verify_pack(tmp_path / "given.zip")
    assert found.is_whole, found.faults
    assert found.thumbprint == read_identity(made / "identity.pem").thumbprint
    assert found.proof is not None
    assert (found.proof.is_kept, found.proof.requests, found.proof.remarks) == (True, 6, ())
    assert [*tmp_path.iterdir()] == [tmp_path / "given.zip"]
    assert (made / "made.pack.zip").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("places", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_a_change_in_any_place_is_found(tmp_path: Path, made: Path, places: int) -> None:
    chance, whole, path = Random(SEED), (made / "made.pack.zip").read_bytes(), tmp_path / "changed.zip"
    for _ in range(places):
        place = chance.randrange(len(whole))
        match chance.randrange(4):
            case 0 | 1:
                changed = whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]
            case 2:
                changed = whole[:place] + whole[place + chance.randint(1, 9) :]
            case _:
                changed = whole[:place] + chance.randbytes(chance.randint(1, 9)) + whole[place:]
        path.write_bytes(changed)
        assert is_found(path), place


def is_found(path: Path) -> bool:
    """Whether a pack is told from what it was: as changed, or as no pack at all, where its first bytes are gone."""
    try:
        return not verify_pack(path).is_whole
    except ConfigError as error:
        return "is no pack" in str(error)


def test_each_part_of_the_signature_counts(tmp_path: Path, made: Path) -> None:
    whole, path = (made / "made.pack.zip").read_bytes(), tmp_path / "changed.zip"
    for place in range(len(whole) - COMMENT_BYTES, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert not verify_pack(path).is_whole, place
    path.write_bytes(whole[:-COMMENT_BYTES] + whole[-COMMENT_BYTES:].upper())
    assert not verify_pack(path).is_whole


def test_the_file_that_was_changed_is_named(tmp_path: Path, made: Path) -> None:
    path = tmp_path / "changed.zip"
    with ZipFile(made / "made.pack.zip") as old, ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"200", b"404") if name == "requests.audit" else data)
        new.writestr("more.txt", "x")
        new.comment = old.comment
    faults = verify_pack(path).faults
    assert "requests.audit was changed" in faults
    assert "more.txt is in it and not in manifest.json" in faults


def test_a_pack_that_another_key_signed_anew_is_found_by_the_key(tmp_path: Path, made: Path) -> None:
    folder = read_folder(made / "crawl", Config())
    pack_folder(folder, tmp_path / "other.zip", make_identity(tmp_path / "other.pem"))
    owner = read_identity(made / "identity.pem").thumbprint
    assert verify_pack(tmp_path / "other.zip").is_whole
    assert "signed by another key" in verify_pack(tmp_path / "other.zip", owner).faults[0]
    assert verify_pack(made / "made.pack.zip", owner).is_whole


def test_a_record_whose_end_was_cut_before_it_was_packed_is_found(tmp_path: Path, made: Path) -> None:
    shutil.copytree(made / "crawl", tmp_path / "crawl")
    audit = tmp_path / "crawl" / "requests.audit"
    audit.write_bytes(b"".join(audit.read_bytes().splitlines(keepends=True)[:-2]))
    pack_folder(read_folder(tmp_path / "crawl", Config()), tmp_path / "cut.zip", read_identity(made / "identity.pem"))
    found = verify_pack(tmp_path / "cut.zip")
    assert found.is_whole
    assert found.proof is not None
    assert "were settled" in found.proof.faults[0].why


def test_what_is_no_pack_and_what_cannot_be_packed_is_told(tmp_path: Path, made: Path) -> None:
    with pytest.raises(ConfigError, match="is no pack"):
        verify_pack(made / "crawl" / "pages.jsonl")
    with pytest.raises(ConfigError, match="cannot be read"):
        verify_pack(tmp_path / "none.zip")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "crawl.toml").write_text("")
    with pytest.raises(FolderError, match="nothing to prove"):
        pack_folder(read_folder(tmp_path / "empty", Config()), tmp_path / "x.zip", read_identity(made / "identity.pem"))
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_confirms_the_signature_of_the_manifest(tmp_path: Path, made: Path) -> None:
    with ZipFile(made / "made.pack.zip") as packed:
        text, signature = packed.read("manifest.json"), packed.read("manifest.sig")
    (tmp_path / "message").write_bytes(MANIFEST_PREFIX + text)
    (tmp_path / "signature").write_bytes(bytes.fromhex(signature.decode()))
    asked = ["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", str(made / "identity.pem"), "-in", "message"]
    ran = subprocess.run([*asked, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(text)["thumbprint"] == read_identity(made / "identity.pem").thumbprint
