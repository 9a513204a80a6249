"""Which interpreter and machine a figure belongs to, in words that name no one's computer."""

import json
import os
import platform
import subprocess
import sysconfig
import time


def describe(python: str) -> str:
    """One line about the interpreter at `python`: version, how it was built, and how fast it runs plain Python."""
    answer = subprocess.run([python, "-m", "benchmarks.machine"], capture_output=True, text=True, check=True)
    facts: dict[str, str] = json.loads(answer.stdout)
    return f"{facts['version']}, {facts['build']}, {facts['pace']} ms for the reference loop; {facts['machine']}"


def _facts() -> dict[str, str]:
    return {
        "version": f"{platform.python_implementation()} {platform.python_version()}",
        "build": _build(),
        "pace": f"{_pace_ms():.0f}",
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
    }


def _build() -> str:
    """What the build says of itself. Some distributions record a plainer build, hence the loop beside it."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = f"{sysconfig.get_config_var('PY_CFLAGS_NODIST') or ''} {options}"
    said = [
        name
        for name, mark in (("PGO", "--enable-optimizations"), ("PGO", "-fprofile-use"), ("LTO", "lto"))
        if mark in flags
    ]
    return "+".join(dict.fromkeys(said)) or "no PGO or LTO on record"


def _pace_ms() -> float:
    return min(_timed() for _ in range(15))


def _timed() -> float:
    began = time.perf_counter()
    counts: dict[int, int] = {}
    for number in range(200_000):
        counts[number % 1000] = counts.get(number % 1000, 0) + number
    "".join([str(number) for number in range(50_000)])
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(json.dumps(_facts()))
