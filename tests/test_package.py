"""What is handed out holds all that its readers need: the sdist its tests, the wheel the files that run the daemon."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.committed import ROOT, list_committed

MADE = ("PKG-INFO", "setup.cfg", "crawld.egg-info/*")
"""Files of an sdist that setuptools makes, as it does in a tree that came from an sdist."""
BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as somebody has them who unpacks the sdist, which was made from a clone."""
    clone, made, unpacked = (tmp_path_factory.mktemp(name) for name in ("clone", "made", "unpacked"))
    for path in list_committed():
        copy = clone / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    subprocess.run(["tar", "xzf", _build("build_sdist", clone, made), "-C", unpacked], check=True)
    [sources] = unpacked.iterdir()
    return sources


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel as it is built from what a Containerfile gets to see of the sources."""
    context, made = tmp_path_factory.mktemp("context"), tmp_path_factory.mktemp("made")
    lines = sources.joinpath(".containerignore").read_text().splitlines()
    kept = [line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!") and "*" not in line]
    assert "*" in lines
    for name in kept:
        if sources.joinpath(name).is_dir():
            shutil.copytree(sources / name, context / name)
        else:
            shutil.copy(sources / name, context / name)
    return zipfile.Path(_build("build_wheel", context, made))


@pytest.mark.slow
@pytest.mark.slow
def test_the_sdist_holds_every_committed_file_and_nothing_else(sources: Path) -> None:
    committed = {path.relative_to(ROOT).as_posix(): path for path in list_committed()}
    packed = {path.relative_to(sources).as_posix(): path for path in sources.rglob("*") if path.is_file()}
    assert _without_made(packed) == _without_made(committed)
    assert [name for name in _without_made(packed) if packed[name].read_bytes() != committed[name].read_bytes()] == []
    assert packed[".ci/setup"].stat().st_mode & 0o100


@pytest.mark.slow
def test_the_wheel_holds_all_code_with_its_data_and_no_tests(sources: Path, wheel: zipfile.Path) -> None:
    homes = {"cli": "crawler/cli", "config": "crawler/config", "crawler": "crawler"}
    wanted = {
        f"{inside}/{path.relative_to(sources / folder).as_posix()}"
        for folder, inside in homes.items()
        for path in sources.joinpath(folder).rglob("*")
        if path.is_file()
    }
    packed = {name for name in wheel.root.namelist() if ".dist-info/" not in name and not name.endswith("/")}
    assert packed == wanted
    assert {
        f"crawler/config/{name}" for name in ("daemon.toml", "crawl.service", "Containerfile", "grafana/crawld.json")
    } < packed


@pytest.mark.slow
def test_the_wheel_says_where_the_project_lives(wheel: zipfile.Path) -> None:
    [name] = [name for name in wheel.root.namelist() if name.endswith(".dist-info/METADATA")]
    about = Parser().parsestr(wheel.joinpath(name).read_text())
    urls = dict(line.split(", ", 1) for line in about.get_all("Project-URL") or ())
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= urls.keys()
    assert about["Description-Content-Type"] == "text/markdown"
    assert "](docs/" not in str(about.get_payload())


def test_the_list_of_parts_names_what_the_command_brings_and_no_installer() -> None:
    spec = importlib.util.spec_from_file_location("dist", ROOT / ".ci/dist.py")
    assert spec is not None
    assert spec.loader is not None
    dist = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dist)
    parts = [{"name": name, "bom-ref": name} for name in ("aiohttp", "pip", "setuptools", "yarl")]
    needs = [{"ref": "root", "dependsOn": ["aiohttp", "setuptools"]}, {"ref": "aiohttp", "dependsOn": ["yarl"]}]
    found = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": parts,
        "dependencies": [*needs, {"ref": "pip"}, {"ref": "yarl"}],
    }
    taken = json.loads((ROOT / "crawler/daemon/dashboard/vendor/vendor.json").read_text())
    done = dist.completed(found, taken)
    theirs = {f"pkg:npm/{one['package'].replace('@', '%40')}@{one['version']}" for one in taken}
    assert [part["name"] for part in done["components"]][:2] == ["aiohttp", "yarl"]
    assert {part["purl"] for part in done["components"][2:]} == theirs
    assert {part["licenses"][0]["license"]["id"] for part in done["components"][2:]} == {"MIT", "Apache-2.0"}
    left = {one["ref"]: set(one.get("dependsOn", ())) for one in done["dependencies"]}
    assert left == {"root": {"aiohttp", *theirs}, "aiohttp": {"yarl"}, "yarl": set()} | {ref: set() for ref in theirs}


def _build(kind: str, folder: Path, made: Path) -> Path:
    """Builds an archive of the sources in this folder, as `build` and `uv` and `pip` have setuptools do it."""
    ran = subprocess.run(
        [sys.executable, "-c", BUILD, kind, made], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    [archive] = made.iterdir()
    return archive


def _without_made(names: dict[str, Path]) -> list[str]:
    return sorted(name for name in names if not any(fnmatch.fnmatch(name, pattern) for pattern in MADE))
