"""Nothing is ever sent anywhere but to the sites crawled: no telemetry, no look for updates, no list from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EAR = """
import os, sys

def hear(event, arguments):
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and isinstance(arguments[1], tuple):
        told(arguments[1][0])
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        told(arguments[0])

def told(place):
    with open(os.environ["HEARD"], "a") as heard:
        heard.write(f"{place}\\n")

sys.addaudithook(hear)
"""
"""Writes down whom the Python code of a process, and of those that it starts, connects to or asks for."""

PROGRAM = """
import fcntl, os, re, signal, socket, struct, subprocess, sys
from pathlib import Path
import anyio
from crawler.testing import Site, Web, html, open_web

CRAWL = str(Path(sys.executable).with_name("crawl"))
AWAY = ["http://192.0.2.1/", "http://[2001:db8::1]/", "http://elsewhere.example/"]

def open_loopback():
    with socket.socket() as asked:  # SIOCSIFFLAGS: IFF_UP
        fcntl.ioctl(asked, 0x8914, struct.pack("16sH14x", b"lo", 1))

def tell(what):
    # What the kernel counts for this namespace: what went nowhere for want of a way, and questions to name servers.
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    four = {f"{keys[0]}{key}": int(n) for keys, ns in zip(lines[::2], lines[1::2]) for key, n in zip(keys[1:], ns[1:])}
    six = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    told = [four["Ip:OutNoRoutes"], int(six["Ip6OutNoRoutes"]), four["Udp:OutDatagrams"], int(six["Udp6OutDatagrams"])]
    print(what, *told, flush=True)

def start_and_stop_a_daemon():
    daemon = subprocess.Popen([CRAWL, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    while "listening" not in daemon.stderr.readline():
        assert daemon.poll() is None
    daemon.send_signal(signal.SIGTERM)
    daemon.communicate()
    assert daemon.returncode == 0

async def main(is_alone):
    if is_alone:
        open_loopback()
    sites = [Site(f"{name}.test", {"/": html(name, ["/1", *AWAY]), "/1": html(f"{name} 1", AWAY)}) for name in "ab"]
    async with open_web(Web(sites)) as served:
        crawl = [CRAWL, served.url("a.test"), served.url("b.test"), "--reach", "domain", "-o", "a.crawl", "--quiet"]
        options = ["--allow-network", "127.0.0.0/8", "--delay", "0", "--set", "sitemaps=true"]
        await anyio.run_process([*crawl, *options], stderr=sys.stderr)
        assert Path("a.crawl/pages.jsonl").read_text().count('"fetched"') == 4
        print("sites", *{re.split("[/:]+", url)[1] for url in (served.url("a.test"), served.url("b.test"))})
    await anyio.to_thread.run_sync(start_and_stop_a_daemon)
    print("heard", *set(Path(os.environ["HEARD"]).read_text().split()))
    if is_alone:
        tell("quiet")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"?", ("127.0.0.1", 53))
        options = ["--allow-network", "192.0.2.0/24", "--set", "max_attempts=1"]
        subprocess.run([CRAWL, AWAY[0], "-o", "b.crawl", "--quiet", *options])
        tell("loud")

anyio.run(main, sys.argv[1] == "alone")
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.slow
def test_a_crawl_and_a_daemon_speak_to_the_sites_crawled_and_to_nobody_else(tmp_path: Path) -> None:
    """Code that is no Python (uvloop, c-ares) connects past the ear, but not past a network that ends at loopback."""
    tmp_path.joinpath("ear").mkdir()
    tmp_path.joinpath("ear/sitecustomize.py").write_text(EAR)
    tmp_path.joinpath("program.py").write_text(PROGRAM)
    apart = _find_a_network_apart()
    ran = subprocess.run(
        [*apart, sys.executable, "program.py", "alone" if apart else "among others"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "ear"), "HEARD": str(tmp_path / "heard")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = {first: rest for first, *rest in (line.split() for line in ran.stdout.splitlines())}
    assert set(told["heard"]) == set(told["sites"])
    if apart:
        assert told["quiet"] == ["0", "0", "0", "0"]
        assert told["loud"][0] != "0", "an address elsewhere is counted, if a crawl asks there"
        assert told["loud"][2] != "0", "and so is a question to a name server"
        assert "192.0.2.1" in tmp_path.joinpath("heard").read_text()


def _find_a_network_apart() -> list[str]:
    """The command that runs another in a network of its own, where Linux lets us have one: it counts for that alone."""
    apart = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*apart, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return apart
