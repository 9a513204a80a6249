"""Runs the tests of the wire with the newest aiohttp, and the newest of all that we depend on, from the package index.

They are installed into a venv of their own, beside the one for work. A specifier is installed as it is given, and
`--pre` allows releases that are not final: `make canary ARGS="aiohttp==3.15.0b1"`. All else is handed to pytest.
Ends with 0 if all tests passed, with 1 if some failed, with 2 if the packages cannot be installed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

PRIVATE = "tests/fetch/test_private_parts.py"
"""Runs first: it names the parts of aiohttp that are gone."""
TESTS = ("tests/fetch", "tests/testing", "tests/hostile/test_hostile.py", "tests/test_api.py")
TOOLS = ("hypothesis", "psutil", "pytest", "pytest-asyncio", "python-socks", "setuptools")
"""Needed by these tests. They are installed as locked, because they are not what is tested."""
PASSED, FAILED, NOT_RUN = range(3)
_SPECIFIER = re.compile(r"([A-Za-z0-9][\w.-]*)(\[[\w,-]+\])?\s*(==|>=|<=|<|>|~=|!=| @ ).*")


def main(arguments: list[str]) -> int:
    """Installs, tells the versions, checks the private parts, runs the tests."""
    given = [word for word in arguments if _SPECIFIER.fullmatch(word)]
    flags = ["--pre"] if "--pre" in arguments else []
    others = [word for word in arguments if word not in given and word != "--pre"]
    lock = dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", Path("requirements-dev.lock").read_text(), re.MULTILINE))
    python = _make_venv(Path(os.environ.get("VENV", ".venv")))
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        newest = [*given, *(one for one in _dependencies() if _name(one) not in map(_name, given))]
        _run([*pip, "--upgrade", "--upgrade-strategy", "eager", *flags, *newest, *(f"{n}=={lock[n]}" for n in TOOLS)])
        _run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    except subprocess.CalledProcessError as error:
        print(f"canary: the packages cannot be installed: pip ended with {error.returncode}", file=sys.stderr)
        return NOT_RUN
    _tell_versions(_installed(python), lock)
    test = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if subprocess.run([*test, PRIVATE], check=False).returncode:
        print("canary: this aiohttp lacks private parts that crawler/fetch uses (docs/fetching.md)", file=sys.stderr)
        return FAILED
    return FAILED if subprocess.run([*test, *(others or TESTS)], check=False).returncode else PASSED


def _make_venv(beside: Path) -> str:
    folder = beside.with_name(f"{beside.name}-canary")
    python = folder / "bin/python"
    if subprocess.run([python, "-c", ""], check=False, stderr=subprocess.DEVNULL).returncode if python.exists() else 1:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    return str(python)


def _dependencies() -> Iterable[str]:
    """Yields the dependencies of pyproject.toml by name and extras, without the bounds that we set."""
    for line in tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]:
        requirement, _, marker = line.partition(";")
        bare = re.match(r"[\w.-]+(\[[\w,-]+\])?", requirement)
        assert bare
        yield bare[0] + (f" ;{marker}" if marker else "")


def _name(specifier: str) -> str:
    return re.split(r"[\[ =<>~!;@]", specifier, maxsplit=1)[0].lower()


def _installed(python: str) -> Mapping[str, str]:
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {re.sub("[-_.]+", "-", one["name"]).lower(): one["version"] for one in json.loads(listed)}


def _tell_versions(installed: Mapping[str, str], lock: Mapping[str, str]) -> None:
    for name in map(_name, _dependencies()):
        if name in installed:
            locked = lock.get(name, "not locked")
            note = "" if locked == installed[name] else f"  (locked: {locked})"
            print(f"canary: {name} {installed[name]}{note}", flush=True)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
