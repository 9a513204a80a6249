"""Files as answers, sent so that a client that does not read is seen."""

from __future__ import annotations

from typing import IO, Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter


class FileAnswer(web.FileResponse):
    """A file, or the range of it that is asked for (RFC 9110 14), read in pieces.

    aiohttp would hand it to the kernel (sendfile), which waits for the client without end and does not tell how far
    it is.
    """

    async def _sendfile(self, request: web.BaseRequest, fobj: IO[Any], offset: int, count: int) -> AbstractStreamWriter:
        writer = await web.StreamResponse.prepare(self, request)
        assert writer is not None
        return await self._sendfile_fallback(writer, fobj, offset, count)
