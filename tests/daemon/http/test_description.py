"""Whatever the description of the API allows or forbids is asked of a real one, by schemathesis."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from subprocess import CompletedProcess

import anyio
import pytest

from crawler.daemon import DaemonConfig, open_jobs
from crawler.daemon.http import open_server
from crawler.settings.loading import amend

from ..conftest import BASE, submit
from .conftest import TOKEN

NOWHERE = amend(BASE, {"fetch.proxy": "http://127.0.0.1:9"})
"""Seeds are made up here: nothing they name is ever asked for."""
WIRE = "aiohttp.server"
"""It tells of what is no HTTP."""
CONFIG = """
seed = 20261122
request-timeout = 20.0
max-stream-events = 1
warnings = false

[generation]
max-examples = 4
database = "none"

[parameters]
"path.id" = "{job}"

[phases.stateful]
enabled = false

# What has the shape and not the sense is told so: a cursor of nobody's, no seed among the seeds.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 401, 404, 409, 412, 422]

# Too many seeds are too many bytes first.
[checks.negative_data_rejection]
expected-statuses = [400, 401, 404, 405, 409, 412, 413, 415, 422]

# What a page and a map need is a site, and there is none.
[[operations]]
include-path-regex = "^/v1/(fetch|map)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 422, 424]
checks.negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 413, 415, 422, 424]

# A stream without end ends with its first event, and what happened before is told at once.
[[operations]]
include-path-regex = "/events$"
parameters = {{ "query.after" = 0, "header.Last-Event-ID" = "0" }}

# A feed has no end either; a cursor of nobody's is refused at once.
[[operations]]
include-path-regex = "/changes$"
parameters = {{ "query.since" = "AAAA", "header.Last-Event-ID" = "AAAA" }}

# A number is a line of text as well, and lines that are no URL are counted later.
[[operations]]
include-path = "/v1/jobs/{{id}}/seeds"
checks.negative_data_rejection.expected-statuses = [202, 400, 401, 404, 405, 409, 415, 422]

[[operations]]
include-method = "DELETE"
parameters = {{ "path.id" = "{other}" }}
"""


@pytest.mark.long
@pytest.mark.slow
async def test_every_operation_does_what_its_description_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        open_jobs(DaemonConfig(), tmp_path / "data", NOWHERE) as jobs,
        open_server(jobs, host="127.0.0.1", port=0, token=TOKEN) as listening,
    ):
        ids = [(await submit(jobs, ["http://127.0.0.1:9/"], is_paused=True)).id for _ in range(2)]
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(job=ids[0], other=ids[1]))
        ran = await _schemathesis(config, listening.url, tmp_path)
    assert ran.returncode == 0, ran.stdout.decode()
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR and record.name != WIRE
    ] == []


async def _schemathesis(config: Path, url: str, folder: Path) -> CompletedProcess[bytes]:
    script = Path(sys.executable).with_name("schemathesis")
    command = [script, "--config-file", config, "run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {TOKEN}"]
    with anyio.fail_after(300):
        return await anyio.run_process(list(map(str, command)), cwd=folder, check=False)
