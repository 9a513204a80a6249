"""Builds what a release consists of, from the last commit: an sdist, the wheel made of it, a list of all parts (SBOM).

The list is CycloneDX: every package that the tested versions bring, with its licence and what it needs, and the files
of others that the dashboard brings. `make dist` writes all into dist/, with checksums. Ends with 1 if a step fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

TOOL = "cyclonedx-bom==7.5.0"
TREE = Path(__file__).parent.parent
UV = str(TREE / ".ci/uv")
INSTALLERS = {"pip", "setuptools"}
"""Packages that stand in every new venv, and that the command does without."""


def main(dist: Path) -> int:
    """Build all of it, say what was made."""
    if said := _ask_git("status", "--porcelain"):
        print(f"NOT BUILT: a release is a commit, and these are in none:\n{said}", file=sys.stderr)
        return 1
    dated = os.environ | {"SOURCE_DATE_EPOCH": _ask_git("log", "-1", "--format=%ct")}
    for old in [*dist.glob("crawld-*"), *dist.glob("SHA256SUMS")]:
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        tree, venv = Path(folder, "tree"), Path(folder, "venv")
        tree.mkdir()
        packed = subprocess.run(["git", "archive", "HEAD"], cwd=TREE, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "x", "-C", tree], input=packed.stdout, check=True)
        built = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir", dist, tree]
        subprocess.run(built, env=dated, check=True)
        subprocess.run([tree / ".ci/setup", "run"], cwd=tree, env=dated | {"VENV": str(venv)}, check=True)
        (dist / f"crawld-{_version()}.cdx.json").write_text(_list_parts(venv, dated))
    (dist / ".gitignore").unlink(missing_ok=True)
    made = sorted(dist.glob("crawld-*"))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made]
    (dist / "SHA256SUMS").write_text("".join(sums))
    print(*made, dist / "SHA256SUMS", sep="\n")
    return 0


def completed(found: dict[str, Any], taken: list[dict[str, str]]) -> dict[str, Any]:
    """The list of parts as the tool found it, without installers, with the packages that files were `taken` from."""
    parts = [part for part in found["components"] if part["name"] not in INSTALLERS]
    files = {(one["package"], one["version"], one["license"]): one for one in taken}
    theirs = [_part(*package) for package in sorted(files)]
    kept = {part["bom-ref"] for part in [*parts, *theirs, found["metadata"]["component"]]}
    needs = [
        one | {"dependsOn": [ref for ref in one.get("dependsOn", []) if ref in kept]}
        for one in [*found["dependencies"], *({"ref": part["bom-ref"]} for part in theirs)]
        if one["ref"] in kept
    ]
    root = next(one for one in needs if one["ref"] == found["metadata"]["component"]["bom-ref"])
    root["dependsOn"] += [part["bom-ref"] for part in theirs]
    return found | {"components": [*parts, *theirs], "dependencies": needs}


def _part(package: str, version: str, licence: str) -> dict[str, Any]:
    url = f"pkg:npm/{package.replace('@', '%40')}@{version}"
    licences = [{"license": {"id": licence, "acknowledgement": "declared"}}]
    return {"bom-ref": url, "type": "library", "name": package, "version": version, "purl": url, "licenses": licences}


def _list_parts(venv: Path, environment: dict[str, str]) -> str:
    """The list for a venv that holds what the command needs."""
    asked = [
        UV, "tool", "run", "--quiet", "--from", TOOL, "cyclonedx-py", "environment", venv / "bin/python",
        "--pyproject", TREE / "pyproject.toml", "--output-reproducible",
    ]  # fmt: skip
    found = subprocess.run(asked, env=environment, stdout=subprocess.PIPE, check=True).stdout
    taken = json.loads((TREE / "crawler/daemon/dashboard/vendor/vendor.json").read_text())
    return json.dumps(completed(json.loads(found), taken), indent=1) + "\n"


def _version() -> str:
    return str(tomllib.loads((TREE / "pyproject.toml").read_text())["project"]["version"])


def _ask_git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=TREE, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).absolute()))
    except subprocess.CalledProcessError as error:
        sys.exit(f"NOT BUILT: {' '.join(map(str, error.cmd[:4]))} ... ended with {error.returncode}")
