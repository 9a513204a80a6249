"""Runs mypy and pyright on programs, as those do who install this package: in strict mode, and without a plugin."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.committed import ROOT

VERSION = "3.11"
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
MYPY_CACHE = Path(os.environ.get("MYPY_CACHE_DIR", ROOT / ".mypy_cache")) / "programs"
PATH = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
"""Pyright looks for packages where the first python of the path has them."""
PYRIGHT: list[str | Path] = [Path(sys.executable).with_name("basedpyright"), "--outputjson"]
"""The same program as pyright, with the node that it runs on."""


class Program(NamedTuple):
    """A program that is checked."""

    name: str
    code: str


class Error(NamedTuple):
    """An error that a tool reports."""

    program: str
    line: int
    message: str


def documented_programs() -> Iterator[Program]:
    """Yields all programs of the documents that are whole: they import what they use.

    Each stands at its line of the document.
    """
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for found in re.finditer(r"```python\n(.*?)```", text, re.DOTALL):
            if re.search(r"^(from|import) crawler", code := found[1], re.MULTILINE):
                line = text.count("\n", 0, found.start(1))
                yield Program(f"{path.stem.replace('-', '_')}_{line}", "\n" * line + _outside_of_a_notebook(code))


def _outside_of_a_notebook(code: str) -> str:
    """Returns the code of a cell, which may await by itself, as a function."""
    awaits = re.search(r"^(async with|async for|await|\w+ = await)\b", code, re.MULTILINE)
    # The first line of the function takes the place of the fence, so that the lines stay as they are.
    return f"async def cell() -> None:\n{textwrap.indent(code, '    ')}" if awaits else code


def run_mypy(programs: list[Program], folder: Path) -> list[Error]:
    """Returns all errors that mypy finds."""
    _write(programs, folder)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--output=json",
        "--follow-imports=silent",
    ]
    command += ["--python-version", VERSION, f"--cache-dir={MYPY_CACHE}", "."]
    lines = _run(command, folder, {"MYPYPATH": str(ROOT)}).splitlines()
    return [_error(one["file"], one["line"], one["message"]) for one in map(orjson.loads, filter(None, lines))]


def run_pyright(programs: list[Program], folder: Path) -> list[Error]:
    """Returns all errors that pyright finds."""
    _write(programs, folder)
    settings: dict[str, object] = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "pythonVersion": VERSION}
    settings |= {"reportUnusedExpression": False, "reportDeprecated": False}
    (folder / "pyrightconfig.json").write_bytes(orjson.dumps(settings))
    said = orjson.loads(_run([*PYRIGHT, "--project", folder], folder, {}))["generalDiagnostics"]
    wrong = [one for one in said if one["severity"] == "error"]
    return [_error(one["file"], one["range"]["start"]["line"] + 1, one["message"]) for one in wrong]


def check_completeness(package: str) -> tuple[set[str], dict[str, list[str]]]:
    """Returns the names of a package whose types pyright knows, and those of the others with the reasons.

    The type of a class has those of its methods and fields, and of all that they take and return.
    """
    command = [*PYRIGHT, "--verifytypes", package, "--ignoreexternal"]
    said = orjson.loads(_run(command, ROOT, {"PYTHONPATH": str(ROOT)}))["typeCompleteness"]
    assert said["pyTypedPath"], "without py.typed, type checkers ignore the types of a package"
    known = {one["name"] for one in said["symbols"] if one["isTypeKnown"] and not one["isTypeAmbiguous"]}
    reasons = {one["name"]: [why["message"] for why in one["diagnostics"]] for one in said["symbols"]}
    return known, {name: why for name, why in reasons.items() if name not in known}


def _write(programs: list[Program], folder: Path) -> None:
    for program in programs:
        (folder / f"{program.name}.py").write_text(program.code, "utf-8")


def _error(file: str, line: int, message: str) -> Error:
    return Error(Path(file).stem, line, " ".join(message.split()))


def _run(command: list[str | Path], folder: Path, environ: Mapping[str, str]) -> str:
    ran = subprocess.run(
        command, cwd=folder, env={**os.environ, **PATH, **environ}, capture_output=True, text=True, check=False
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return ran.stdout
