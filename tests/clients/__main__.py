"""Runs a daemon over a web of our own, and has the real clients of each protocol drive it.

`python -m tests.clients [NAME ...]` makes the checks that are named, or all. It installs the clients into venvs of
their own, beside the one for work. It ends with 1 if something is not as it should be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from crawler import Config
from crawler.daemon import DaemonConfig, make_adapters, open_jobs
from crawler.daemon.adapters import ADAPTERS
from crawler.daemon.http.server import open_server
from crawler.testing import Served, Site, Web, disallowing, html, open_web, redirect, sitemap, written

CLIENTS = {
    "mcp": "mcp==2.3.0",
    "firecrawl": "firecrawl-py==4.55.0",
    "firecrawl-js": "@mendable/firecrawl-js@4.42.0",
    "scrapyd": "python-scrapyd-api==2.1.2",
    "langchain": "firecrawl-py==4.55.0 langchain-community==0.4.2",
}
"""The packages of each check, by the name of the script that drives them: `ask_NAME.py`, or of npm: `ask_NAME.mjs`."""
TOKEN = "a-token-of-this-check"
HERE = Path(__file__).parent
CRAWL = Path(sys.executable).with_name("crawl")
ARTICLE = (
    "<title>Tea</title><meta name=description content='All about tea'><html lang=en><nav><a href=/menu>Menu</a></nav>"
    "<main><h1>Tea</h1><p>Green <a href=/green>tea</a> is made of leaves.</p></main>"
)
PAGES = {
    "/": html("Home", ["/a", "/b", "/tea", "/private/x", "/gone"]),
    "/a": html("A"),
    "/b": html("B"),
    "/tea": written(ARTICLE),
    "/moved": redirect("/tea"),
    "/sitemap.xml": sitemap(["/tea", "/listed"]),
}


def main() -> int:
    venv = Path(os.environ.get("VENV", ".venv")).absolute()
    return anyio.run(check, sys.argv[1:] or list(CLIENTS), venv.with_name(f"{venv.name}-clients"))


async def check(names: list[str], home: Path) -> int:
    """Makes the checks; returns 1 if one failed."""
    failed = 0
    async with open_web(Web([Site("a.test", PAGES, disallowing("/private/"))])) as served:
        for name in names:
            program = await anyio.to_thread.run_sync(install, name, home)
            async with _open_daemon(served) as facts:
                command = [*program, json.dumps(facts)]
                ran = await anyio.run_process(command, check=False, stderr=subprocess.STDOUT)
            said = ran.stdout.decode().strip()
            failed += ran.returncode != 0
            print(f"{name:<14} {'ok' if ran.returncode == 0 else 'FAILED':<7} {said}", flush=True)
    return 1 if failed else 0


@asynccontextmanager
async def _open_daemon(served: Served) -> AsyncIterator[dict[str, str]]:
    """Runs a daemon with all adapters; yields what a client needs to know."""
    base = Config(allow_networks=["127.0.0.0/8"], delay_s=0.02, executor="inline")
    with tempfile.TemporaryDirectory(prefix="crawld-clients-") as folder:
        async with (
            open_jobs(DaemonConfig(grace_s=2), Path(folder, "data"), base) as jobs,
            open_server(jobs, host="127.0.0.1", port=0, token=TOKEN, adapters=make_adapters(ADAPTERS)) as listening,
        ):
            yield {
                "url": listening.url, "token": TOKEN, "site": served.url("a.test", "").rstrip("/"),
                "crawl": str(CRAWL), "folder": str(Path(folder, "own")),
            }  # fmt: skip


def install(name: str, home: Path) -> list[str]:
    """Returns the command of a check, with its client. Raises CalledProcessError, OSError."""
    place, package = home / name, CLIENTS[name]
    stamp = place / ".installed"
    if not stamp.exists() or stamp.read_text() != package:
        print(f"installing {package}", file=sys.stderr, flush=True)
        _install_npm(place, package) if package.startswith("@") else _install_pip(place, package)
        stamp.write_text(package)
    if package.startswith("@"):
        script = place / f"ask_{name}.mjs"  # Node looks for packages beside the script
        script.write_bytes((HERE / script.name).read_bytes())
        return ["node", str(script)]
    return [str(place / "bin/python"), str(HERE / f"ask_{name}.py")]


def _install_pip(place: Path, packages: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *packages.split()], check=True, stderr=subprocess.DEVNULL)


def _install_npm(place: Path, package: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / "package.json").write_text("{}")
    subprocess.run(["npm", "install", "--silent", "--no-fund", package], cwd=place, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
