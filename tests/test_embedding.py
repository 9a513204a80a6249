"""What the documents show of life inside other programs is run: in each of them, against a web on loopback."""

from __future__ import annotations

import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from signal import SIGINT
from typing import Any

import aiohttp
import anyio
import orjson
import pytest
from yarl import URL

from crawler.testing import Served, link_graph, open_web

ROOT = Path(__file__).parent.parent
TEXTS = {name: (ROOT / name).read_text() for name in ("README.md", "docs/embedding.md", "docs/tests.md")}
SHOWN = [
    pytest.param(code, id=f"{name.split('/')[-1]}-{number}")
    for name, text in TEXTS.items()
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]
LOOPBACK = 'max_depth=2, delay_s=0.0, allow_networks=["127.0.0.0/8"]'
BASE = {"politeness": {"delay_s": 0.0}, "fetch": {"allow_networks": ["127.0.0.0/8"]}, "offload": {"executor": "inline"}}
OPTIONS = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function", "-W", "error")
"""What a project that uses pytest-asyncio says in its own settings."""
PAGES = 12


def shown(word: str) -> list[Any]:
    """The programs in which a word occurs."""
    return [one for one in SHOWN if word in str(one.values[0])]


def placed(code: Any, served: Served, port: int = 0) -> str:
    """With the web that is at hand in place of the one it is meant for."""
    text = str(code).replace("https://example.org/", served.seeds[0]).replace("8080", str(port))
    text = re.sub(r"max_depth=\d", LOOPBACK, text)
    return text.replace(
        'Path("crawld-data")', f'Path("crawld-data"), __import__("crawler").Config.model_validate({BASE})'
    )


def test_every_program_is_run_somewhere() -> None:
    run = [one for word in ("__main__", "FastAPI", "\nasync with", "def test_") for one in shown(word)]
    assert {one.id for one in run} == {one.id for one in SHOWN}


@pytest.mark.parametrize("code", [one for one in shown("FastAPI") if "open_crawl" in str(one.values[0])])
async def test_a_crawl_in_a_lifespan(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_web(web()) as served:
        app = loaded(placed(code, served), tmp_path)["app"]
        with anyio.fail_after(60):
            async with app.router.lifespan_context(app):
                while (seen := await asked(app, "GET", "/progress"))["fetched"] < len(
                    served.web.reachable(max_depth=2)
                ):
                    await anyio.sleep(0.01)
        assert seen["queued"] == 0


@pytest.mark.parametrize("code", [one for one in shown("FastAPI") if "open_jobs" in str(one.values[0])])
async def test_jobs_in_a_lifespan(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_web(web()) as served:
        app = loaded(placed(code, served), tmp_path)["app"]
        with anyio.fail_after(60):
            async with app.router.lifespan_context(app):
                job = await asked(app, "POST", "/crawls", f"site={served.seeds[0]}")
                while (seen := await asked(app, "GET", f"/crawls/{job}"))["state"] in ("queued", "running"):
                    await anyio.sleep(0.01)
        assert seen["state"] == "completed"


@pytest.mark.slow
@pytest.mark.parametrize("code", shown("\nasync with"))
async def test_a_cell_of_a_notebook(code: str, tmp_path: Path) -> None:
    """Compiled as a notebook does, in a process whose main module has no file."""
    driver = (
        "import ast, asyncio, inspect, sys\n"
        "cell = compile(sys.argv[1], '<cell>', 'exec', flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)\n"
        "async def kernel():\n"
        "    done = eval(cell, globals())\n"
        "    if inspect.isawaitable(done): await done\n"
        "    print(len(eval(sys.argv[2], globals())))\n"
        "asyncio.run(kernel())\n"
    )
    last = code.strip().splitlines()[-1]
    async with open_web(web()) as served:
        command = [sys.executable, "-W", "error", "-c", driver, placed(code, served), last]
        with anyio.fail_after(60):
            ran = await anyio.run_process(command, cwd=tmp_path, check=False, stderr=subprocess.STDOUT)
    assert ran.returncode == 0, ran.stdout.decode()
    assert int(ran.stdout) > 5


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("code", shown("def test_"))
async def test_a_test_of_somebody_else(code: str, tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OPTIONS, "."]
    with anyio.fail_after(60):
        ran = await anyio.run_process(command, cwd=tmp_path, check=False)
    assert b"1 passed" in ran.stdout, ran.stdout.decode()


@pytest.mark.slow
@pytest.mark.parametrize("code", shown("add_subapp"))
async def test_the_daemon_mounted_in_an_application(code: str, tmp_path: Path) -> None:
    port = free_port()
    async with open_web(web()) as served:
        (tmp_path / "mounted.py").write_text(placed(code, served, port))
        process = await anyio.open_process([sys.executable, "mounted.py"], cwd=tmp_path, stdout=None, stderr=None)
        async with process:
            with anyio.fail_after(60):
                await used(f"http://127.0.0.1:{port}")
            process.send_signal(SIGINT)
            with anyio.fail_after(30):
                await process.wait()


async def used(url: str) -> None:
    """A look at everything that knows where it is mounted."""
    connector = aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())
    token = {"Authorization": "Bearer a long secret"}
    async with aiohttp.ClientSession(connector=connector) as http:
        while True:
            try:
                async with http.get(f"{url}/") as answer:
                    assert "crawls" in await answer.text()
                    break
            except aiohttp.ClientConnectorError:
                await anyio.sleep(0.05)
        async with http.get(f"{url}/crawl/") as page:
            found = re.findall(r'(?:href|src)="([^"]+)"', await page.text())
            assert "assets/app.js" in found
        async with http.get(f"{url}/crawl/assets/app.js") as script:
            assert script.status == 200
        async with http.get(f"{url}/crawl/v1/jobs") as refused:
            assert refused.status == 401
        wanted = {"seeds": ["https://example.org/"], "is_paused": True}
        async with http.post(f"{url}/crawl/v1/jobs", json=wanted, headers=token) as made:
            assert made.status == 201, await made.text()
            where = made.url.join(URL(made.headers["Location"]))
        async with http.get(where, headers=token) as job:
            assert (await job.json())["state"] == "paused"
        async with http.get(f"{url}/crawl/docs") as reference:
            assert f"\napi={url}/crawl</code>" in await reference.text()
            assert reference.url.join(URL("assets/reference.css")).path == "/crawl/assets/reference.css"
        async with http.get(f"{url}/crawl/openapi.json") as described:
            assert (await described.json())["servers"][0]["url"] == "./"


def web() -> Any:
    return link_graph(seed=1, sites=1, pages_per_site=PAGES, links_per_page=5)


def loaded(code: str, folder: Path) -> dict[str, Any]:
    path = folder / "program.py"
    path.write_text(code)
    return runpy.run_path(str(path))


async def asked(app: Any, method: str, path: str, query: str = "") -> Any:
    """One request, as an ASGI server makes it."""
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "query_string": query.encode(), "headers": [], "scheme": "http", "server": ("testserver", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    assert said[0]["status"] in (200, 202), said
    return orjson.loads(b"".join(message.get("body", b"") for message in said))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
