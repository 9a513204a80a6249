"""The files that run the daemon for others: systemd's unit, and what a container is built from."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Crawl

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


def test_the_unit_waits_for_visits_in_hand_and_hears_from_the_loop() -> None:
    said = dict(re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE))
    assert said["Type"] == "notify"
    assert float(said["TimeoutStopSec"]) > 30, "more than daemon.grace_s"
    assert said["WatchdogSec"]
    assert (said["NoNewPrivileges"], said["ProtectSystem"], said["DynamicUser"]) == ("yes", "strict", "yes")
