"""Declares the settings of CPU work, of the frontier and of outputs."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, ValidationInfo, field_validator, model_validator

from .table import Fixed, ForJobs, Kind, Secret, Shared, Size, Table

OWN_FILES = frozenset({
    "crawl.toml", "crawl.log", "crawl.log.1", "lock", "bad-seeds.txt", "frontier.sqlite", "seeds", "copied.jsonl",
    "requests.audit", "robots.kept", "settings.history", "bounds.timeline",
    "preferences.jsonl",
    "near-duplicates.sqlite",
})  # fmt: skip
"""Files of a crawl folder beside the files of the sinks."""
MOST_NAME_BYTES = 200
"""Longest file name of a sink. File systems take 255 bytes, and files made from it may have a longer ending."""
MOST_SINKS = 16


JOB_SINKS = frozenset({"jsonl", "warc", "files", "csv", "sqlite"})
"""The formats of ours that write into the crawl folder alone. A job of a daemon may choose these."""
OWNER_SINKS = frozenset({"parquet", "postgres", "webhook"})
"""The formats of ours that reach elsewhere or take much memory. Only the owner of a daemon may choose them."""
BUILT_IN_SINKS = JOB_SINKS | OWNER_SINKS
"""The formats of ours."""
PATHS = {
    "warc": "warc",
    "files": "files",
    "csv": "pages.csv",
    "sqlite": "pages.sqlite",
    "parquet": "parquet",
    "postgres": "",
    "webhook": "webhook",
}
"""The names that outputs have if none is chosen; all others of ours are called `pages.jsonl`."""
HEAVY = ("links", "text", "markdown", "metadata", "structured", "headers", "simhash", "audit")
"""Fields of records that cost more, so each has a setting. As a column it is made, too."""

MOST_INLINE_BYTES = 1 << 16
"""Largest body that may be parsed on the loop, whatever the settings say: it takes a millisecond or two."""


def _read_loops(value: object) -> object:
    """Returns 0 for `auto`, and anything else unchanged."""
    return 0 if value == "auto" else value


class OffloadConfig(Table):
    """Workers that do the CPU work."""

    executor: Shared[Literal["process", "thread", "inline", "auto"]] = "process"
    """The place where parsing, hashing and decompression run. `auto` measures what each place costs and takes the
    cheapest; only plain pages below 64 KiB may leave the worker processes (docs/concurrency.md)."""
    workers: Shared[Annotated[int, Field(ge=0, le=256)]] = 0
    """Number of worker processes; 0: one for each core that this process may use."""
    loops: Annotated[int, BeforeValidator(_read_loops), Field(ge=0, le=16)] = 1
    """Event loops of the command `crawl`, each a process with workers of its own (docs/scale.md). 0, or `auto`: one for
    every two cores, from four cores on."""
    inline_below_bytes: Shared[Annotated[int, Field(ge=0, le=MOST_INLINE_BYTES)]] = 1024
    """Bodies below this size are parsed on the loop, for handing over costs more, unless they are compressed or a
    function of yours reads them. A stranger can make 1 KiB cost a millisecond, and larger bodies in proportion."""
    batch: Shared[Annotated[int, Field(ge=1, le=256)]] = 16
    """Most pages handed over together, while all workers are busy."""
    page_cpu_s: Shared[Annotated[float, Field(gt=0)]] = 10.0
    """CPU seconds that one page may cost. Then its worker is ended, and the links come from a linear scan:
    `parse-timeout`."""
    page_memory_bytes: Shared[Annotated[int, Field(ge=8 << 20)]] = 96 << 20
    """Memory that reading one page may take, in one worker at a time; a quarter of it in all others. A page that needs
    more is read by a linear scan alone: `parse`."""


class FrontierConfig(Table):
    """Storage of the queue and of the known URLs."""

    kind: Fixed[Kind] = "sqlite"
    """The store of the queue: `sqlite`; `memory`, which loses everything at the end of the process; `engine`, a server
    that several machines work on together (docs/scale.md); or one that an installed package adds (docs/plugins.md)."""
    engine: Secret[str] = ""
    """The server of the kind `engine`: `postgresql://user:password@host/database`, or `redis://:password@host:6379/0`.
    `$NAME` reads it from the environment, so that it is stored nowhere."""
    crawl: Fixed[str] = ""
    """The name of the crawl in the engine: all nodes that name it work on it together."""
    node: Fixed[str] = ""
    """The name of this node in the engine. Whoever joins with the name of another node ends that one's part."""
    shards: Annotated[Fixed[int], Field(ge=1, le=4096)] = 256
    """Parts into which a crawl in an engine is cut, a power of two. Its sites are shared out by these among nodes. Set
    when the crawl is made."""
    ttl_s: Annotated[float, Field(ge=1.0, le=3600.0)] = 15.0
    """Seconds without a sign of life after which other nodes of an engine take over the sites of a node."""
    store_options: Secret[dict[str, JsonValue]] = Field(default_factory=dict)
    """Settings of a store that a package adds."""
    durability: ForJobs[Literal["none", "process", "power"]] = "power"
    """Failures that a settled page survives: the end of the process (kill -9), or a power cut too. `process` waits for
    no disk; after a power cut, the pages of the last minute may have to be fetched again. `none` is `process`, and
    takes an engine that may lose the whole crawl, too (docs/scale.md)."""
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    """Memory that known URLs and active sites should take; a warning is logged at four fifths of it. 0: no warning. A
    URL takes 20 bytes, a site with queued URLs 6,000."""

    @property
    def files_survive(self) -> Literal["process", "power"]:
        """The failures that files of this machine survive."""
        return "power" if self.durability == "power" else "process"

    @field_validator("shards")
    @classmethod
    def _check_shards(cls, shards: int) -> int:
        if shards & (shards - 1):
            raise ValueError("should be a power of two")
        return shards


