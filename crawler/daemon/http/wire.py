"""What is no HTTP: counted, answered in our words, and told in a short line to those who ask for details."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web

from .porch import Porch
from .problems import Problem, answer
from .safety import ANSWER_HEADERS

log = logging.getLogger(__name__)

MOST_TOLD = 200
"""Characters of what came that a line of the log repeats."""


class Wire(web.RequestHandler):
    """aiohttp's protocol, which tells requests that it cannot read by a traceback and a page of its own."""

    __slots__ = ("_porch",)

    def __init__(self, porch: Porch, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._porch = porch

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what could not be read, after which the connection is closed."""
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._note_malformed(message)
            problem = Problem(status, "malformed", "this is no request of HTTP/1.1 that could be read")
        else:
            log.error("a bug while answering %s", request.remote, exc_info=exc)
            problem = Problem(status, "internal", "a bug of ours; the daemon's log tells more")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        said = answer(problem)
        said.headers.update(ANSWER_HEADERS)
        said.force_close()
        return said

    def log_exception(self, *words: Any, **more: Any) -> None:
        """What went wrong while the rest of a body was read that nobody wanted is its sender's business."""
        if isinstance(more.get("exc_info"), web.RequestPayloadError):
            self._note_malformed(str(more["exc_info"]))
        else:
            super().log_exception(*words, **more)

    def _note_malformed(self, message: str | None) -> None:
        self._porch.malformed += 1
        log.debug("no HTTP from %s: %.*s", self.peername, MOST_TOLD, message)
