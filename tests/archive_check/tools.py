"""The tools of others, each in a venv of its own: none of them is a dependency, and some may not be (GPL)."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

TOOLS = {"pywb": "pywb==2.10.0", "cdxj-indexer": "cdxj-indexer==1.5.0", "wacz": "wacz==0.6.0"}
"""The venvs by their names, and what is installed in each."""
PLAYER = "replaywebpage@2.4.6"
"""The player of WACZ files, a package of npm."""


class Tools:
    """Installs tools into a folder when they are asked for, and runs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, venv: str, program: str) -> str:
        """Returns the path of a program. Raises CalledProcessError if it cannot be installed."""
        home = self._folder / venv
        stamp = home / ".installed"
        if not stamp.exists() or stamp.read_text() != TOOLS[venv]:
            print(f"installing {TOOLS[venv]}", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, TOOLS[venv]], check=True, stderr=subprocess.DEVNULL)
            stamp.write_text(TOOLS[venv])
        return str(home / "bin" / program)

    def run(
        self, venv: str, program: str, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program to its end."""
        command = [self.find(venv, program), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)

    def player(self) -> Path:
        """Returns the folder of the player's files. Raises CalledProcessError, OSError without npm."""
        home = self._folder / PLAYER.replace("@", "-")
        if not (home / "package/sw.js").exists():
            print(f"fetching {PLAYER}", file=sys.stderr, flush=True)
            home.mkdir(exist_ok=True)
            packed = subprocess.run(
                ["npm", "pack", "--json", "--silent", PLAYER], cwd=home, check=True, capture_output=True, text=True
            )
            with tarfile.open(home / json.loads(packed.stdout)[0]["filename"]) as file:
                file.extractall(home, filter="data")
        return home / "package"
