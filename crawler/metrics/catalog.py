"""Names every figure that a crawl or a daemon shows to Prometheus and OpenTelemetry, with its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import NamedTuple

from ..dataclass import dataclass


class Kind(StrEnum):
    """Whether a figure only grows until the process ends, or also falls."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One figure: its name, and what people need to know of it. `docs/metrics.md` is written from these."""

    name: str
    """The name at `/metrics`: with its unit, and `_total` if it is a counter."""
    kind: Kind
    unit: str
    """Seconds, bytes, or the things that are counted."""
    meaning: str
    when_high: str
    """Advice for when it is high, or low where that is worse."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its labels: name -> the values that it may have, in words."""


class Sample(NamedTuple):
    """One value of a metric."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()
    """The values of its labels, in the order of `Metric.labels`."""


# -- all visits since the process began --------------------------------------------------------------------------------

_DISPOSITION = {"disposition": "the eight dispositions of records.md"}
_PERCENTILE = "`50`, `90`, `99`"
_JOB = {"job_id": "the ids of running jobs; of a crawl without a daemon, its id"}

VISITS = Metric(
    "crawld_visits_total", Kind.COUNTER, "visits", "Visits that ended, by what came of them.",
    "Many `failed`: look at crawld_visit_reasons_total. Many `deferred`: sites are in trouble; URLs are tried again.",
    _DISPOSITION,
)  # fmt: skip
REASONS = Metric(
    "crawld_visit_reasons_total", Kind.COUNTER, "visits",
    "Visits that did not end as a plain `fetched`, by reason; attempts that are made again count as well.",
    "records.md explains each reason and what helps; `crawl jobs show JOB` names the sites.",
    {"reason": "the reasons of records.md"},
)  # fmt: skip
RESPONSES = Metric(
    "crawld_responses_total", Kind.COUNTER, "answers", "Answers to visits, by the hundreds of their HTTP status.",
    "`4xx` with 429, and `5xx`: sites ask for less; a larger politeness.delay_s is kind. robots.txt is not counted.",
    {"status": "`1xx` to `9xx`"},
)  # fmt: skip
RECEIVED = Metric(
    "crawld_received_bytes_total", Kind.COUNTER, "bytes", "Bytes of bodies as they came over the wire.",
    "fetch.bytes_per_s limits what is received in a second, scope.size_limit_bytes what a crawl receives in all.",
)  # fmt: skip
STAGES = Metric(
    "crawld_stage_seconds_total", Kind.COUNTER, "seconds",
    "Time that visits spent in each stage, added up over all visits. `politeness` is time in which a place for a visit"
    " was free and URLs were queued, but no site was due.",
    "The largest stage is what to work on. `politeness` is high by design on few sites.",
    {"stage": "`politeness`, `queue`, `dns`, `connect`, `wait`, `download`, `parse`, `output`"},
)  # fmt: skip

# -- running jobs ------------------------------------------------------------------------------------------------------

IN_FLIGHT = Metric(
    "crawld_in_flight", Kind.GAUGE, "visits", "Visits under way.",
    "At crawld_visits_limit: a larger daemon.concurrency may help, if memory and the loop allow it.", _JOB,
)  # fmt: skip
QUEUED = Metric(
    "crawld_queued", Kind.GAUGE, "URLs", "URLs to visit, with those that wait for another attempt.",
    "It grows without end: look for traps (crawld_parked, traps.md), or set scope.max_depth or scope.limit.", _JOB,
)  # fmt: skip
PARKED = Metric(
    "crawld_parked", Kind.GAUGE, "URLs", "URLs that wait until a person unparks them.",
    "Look at them in the dashboard or with `crawl jobs show JOB`; unpark those that are no trap.", _JOB,
)  # fmt: skip
SITES = Metric(
    "crawld_sites", Kind.GAUGE, "sites", "Sites that have URLs queued or under way.",
    "Few sites with many URLs: the delay of each limits the crawl.", _JOB,
)  # fmt: skip
SETTLED = Metric(
    "crawld_settled", Kind.GAUGE, "URLs",
    "URLs that are done, over the whole life of the job. It falls where URLs are tried once more.",
    "Many `failed`: `crawl jobs retry JOB` tries them again once the cause is gone.", {**_JOB, **_DISPOSITION},
)  # fmt: skip
PAGES_PER_S = Metric(
    "crawld_pages_per_second", Kind.GAUGE, "pages a second", "Pages fetched, over the last ten seconds.",
    "Low: crawld_bound_by says what limits the job.", _JOB,
)  # fmt: skip
BYTES_PER_S = Metric(
    "crawld_bytes_per_second", Kind.GAUGE, "bytes a second", "Bytes of bodies, over the last ten seconds.",
    "fetch.bytes_per_s limits it.", _JOB,
)  # fmt: skip
ANSWER = Metric(
    "crawld_answer_seconds", Kind.GAUGE, "seconds",
    "Time of recent answers, from the look-up of the name to the last byte, accurate to a fifth. Absent: there were"
    " none.",
    "Sites are slow, or name servers, or this machine: compare crawld_stage_seconds_total.",
    {**_JOB, "percentile": _PERCENTILE},
)  # fmt: skip
BOUND_BY = Metric(
    "crawld_bound_by", Kind.GAUGE, "jobs", "Running jobs by what limits them.",
    "`advice` of a job says what helps, and so does the dashboard.",
    {"bound": "the bounds of daemon.md"},
)  # fmt: skip

# -- rendering ---------------------------------------------------------------------------------------------------------

RENDERED = Metric(
    "crawld_rendered_pages_total", Kind.COUNTER, "pages",
    "Pages that a browser rendered, or could not render; those are recorded as they came.",
    "Many `failed`: the field `detail` of their records says why. Many `rendered` where you expect few: rendering.md"
    " says how `--render auto` decides.",
    {"result": "`rendered`, `failed`"},
)  # fmt: skip
RENDER_SECONDS = Metric(
    "crawld_rendering_seconds_total", Kind.COUNTER, "seconds",
    "Time that pages spent in a browser, added up over all pages, with the rests of their sites.",
    "Divide its rate by that of crawld_rendered_pages_total: above some seconds a page, the machine is busy, or sites"
    " rest long between the requests of a page.",
)  # fmt: skip
RENDER_OPEN = Metric(
    "crawld_rendering_pages", Kind.GAUGE, "pages", "Pages that are in a browser now.",
    "At render.pages_at_once all the time: raise it if there is memory for it (50 MB a page).",
)  # fmt: skip
BROWSERS_STARTED = Metric(
    "crawld_browser_starts_total", Kind.COUNTER, "browsers", "Browsers that were started.",
    "Each job starts one, and a new one each render.browser_pages pages. Many more: pages bring them down; the log"
    " says so.",
)  # fmt: skip
BROWSERS_MEMORY = Metric(
    "crawld_browser_memory_bytes", Kind.GAUGE, "bytes",
    "Memory that browsers do not share with files, all their processes together (Linux).",
    "Smaller render.pages_at_once, render.tab_memory_bytes or render.browser_memory_bytes.",
)  # fmt: skip

# -- the process -------------------------------------------------------------------------------------------------------

BUILD = Metric(
    "crawld_build_info", Kind.GAUGE, "", "Always 1; the label has the version.", "Nothing to do.",
    {"version": "one"},
)  # fmt: skip
VISITS_LIMIT = Metric(
    "crawld_visits_limit", Kind.GAUGE, "visits", "Most visits at a time over all jobs (daemon.concurrency).",
    "Compare it with crawld_in_flight.",
)  # fmt: skip
WORKERS = Metric(
    "crawld_workers", Kind.GAUGE, "processes", "Worker processes, by what they do.",
    "All `busy` while crawld_parse_backlog grows: more workers on more cores (daemon.workers).",
    {"state": "`busy`, `idle`"},
)  # fmt: skip
PARSE_BACKLOG = Metric(
    "crawld_parse_backlog", Kind.GAUGE, "pages", "Pages that no worker has taken yet.",
    "As for crawld_workers; a page that takes long is cut off after offload.page_cpu_s.",
)  # fmt: skip
_WORK = {
    "work": "`parse`, `unpack and parse`, `parse with your function`, `robots.txt`, `other`",
    "below_bytes": "the bodies are smaller than this power of two, and at least half as large",
    "place": "`inline`, `thread`, `process`",
}
WORK_CHOSEN = Metric(
    "crawld_work_chosen", Kind.GAUGE, "", "Always 1; the label has the place that was chosen for work of a kind and a"
    " size. Only with offload.executor = \"auto\".",
    "concurrency.md says how it is chosen.", _WORK,
)  # fmt: skip
WORK_CPU = Metric(
    "crawld_work_cpu_seconds", Kind.GAUGE, "seconds",
    "Mean CPU time of a call by place, with the hand-over; places that are not safe or not measured are absent.",
    "Many bytes, or a page that is made to hurt: offload.page_cpu_s bounds it.", _WORK,
)  # fmt: skip
BODIES = Metric(
    "crawld_body_memory_bytes", Kind.GAUGE, "bytes", "Memory that bodies of answers take.",
    "At its limit, downloads wait: a larger daemon.budget_bytes, or a smaller fetch.max_body_bytes.",
)  # fmt: skip
BODIES_LIMIT = Metric(
    "crawld_body_memory_limit_bytes", Kind.GAUGE, "bytes", "Most memory that bodies may take (daemon.budget_bytes).",
    "Compare it with crawld_body_memory_bytes.",
)  # fmt: skip
LOOP_LATE = Metric(
    "crawld_event_loop_late_seconds", Kind.GAUGE, "seconds",
    "How late the event loop did what was due, over the last minute; percentile `100` is the worst.",
    "Above 0.1 s: one core is full (crawld_event_loop_busy_ratio), the machine is, or code of yours blocks the loop:"
    " the log names it (watch.blocked_after_s).",
    {"percentile": f"{_PERCENTILE}, `100`"},
)  # fmt: skip
LOOP_BUSY = Metric(
    "crawld_event_loop_busy_ratio", Kind.GAUGE, "shares of 1",
    "Share of the last minute in which the event loop's thread was on a CPU.",
    "Near 1: one core is full. Spread the jobs over several daemons.",
)  # fmt: skip
WORKERS_MEMORY = Metric(
    "crawld_workers_memory_bytes", Kind.GAUGE, "bytes", "Resident memory of all worker processes (Linux).",
    "Fewer workers (daemon.workers), or a smaller offload.page_memory_bytes.",
)  # fmt: skip
DISK_FREE = Metric(
    "crawld_disk_free_bytes", Kind.GAUGE, "bytes", "Free space where the data folder lies.",
    "Low: remove jobs that have ended (daemon.retention_s), or move the folder. Full: jobs stop, and lose nothing.",
)  # fmt: skip
DISK_SIZE = Metric(
    "crawld_disk_size_bytes", Kind.GAUGE, "bytes", "Size of the file system where the data folder lies.",
    "Compare it with crawld_disk_free_bytes.",
)  # fmt: skip
CPU = Metric(
    "process_cpu_seconds_total", Kind.COUNTER, "seconds", "CPU time of the daemon without its workers (Linux).",
    "Its rate is near 1: see crawld_event_loop_busy_ratio.",
)  # fmt: skip
RESIDENT = Metric(
    "process_resident_memory_bytes", Kind.GAUGE, "bytes", "Resident memory of the daemon without its workers (Linux).",
    "memory.md says what takes memory, and which settings limit it.",
)  # fmt: skip
VIRTUAL = Metric(
    "process_virtual_memory_bytes", Kind.GAUGE, "bytes", "Virtual memory of the daemon (Linux).",
    "Nothing to do: it says little.",
)  # fmt: skip
STARTED = Metric(
    "process_start_time_seconds", Kind.GAUGE, "seconds", "When the process began, in Unix seconds (Linux).",
    "It changes often: the daemon restarts; its log says why.",
)  # fmt: skip
OPEN_FILES = Metric(
    "process_open_fds", Kind.GAUGE, "files", "Open files and sockets (Linux).",
    "Near process_max_fds: raise the limit (LimitNOFILE, `ulimit -n`), or lower daemon.max_running.",
)  # fmt: skip
MOST_FILES = Metric(
    "process_max_fds", Kind.GAUGE, "files", "Most files and sockets that may be open (Linux).",
    "Compare it with process_open_fds.",
)  # fmt: skip
PROCESS = (CPU, RESIDENT, VIRTUAL, STARTED, OPEN_FILES, MOST_FILES)

# -- the daemon and its API --------------------------------------------------------------------------------------------

JOBS = Metric(
    "crawld_jobs", Kind.GAUGE, "jobs", "Jobs by state.",
    "Many `queued`: a larger daemon.max_running. Any `failed`: `crawl jobs list --state failed`.",
    {"state": "the states of daemon.md"},
)  # fmt: skip
STREAMS = Metric(
    "crawld_event_streams", Kind.GAUGE, "streams", "Open streams of events: dashboards and clients that listen.",
    "Close dashboards that nobody looks at; 500 are the most.",
)  # fmt: skip
CONNECTIONS = Metric(
    "crawld_connections", Kind.GAUGE, "connections", "Open connections of API clients.",
    "Clients should keep and use one connection each.",
)  # fmt: skip
STRANGERS = Metric(
    "crawld_strangers", Kind.GAUGE, "connections", "Those of crawld_connections that have not shown the token.",
    "Somebody without the token connects a lot: a firewall or a proxy keeps them out.",
)  # fmt: skip
CLOSED = Metric(
    "crawld_connections_closed_total", Kind.COUNTER, "connections", "Connections that the daemon closed, by why.",
    "daemon.md explains each word.",
    {"why": "`silent`, `unread`, `crowded`, `full`, `foreign`"},
)  # fmt: skip
MALFORMED = Metric(
    "crawld_malformed_requests_total", Kind.COUNTER, "requests", "Requests that are no HTTP.",
    "Something else speaks to the port: a scanner, or TLS without a proxy.",
)  # fmt: skip

SECTIONS: Mapping[str, tuple[Metric, ...]] = {
    "Visits": (VISITS, REASONS, RESPONSES, RECEIVED, STAGES),
    "Running jobs": (IN_FLIGHT, QUEUED, PARKED, SITES, SETTLED, PAGES_PER_S, BYTES_PER_S, ANSWER, BOUND_BY),
    "Rendering": (RENDERED, RENDER_SECONDS, RENDER_OPEN, BROWSERS_STARTED, BROWSERS_MEMORY),
    "The process": (
        BUILD, VISITS_LIMIT, WORKERS, PARSE_BACKLOG, WORK_CHOSEN, WORK_CPU, BODIES, BODIES_LIMIT, LOOP_LATE, LOOP_BUSY,
        WORKERS_MEMORY, DISK_FREE, DISK_SIZE, *PROCESS,
    ),
    "The daemon and its API": (JOBS, STREAMS, CONNECTIONS, STRANGERS, CLOSED, MALFORMED),
}  # fmt: skip
"""All metrics, in the order in which they are shown."""
METRICS = tuple(metric for section in SECTIONS.values() for metric in section)
