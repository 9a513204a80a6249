"""A command forks the helpers of multiprocessing itself, before it has threads and knows secrets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from crawler.offload import early_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux alone")

PROGRAM = """
import os, re, sys, threading
from crawler.offload import fork_early

def knows_secret():
    \"\"\"Looks through the memory of this process.\"\"\"
    with open("/proc/self/maps") as lines, open("/proc/self/mem", "rb", 0) as memory:
        areas = [line.split()[0].split("-") for line in lines if " rw-p " in line]
        for first, end in areas:
            memory.seek(int(first, 16))
            if re.search(b"secr[e]t-[0-9]{6}", memory.read(int(end, 16) - int(first, 16))):
                return True
    return False

def tell(_):  # stands in the program, which a worker imports for it
    import gc
    files = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
    return {
        "parent": open(f"/proc/{os.getppid()}/comm").read().strip(),
        "knows_secret": knows_secret(),
        "threshold": gc.get_threshold()[0],
        "open": [name for name in files if os.path.exists(name) and os.readlink(name).endswith("held")],
    }

if __name__ == "__main__":
    import asyncio, json
    held = open(sys.argv[1] + "/held", "w")
    if "crowded" in sys.argv:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    fork_early((500, 10, 10))
    password = f"secret-{123456}"
    assert knows_secret()
    from crawler.offload import OfProgram, Workers, open_offloader, start_fork_server
    from multiprocessing import forkserver
    if "waits" in sys.argv:
        print(os.getpid(), flush=True)
        sys.stdin.read()
    start_fork_server()

    async def main():
        async with open_offloader(Workers('process', 2, 1024, 16, 10.0, 96 << 20)) as pool:
            server = forkserver._forkserver._forkserver_pid
            told = await pool.run(OfProgram(tell), 0)
            told["line"] = open(f"/proc/{server}/cmdline").read().split("\\0")
            print(json.dumps(told))
    asyncio.run(main())
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(folder), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, text=True, stdin=pipe, stdout=pipe, stderr=pipe)


def run(folder: Path, *words: str) -> dict[str, object]:
    with start(folder, *words) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    told: dict[str, object] = json.loads(out)
    return told


def test_workers_come_from_a_fork_that_has_neither_secrets_nor_files_of_the_command(tmp_path: Path) -> None:
    told = run(tmp_path)
    assert "program.py" in str(told.pop("line"))
    assert told == {"parent": "forkserver", "knows_secret": False, "threshold": 500, "open": []}


def test_a_process_with_another_thread_forks_nothing_and_its_workers_come_from_a_new_python(tmp_path: Path) -> None:
    told = run(tmp_path, "crowded")
    assert "multiprocessing.forkserver" in str(told.pop("line"))
    assert told["knows_secret"] is False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_helpers_that_nobody_needed_end_with_the_command(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path, "waits") as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = psutil.Process(process.pid).children()
        os.kill(process.pid, number)
        process.wait(30)
        _, alive = psutil.wait_procs(children, timeout=30)
    assert (len(children), alive) == (2, [])


def test_a_terminal_s_signals_end_no_helper_that_waits(tmp_path: Path) -> None:
    with start(tmp_path, "waits") as process:
        assert process.stdout is not None
        process.stdout.readline()
        for child in psutil.Process(process.pid).children():
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                os.kill(child.pid, number)
        out, err = process.communicate("", timeout=60)
    assert (process.returncode, err) == (0, "")
    assert '"parent": "forkserver"' in out


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('x')",
        "from multiprocessing.spawn import main; main(5)",
        "from multiprocessing.forkserver import main; other(5)",
    ],
)
def test_an_order_for_anything_else_is_left_to_a_new_python(code: str) -> None:
    assert early_fork._read_call(code) is None


def test_the_values_of_an_order_are_read_and_never_run() -> None:
    code = "from multiprocessing.forkserver import main; main(5, 6, ['a'], **{'sys_path': ['/x']})"
    assert early_fork._read_call(code) == ("multiprocessing.forkserver", [5, 6, ["a"]], {"sys_path": ["/x"]})
    assert early_fork._read_call("from multiprocessing.resource_tracker import main;main(print(1))") is None
