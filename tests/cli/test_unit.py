"""The files that run the daemon for others: systemd's unit, and what a container is built from."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from .conftest import Crawl
from .serving import Serving

CONFIG = Path(__file__).parent.parent.parent / "config"
UNIT = (CONFIG / "crawl.service").read_text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_can_use_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "crawl.service"
    unit.write_text(UNIT.replace("/usr/local/bin/crawl", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in verified.stderr.splitlines() if unit.name in line]
    assert (verified.returncode, complaints) == (0, []), verified.stderr


async def test_the_unit_and_the_container_call_the_command_with_options_it_has(crawl: Crawl) -> None:
    [start] = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    [entry] = re.findall(r"^ENTRYPOINT \[(.*)\]$", (CONFIG / "Containerfile").read_text(), re.MULTILINE)
    used = {word for line in (start, entry.replace(",", " ")) for word in shlex.split(line) if word.startswith("--")}
    listed = (await crawl("serve", "--help")).out
    assert {"--json-logs", "--data", "--host"} <= used
    assert [option for option in used if option not in listed] == []


@pytest.mark.slow
async def test_the_unit_reads_the_settings_that_it_promises_at_its_start_and_when_it_is_reloaded(
    crawl: Crawl, tmp_path: Path
) -> None:
    """Its very line is run, with the folders that systemd would make for it below a root of the test's own."""
    assert (await crawl("config", "init", "--systemd")).code == 0
    unit = (tmp_path / "crawl.service").read_text()
    said = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    [promised] = set(re.findall(r"/etc/\S+\.toml", unit))
    environ = {
        "STATE_DIRECTORY": str(tmp_path / "var/lib" / said["StateDirectory"]),
        "CONFIGURATION_DIRECTORY": str(tmp_path / "etc" / said["ConfigurationDirectory"]),
    }
    for folder in environ.values():
        Path(folder).mkdir(parents=True, mode=0o755)
    settings = tmp_path / promised.removeprefix("/")
    command = [re.sub(r"\$\{(\w+)\}", lambda found: environ[found[1]], word) for word in said["ExecStart"].split()]
    env = {**os.environ, **environ, "CRAWL_DAEMON__PORT": "0"}
    async with running(command, Path(environ["STATE_DIRECTORY"]), env) as daemon:
        assert (await limit_of(daemon)) is None
        settings.write_text("[scope]\nlimit = 7\n")
        daemon.process.send_signal(signal.SIGHUP)
        await daemon.told("scope.limit")
        assert (await limit_of(daemon)) == 7
        assert await daemon.end() == 0
    async with running(command, Path(environ["STATE_DIRECTORY"]), env) as daemon:
        assert f"settings from {settings}" in daemon.log.read_text()
        assert (await limit_of(daemon)) == 7
        assert await daemon.end() == 0
    settings.write_text("[scope]\nlimt = 7\n")
    refused = await anyio.run_process(command, env=env, check=False)
    assert (refused.returncode, b"serve.toml" in refused.stderr) == (2, True)


@asynccontextmanager
async def running(command: list[str], data: Path, env: dict[str, str]) -> AsyncIterator[Serving]:
    log = data.parent / "log"
    with log.open("wb") as file:
        process = await anyio.open_process(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env)
    async with process:
        try:
            with anyio.fail_after(60):
                while not (data / "address").exists():
                    assert process.returncode is None, log.read_text()
                    await anyio.sleep(0.02)
            yield Serving(process, data, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def limit_of(daemon: Serving) -> object:
    return (await daemon.ask("GET", "/v1/settings"))[1]["defaults"]["scope.limit"]


def test_the_unit_waits_for_visits_in_hand_and_hears_from_the_loop() -> None:
    said = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))
    assert said["Type"] == "notify"
    assert float(said["TimeoutStopSec"]) > 30, "more than daemon.grace_s"
    assert said["WatchdogSec"]
    assert (said["NoNewPrivileges"], said["ProtectSystem"], said["DynamicUser"]) == ("yes", "strict", "yes")
