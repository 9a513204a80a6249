"""Declares the settings of the daemon as keyword arguments, for tools that check types. Written by `make settings`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class DaemonSettings(TypedDict, total=False):
    """All settings of a daemon by name, as `DaemonConfig` takes them."""

    host: str
    """The address that the API listens on. Any address but loopback requires a token."""
    port: int
    """The port that the API listens on; 0: any free one."""
    socket: str
    """The path of a unix socket to listen on, instead of host and port. Empty: none."""
    allowed_hosts: Sequence[str]
    """Host names that clients may use for the API, besides localhost and the address that it listens on."""
    webhooks: Sequence[str]
    """URLs that receive every change of a job's state. docs/daemon.md explains how each message is signed."""
    webhook_secret_file: str
    """The file with the secret that signs webhooks; nobody but its owner may have access. Empty: `webhook-secret` in
    the data folder."""
    token_file: str
    """The file with the token that clients send; nobody but its owner may have access. Empty: `token` in the data
    folder."""
    data: str
    """The folder where the daemon stores its jobs and everything else."""
    trust_folder: bool
    """Whether to use the data folder, tokens and folders of jobs even if they belong to another account."""
    open_folder: bool
    """Whether to use a data folder that other accounts can write to, and to leave the permissions of its files as they
    are."""
    max_running: int
    """Most jobs that run at the same time. Further jobs wait in the queue."""
    max_crashes: int
    """Number of crashes of the daemon in a row after which a job is paused, because it may be their cause: it ran each
    time and fetched nothing in between. `kill -9` and power cuts count as crashes."""
    max_jobs: int
    """Most jobs that the daemon stores, including those that have ended."""
    max_seeds: int
    """Most seeds of one job."""
    max_body_bytes: int
    """Largest JSON body of a request. Seeds are not limited by it, because they are streamed."""
    retention_s: float | None
    """Time after which a job that has ended is removed, together with its folder. Absent: jobs are not removed."""
    grace_s: float
    """Time that visits under way get to finish when the daemon stops."""
    concurrency: int
    """Most visits at the same time, over all jobs."""
    budget_bytes: int
    """Memory for the bodies of all jobs together."""
    workers: int
    """Number of worker processes, which all jobs share; 0: one for each core that this process may use."""
    mcp: bool
    """Whether models may use the daemon at `/mcp`, with its token (docs/mcp.md)."""
    adapters: Sequence[str]
    """Other protocols that are spoken over the same jobs: `firecrawl`, `scrapyd` (docs/adapters.md)."""
    bounds: Mapping[str, object]
    """Limits that no job may exceed, by the name of the setting: `{ delay_s = 1.0, limit = 10_000, robots = "obey" }`.
    A job may not choose a shorter delay, a larger number, or another value of anything else."""
