"""Lists the result files in a job's crawl folder, and sends them, whole or in ranges."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from ...errors import ConfigError
from ..api import Jobs
from . import inputs, paging
from .jobs import id_of
from .keys import JOBS
from .models import FileOut, FilesOut
from .operations import Operations
from .paging import PageQuery
from .problems import Problem
from .sending import FileAnswer

BINARY = "application/octet-stream"
KEPT_BACK = frozenset({"crawl.toml", "lock", "frontier.sqlite", "frontier.sqlite-wal", "frontier.sqlite-shm"})
"""Files that are not offered: settings may hold passwords, and a copy of a live frontier is useless."""
operation = Operations()


@operation("GET", "/v1/jobs/{id}/files", {200: FilesOut}, query=PageQuery)
async def list_files(request: web.Request) -> web.StreamResponse:
    """The result files in the crawl folder."""
    asked = inputs.query(request, PageQuery)
    found = sorted(await _list(request.app[JOBS], id_of(request)), key=_path)
    page = paging.cut_by_key(found, asked, "files", _path, "")
    return paging.answer(request, FilesOut(items=page.items, next=page.following))


@operation("GET", "/v1/jobs/{id}/files/{file:.+}", {200: BINARY, 206: BINARY, 304: None, 412: None, 416: None})
async def send_file(request: web.Request) -> web.StreamResponse:
    """One file, or the requested range of it (RFC 9110 14)."""
    jobs, job, wanted = request.app[JOBS], id_of(request), request.match_info["file"]
    folder = jobs.folder(job)
    listed = {file.path for file in await _list(jobs, job)}
    if wanted not in listed:
        raise Problem(404, "not-found", "the folder holds no such file; `/files` lists those it does")
    # Crawled content is always sent as data, so that no browser shows it as a page of ours.
    headers = {"Content-Type": BINARY, "Content-Disposition": f'attachment; filename="{Path(wanted).name}"'}
    return FileAnswer(folder / wanted, headers=headers)


async def _list(jobs: Jobs, job: str) -> list[FileOut]:
    """Lists the files of a job without drafts, which are unfinished."""
    folder = jobs.folder(job)
    try:
        drafts = {name for output in await jobs.outputs(job) for name in output.drafts}
    except ConfigError:  # settings of an older version; the files are there all the same
        drafts = set()
    return [file for file in await asyncio.to_thread(_files, folder) if file.path not in drafts]


def _path(file: FileOut) -> str:
    return file.path


def _files(folder: Path) -> list[FileOut]:
    """Returns ordinary files only, because a link may lead anywhere."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return [_file(path, folder) for path in found if _is_result(path.relative_to(folder))]


def _is_result(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts)
    return not is_hidden and path.name not in KEPT_BACK and str(path).isprintable()


def _file(path: Path, folder: Path) -> FileOut:
    status = path.stat()
    return FileOut(path=path.relative_to(folder).as_posix(), bytes=status.st_size, modified_at=status.st_mtime)
