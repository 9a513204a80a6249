"""Builds the packages of docs/plugins.md, with the metadata that an installer would leave, into a folder."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "plugins.md"
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def blocks() -> dict[str, str]:
    """The files of the document by the name in their first line."""
    texts = re.findall(r"^```\w+\n(# (\S+\.\w+)\n.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return {name: text for text, name in texts}


def build(project: Path, place: Path, files: dict[str, str]) -> None:
    """Builds a project of these files as an installer does, and unpacks its wheel in `place`."""
    project.mkdir()
    for name, text in files.items():
        (project / name).write_text(text, "utf-8")
    subprocess.run([sys.executable, "-c", _BUILD, str(project)], cwd=project, check=True, capture_output=True)
    (wheel,) = project.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place)


def install(place: Path, package: str, group: str, entries: dict[str, str], module: str) -> None:
    """Puts one module with entry points into `place`, as an installed package has them."""
    info = place / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = "".join(f"{kind} = {value}\n" for kind, value in entries.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")
    name = next(iter(entries.values())).partition(":")[0]
    (place / f"{name}.py").write_text(module, "utf-8")
