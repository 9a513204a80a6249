"""Sets the last commit up as a fresh machine would, each way it can go, and runs the tests of the house there.

No home that can be written, no bytecode written by the way, no cache, no certificates named: a clone in a temporary
folder for each way. Ends with 0 if every way came to a venv that holds what its lock names, compiled. Some minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOMELESS = {"HOME": "/proc/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
LEFT_OUT = re.compile(
    r"XDG_.*|UV_(CACHE|TOOL|SYSTEM|OFFLINE).*|V(IRTUAL_)?ENV|MAKE.*|MFLAGS|PYTHONP.*|INSTALLER|"
    r"PYTEST_ADDOPTS|(HYPOTHESIS|MYPY|RUFF|COVERAGE)_.*"
)
CERTIFICATES = re.compile(r"SSL_CERT_.*|PIP_CERT|PIP_CONFIG_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Way:
    """What set-up meets, and who is to have installed the packages then."""

    name: str
    environment: dict[str, str]
    installer: str
    keeps_certificates: bool = True
    lock: str = "requirements-dev.lock"
    make: tuple[str, ...] = ("setup",)
    tests: bool = True
    elsewhere: bool = False
    """Whether the venv stands outside a tree that stays as it was cloned."""


WAYS = (
    Way("a demo", {}, "pip", lock="requirements.lock", make=("demo", "ARGS=--quiet --delay 0"), tests=False),
    Way("a tree that nobody may write to", {}, "uv", elsewhere=True),
    Way("uv, without a home", {}, "uv"),
    Way("uv, told of no certificate", {"PIP_CONFIG_FILE": os.devnull}, "uv", keeps_certificates=False),
    Way("uv fails, pip takes over", {"UV_OFFLINE": "1"}, "pip"),
    Way("pip, asked for", {"INSTALLER": "pip"}, "pip"),
)

LOOKS = """
import importlib.metadata as metadata, re, sys, crawler.cli.run
from pathlib import Path
lock = Path(sys.argv[2]).read_text()
pins = dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+) \\\\$", lock, re.MULTILINE))
found = {re.sub("[-_.]+", "-", one.name).lower(): one for one in metadata.distributions()}
for name, version in pins.items():
    if name not in found or found[name].version != version:
        print(f"{name} {version} is locked, and not installed")
for name in found.keys() - dict(re.findall("^([a-z0-9._-]+)(==)", lock, re.MULTILINE)):
    if name not in {"crawld", "pip", "setuptools"}:
        print(f"{name} is installed, and not locked")
by = (found["orjson"].read_text("INSTALLER") or "nobody").strip()
if by != sys.argv[1]:
    print(f"installed by {by}, not by {sys.argv[1]}")
for name, module in sorted(sys.modules.items()):
    cached, file = getattr(module, "__cached__", None), getattr(module, "__file__", None) or ""
    if cached and file.startswith(str(Path.cwd())) and not Path(cached).exists():
        print(f"{name} is not compiled")
"""


def main() -> int:
    """Go each way, print how it ended and how long it took."""
    bad = 0
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="fresh-") as folder:
            start = time.monotonic()
            faults = list(_faults(way, Path(folder).resolve()))
        bad += bool(faults)
        print(f"{'BAD ' if faults else 'good'} {time.monotonic() - start:4.0f} s  {way.name}", *faults, sep="\n       ")
    return 1 if bad else 0


def _faults(way: Way, folder: Path) -> Iterator[str]:
    """Whatever is wrong with a tree that was set up this way."""
    tree = folder / "tree"
    subprocess.run(["git", "clone", "--quiet", ".", tree], check=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not LEFT_OUT.fullmatch(name) and (way.keeps_certificates or not CERTIFICATES.fullmatch(name))
    }
    environment = kept | HOMELESS | way.environment
    venv = tree / ".venv"
    if way.elsewhere:
        venv = folder / "venv"
        environment |= {"VENV": str(venv)}
        subprocess.run(["chmod", "-R", "a-w", tree], check=True)  # root may all the same: hence the look at the end
    made = _run(["make", *way.make], tree, environment)
    if made.returncode:
        yield f"make {way.make[0]} ended with {made.returncode}: {_last(made)}"
        return
    compiled = {"PYTHONPYCACHEPREFIX": str(venv / "cache/python")} if way.elsewhere else {}
    looked = _run([str(venv / "bin/python"), "-c", LOOKS, way.installer, way.lock], tree, environment | compiled)
    yield from looked.stdout.splitlines()
    if looked.returncode:
        yield _last(looked)
    if way.tests:
        tested = _run(["make", "test", "ARGS=tests/test_house.py tests/test_setup.py"], tree, environment)
        if tested.returncode:
            yield f"make test ended with {tested.returncode}: {_last(tested)}"
    if way.elsewhere:
        left = _run(["git", "status", "--porcelain", "--ignored"], tree, environment).stdout.splitlines()
        yield from (f"left in the tree: {line}" for line in left)
        subprocess.run(["chmod", "-R", "u+w", tree], check=True)


def _run(command: list[str], tree: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def _last(ran: subprocess.CompletedProcess[str]) -> str:
    return " / ".join((ran.stdout + ran.stderr).strip().splitlines()[-3:])


if __name__ == "__main__":
    sys.exit(main())