class SinkConfig(Table):
    """An output for records; one table for each output."""

    kind: ForJobs[Kind] = "jsonl"
    """The format: `jsonl`, one JSON object per line; `csv`, a table; `sqlite`, a database; `parquet`, a folder of
    files; `postgres`, a table of a server; `webhook`, messages to a URL; `warc`, an archive of every exchange; `files`,
    bodies as files (docs/outputs.md); or one that an installed package adds (docs/plugins.md)."""
    path: ForJobs[str] = "pages.jsonl"
    """File name inside the crawl folder; for `warc`, `files`, `parquet` and `webhook` that of a folder in it. A table
    whose name ends with `.tsv` has tabs between its cells. A format of a package may do without."""
    fields: ForJobs[tuple[Annotated[str, Field(max_length=200)], ...]] = ()
    """The columns of a table: fields of records (docs/records.md), such as `url` or `timings.ttfb`. Empty: all but the
    large ones, which `links`, `text` and `headers` add."""
    links: ForJobs[bool] = False
    """Write the list of all links of each page."""
    text: ForJobs[bool] = False
    """Write the readable text of each page's main part."""
    markdown: ForJobs[bool] = False
    """Write the main part of each page as markdown (docs/extraction.md)."""
    metadata: ForJobs[bool] = False
    """Write what each page says of itself: title, authors, dates, breadcrumbs, translations (docs/extraction.md)."""
    structured: ForJobs[bool] = False
    """Write the structured data of each page: JSON-LD, microdata, RDFa, Open Graph, Twitter cards, Dublin Core."""
    headers: ForJobs[bool] = False
    """Write the header fields of the answer."""
    simhash: ForJobs[bool] = False
    """Write the simhash of each page, by which near duplicates are found. It takes a tenth of a worker's CPU time."""
    audit: ForJobs[bool] = False
    """Write facts for the owner of a site about each page: links with their texts, places, headings, translations,
    structured data, mixed content, security headers (docs/records.md). They take a quarter of a worker's CPU time."""
    types: ForJobs[tuple[Literal["html", "pdf", "images", "all", "screenshots", "prints"], ...]] = ()
    """The bodies that `files` saves, by their media type, and views of rendered pages: `screenshots` as PNG, `prints`
    as PDF. Empty: all bodies."""
    url: Secret[str] = ""
    """The server of `postgres`, `postgresql://user:password@host/database`, or the URL that `webhook` posts to.
    `$NAME` reads it from the environment, so that it is stored nowhere."""
    secret: Secret[str] = ""
    """The secret that signs messages of `webhook` (Standard Webhooks), such as `whsec_...`; `$NAME` reads it from the
    environment. Empty: they are not signed."""
    table: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$")] = "pages"
    """The table of `postgres`, which is made if it is missing; `schema.table` names its schema, too."""
    give_up_s: Annotated[float, Field(ge=0)] = 600.0
    """How long a crawl waits for a server that takes no pages. Then the run ends; nothing is lost."""
    batch: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Most records in one message of `webhook` or one file of `parquet`. 0: the usual 100 and 100,000."""
    batch_bytes: Annotated[Size, Field(ge=0)] = 0
    """Most bytes of records in one message or file, counted as JSON. 0: the usual 256K and 256M."""
    batch_s: Annotated[float, Field(ge=0)] = 0.0
    """How many seconds a record waits for others in one message or file. 0: the usual 5 and 600."""
    options: Secret[dict[str, JsonValue]] = Field(default_factory=dict)
    """Settings of a format that a package adds."""

    @model_validator(mode="before")
    @classmethod
    def _name_no_file(cls, given: Any) -> Any:
        """Gives outputs the usual names of their formats, and one of a package none of ours, if none was chosen."""
        kind = given.get("kind") if isinstance(given, dict) else None
        if isinstance(kind, str) and kind in PATHS:
            return {"path": PATHS[kind], **given, **_heavy_columns(given)}
        return {"path": "", **given} if isinstance(kind, str) and kind not in BUILT_IN_SINKS else given

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str, info: ValidationInfo) -> str:
        if path or info.data.get("kind", "jsonl") in BUILT_IN_SINKS - {"postgres"}:
            check_file_name(path)
        return path


def _heavy_columns(given: dict[str, Any]) -> dict[str, bool]:
    """Returns the settings that make the large fields that are chosen as columns."""
    fields = given.get("fields")
    return {name: True for name in HEAVY if name in fields} if isinstance(fields, list | tuple) else {}


def check_file_name(name: str) -> None:
    """Raises ValueError for a name that no output of a crawl folder may have."""
    if not _is_plain(name):
        raise ValueError(
            f"should be a plain file name of 1 to {MOST_NAME_BYTES} bytes, without / and \\,"
            " that begins and ends with neither dot nor space"
        )
    if own := next((one for one in sorted(OWN_FILES) if _is_derived_from(as_file(name), one)), None):
        raise ValueError(f"should not be like {own}, which the crawl writes itself: call it pages.jsonl")


def as_file(name: str) -> str:
    """Returns one text for all names that a file system may take for one; capitals and Unicode forms may not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _is_plain(name: str) -> bool:
    return (
        0 < len(name.encode()) <= MOST_NAME_BYTES
        and name.isprintable()
        and not set(name) & set("/\\")
        and not name.startswith((".", " "))
        and not name.endswith((".", " "))
    )


def _is_derived_from(name: str, own: str) -> bool:
    """Returns whether a name is or derives from a file of the crawl itself: `frontier.sqlite-wal`, `crawl.toml.new`."""
    return name == own or ("." in own and name.startswith((f"{own}.", f"{own}-")))
