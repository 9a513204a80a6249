"""Handles input that is not HTTP: it is counted and answered with a problem document, and never a traceback."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from aiohttp import web

from .admission import Admission
from .problems import Problem, answer
from .safety import ANSWER_HEADERS

log = logging.getLogger(__name__)

MOST_TOLD = 200
"""Characters of the input that a log line repeats."""


class Wire(web.RequestHandler):
    """aiohttp's protocol, without the traceback and the page that it makes for requests that it cannot read."""

    __slots__ = ("_porch",)

    def __init__(self, admission: Admission, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._porch = admission

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Returns the answer to a request that could not be read. Then the connection is closed."""
        if isinstance(exc, ConnectionError):
            log.debug("%s left before its request was read", request.remote)
            problem = Problem(status, "internal", "nobody reads this")
        elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._note_malformed(message)
            problem = Problem(status, "malformed", "this is not a valid HTTP/1.1 request")
        else:
            log.error("a bug while answering %s", request.remote, exc_info=exc)
            problem = Problem(status, "internal", "a bug of ours; the daemon's log has details")
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        said = answer(problem)
        said.headers.update(ANSWER_HEADERS)
        said.force_close()
        return said

    def log_exception(self, *words: Any, **more: Any) -> None:
        """Logs an exception. An error while the rest of a refused body is read is only counted as malformed."""
        error = more.get("exc_info")
        if isinstance(error, ConnectionError):
            log.debug("%s left before its request was read", self.peername)
        elif isinstance(error, web.RequestPayloadError):
            self._note_malformed(str(error))
        else:
            super().log_exception(*words, **more)

    def _note_malformed(self, message: str | None) -> None:
        peer = self.peername[0] if isinstance(self.peername, tuple) else "the unix socket"
        self._porch.note_malformed(str(peer), " ".join((message or "").split())[:MOST_TOLD])
