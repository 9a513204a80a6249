"""Sends files in a way that notices a client that does not read."""

from __future__ import annotations

from typing import IO, Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


class FileAnswer(web.FileResponse):
    """Sends a file, or the requested range of it (RFC 9110 14), read in pieces.

    aiohttp would hand it to the kernel (sendfile), which waits for the client without limit and does not say how much
    was sent.
    """

    async def _sendfile(self, request: web.BaseRequest, fobj: IO[Any], offset: int, count: int) -> AbstractStreamWriter:
        writer = await web.StreamResponse.prepare(self, request)
        assert writer is not None
        return await self._sendfile_fallback(writer, fobj, offset, count)
