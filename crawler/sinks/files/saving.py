"""Saves bodies as files that are named by their content, and lists them in a file that is cut back as records are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from ...errors import ParseError
from ...model import VIEWS, Disposition, Outcome, Position, Response
from ...parse import codings, kinds
from ...runtime.escaping import json_line
from ...runtime.files import sync_file, sync_folder
from ...runtime.private_files import check_place, make_inner_folder, opener
from ...runtime.times import iso
from ..jsonl.writing import JsonLines, off_loop

LIST = "files.jsonl"
DRAFT_NAME = "draft.new"
"""The one file that is being written. A crawl that was killed leaves it, and the next one writes over it."""
_KEPT = frozenset((Disposition.FETCHED, Disposition.DUPLICATE))


class Saved(NamedTuple):
    """A body that has its file, or a view of the page."""

    name: str
    """The name of the file, below the folder of the list."""
    line: bytes
    """The line of the visit in the list."""
    view: str = ""
    """`screenshot` or `print`. Empty: it is the body."""


class SavedFiles(JsonLines):
    """Saves the bodies of visits, one file for each content. Implements Sink and Archive: records name the files.

    The list settles as records do. A body that no settled line names stays, and does no harm: its page is fetched
    again, and names it then. What is written is done in threads.
    """

    def __init__(self, name: str, folder: Path, types: frozenset[str], most_bytes: int, *, sync: bool = False) -> None:
        """`types`: html, pdf, images, all, screenshots, prints. `most_bytes`: of a body without its content coding."""
        super().__init__(folder / LIST, sync=sync)
        self.name = name
        self._path = name.partition(":")[2]
        self._types = types
        self._most_bytes = most_bytes
        self._saved: dict[int, list[Saved]] = {}
        """The files saved for the batch that is written next, by the identity of its leases."""

    async def archive(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Saves the bodies of the final ones; returns the outcomes with the names of their files."""
        final = [one for one in outcomes if one.is_final and not one.request.is_reread]
        self._saved = await off_loop(self._save_all, final)
        return [self._name(one, self._saved.get(id(one.lease), [])) for one in outcomes]

    def _name(self, outcome: Outcome, saved: Sequence[Saved]) -> Outcome:
        if not saved:
            return outcome
        named = {one.view: f"{self._path}/{one.name}" for one in saved}
        body = named.pop("", outcome.file)
        return replace(outcome, file=body, views=(*outcome.views, *named.items()))

    async def write(self, outcomes: Sequence[Outcome]) -> Position:
        saved, self._saved = self._saved, {}
        if left := [one for one in outcomes if id(one.lease) not in saved]:
            saved |= await off_loop(self._save_all, left)
        lines = b"".join([one.line for outcome in outcomes for one in saved[id(outcome.lease)]])
        if lines:
            await off_loop(self._append, lines)
            self._length += len(lines)
        return {self.path.name: self._length}

    def _cut(self, length: int) -> int:
        make_inner_folder(self.path.parent)
        return super()._cut(length)

    def _save_all(self, outcomes: Sequence[Outcome]) -> dict[int, list[Saved]]:
        return {id(one.lease): list(self._save(one, one.response)) if one.response else [] for one in outcomes}

    def _save(self, outcome: Outcome, response: Response) -> Iterator[Saved]:
        """Saves the body of a visit and the views of its page, as far as they are wanted."""
        if outcome.disposition not in _KEPT or not 200 <= response.status < 300 or not response.body:
            return
        if body := self._save_body(outcome, response):
            yield body
        if response.rendered:
            for view, kind in VIEWS.items():
                data = getattr(response.rendered, view)
                if data and f"{view}s" in self._types:
                    yield self._store(outcome, data, kind, view)

    def _save_body(self, outcome: Outcome, response: Response) -> Saved | None:
        try:
            coding = ",".join(response.all("content-encoding"))
            body = codings.decode_beginning(response.body, coding, self._most_bytes, is_cut=True).body
        except ParseError:
            return None
        content_type = response.header("content-type")
        kind = kinds.media_type(content_type, body)
        if not self._is_wanted(kind):
            return None
        return self._store(outcome, body[: self._most_bytes], kind)

    def _store(self, outcome: Outcome, body: bytes, kind: str, view: str = "") -> Saved:
        """Writes a file that is named by its content."""
        digest = sha256(body).hexdigest()
        ending = kinds.ENDINGS.get(kind, "bin").split()[0]
        name = f"{digest[:2]}/{digest}.{ending}"
        self._keep(self.path.parent / name, body)
        said = {"url": outcome.request.url.text, "fetched_at": iso(outcome.visited_at, "milliseconds"), "type": kind}
        said |= {"view": view} if view else {}
        return Saved(name, json_line({**said, "digest": f"sha256:{digest}", "bytes": len(body), "file": name}), view)

    def _is_wanted(self, kind: str) -> bool:
        return (
            "all" in self._types
            or ("html" in self._types and kind in kinds.HTML)
            or ("pdf" in self._types and kind == "application/pdf")
            or ("images" in self._types and kind.startswith("image/"))
        )

    def _keep(self, path: Path, body: bytes) -> None:
        """Writes a file that appears whole, unless it is there already."""
        status = check_place(path)
        if status and status.st_size == len(body):
            return
        make_inner_folder(path.parent)
        draft = self.path.parent / DRAFT_NAME
        with open(draft, "wb", opener=opener) as file:
            file.write(body)
            file.flush()
            if self._sync:
                sync_file(file.fileno())
        os.replace(draft, path)
        if self._sync:
            sync_folder(path.parent)
            sync_folder(self.path.parent)
