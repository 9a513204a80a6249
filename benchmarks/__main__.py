"""`python -m benchmarks NAME ...` runs those, `all` every one of them; ends with 1 if one missed its goal."""

import subprocess
import sys
from itertools import takewhile

from benchmarks.contestants import PYTHON

BENCHMARKS = {
    "yardstick": "how fast the benchmark site itself answers",
    "contest": "the same site crawled in turns by our peers and by us: speed, CPU, memory, completeness",
    "figures": "our goals and how near we are, in one run",
    "modern": "today's web: TLS 1.3, br and gzip, 240 kB a page, names, hundreds of hosts",
    "profile": "where a crawl spends its time: flame graphs of loop, threads and workers",
    "calls": "what one page has the loop's thread do, counted: calls, copies, scopes, tasks, hops",
    "start": "what a start costs: crawl --help, and a crawl of one page",
    "many_slow": "2,000 answers of 2 s each at a time",
    "tick": "how late the event loop comes in a busy crawl, and the memory of the tree at 10,000 pages",
    "parse_cost": "what a page costs in a worker, to hand over, and beside a busy loop",
    "executor_choice": "what a page costs in each place of offload.executor, by size; whether `auto` is near the best",
    "memory": "200 bodies of 16 MiB at a time, bombs and hostile markup among them: the memory of all processes",
    "frontier_cost": "what a page costs the frontier",
    "loops": "what a page costs on one event loop and on two",
    "engine_cost": "what a page costs a node and the server of its engine (PostgreSQL, Redis): CPU, bytes, a takeover",
    "takeover": "what it takes to take over a shard with a million known URLs, from PostgreSQL and from SQLite",
    "known_urls": "what a crawl costs that knows many URLs: a page, memory, disk, opening it again",
    "scheduler": "the real scheduler on a virtual clock with a million hosts: breaches, microseconds a page",
    "fleet": "a thousand nodes on a virtual clock that die, stand still and join: lost, twice, impolite, calls a page",
    "seen_set": "what a known URL costs on numpy and in plain Python",
    "durability": "what it costs a page to survive a power cut",
    "reach_cost": "what the union of a million seeds costs: a link, a seed, a folder opened again",
    "many_crawls": "a hundred crawls in one process: what each costs, and whether each gets its share",
    "daemon": "one daemon under load as clients see it: shares, answers, event streams, half-open connections",
    "daemon_life": "thousands of short jobs and a million seeds in one daemon: what they leave behind",
    "report_cost": "what the report of a job costs: a record, the event loop beside it, a crawl",
    "html_report": "what the page of findings costs for 100,000 pages: seconds, bytes, memory, and to open it",
    "replay_cost": "what a replay costs beside the live crawl whose archive it reads",
    "warc_cost": "what an archive of all exchanges costs a page",
    "proof_cost": "what the audit of requests costs a page",
    "sink_cost": "what tables, databases and messages beside the records cost a page",
    "analytics_cost": "what Parquet, SQL and graphs cost a record, and their memory",
    "export_cost": "what each format of `crawl export` costs a record, and its memory at a million records",
    "render_cost": "what a page made by scripts costs: CPU and memory of all processes, over many pages",
    "render_rule": "which pages `--render auto` renders: 1,000 of documentation, and shells made with npm",
    "telemetry_cost": "what traces and figures by OpenTelemetry cost a page",
    "extraction": "how well the main text of pages is found, on public sets, and what it costs",
    "near_duplicates": "how many near duplicates are found, by the way in which they differ, and how many wrongly",
    "forecast": "how often the intervals of forecasts hold, on 200 generated webs of known size",
    "virtual_crawl": "what rests cost on the virtual clock for tests, and what the plug-in costs other projects",
    "ledger": "figures of earlier commits on this machine, and whether a page costs more CPU",
}


TOOLS = ("calls", "figures", "ledger", "profile", "render_rule")
"""What measures nothing new, or fetches packages, and is not run for `all`."""


def main() -> int:
    names = list(takewhile({*BENCHMARKS, "all"}.__contains__, sys.argv[1:]))
    options = sys.argv[1 + len(names) :]
    if not names or (options and len(names) > 1):
        _list()
        return 0 if len(sys.argv) == 1 else 2
    chosen = [name for name in BENCHMARKS if name not in TOOLS] if "all" in names else names
    return max([_run(name, options) for name in chosen])


def _run(name: str, options: list[str]) -> int:
    print(f"\n== {name}: {BENCHMARKS[name]} ==", flush=True)
    return subprocess.run([PYTHON, "-m", f"benchmarks.{name}", *options], check=False).returncode


def _list() -> None:
    print("python -m benchmarks all | NAME ... | NAME OPTIONS (python -m benchmarks NAME --help)\n")
    for name, story in BENCHMARKS.items():
        print(f"  {name:<15} {story}")


if __name__ == "__main__":
    raise SystemExit(main())
