"""Publishes the key by which the daemon's crawls sign their requests."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web

from ...errors import ConfigError
from ...identity import DIRECTORY_PATH, DIRECTORY_TYPE, make_key_directory, read_identity, sign_directory
from .keys import JOBS
from .operations import Operations
from .problems import Problem

KEPT_S = 24 * 3600
"""Seconds for which readers may keep the directory."""
operation = Operations()


@operation("GET", DIRECTORY_PATH, {200: DIRECTORY_TYPE}, is_public=True, raises=("not-found",))
async def show_key_directory(request: web.Request) -> web.StreamResponse:
    """The public key that signs requests (`identity.key_file`), as sites look it up to check a signature.

    The answer is signed for the host that `identity.signature_agent` names, whatever host was asked for.
    """
    said = request.app[JOBS].base.identity
    if not said.key_file:
        raise Problem(404, "not-found", "this daemon signs no requests: identity.key_file names no key")
    if not said.signature_agent:
        words = "this daemon signs no requests: identity.signature_agent does not name where its key is published"
        raise Problem(404, "not-found", words)
    try:
        identity = await asyncio.to_thread(read_identity, Path(said.key_file))
    except ConfigError as error:
        raise Problem(404, "not-found", "the key of this daemon cannot be read now") from error
    authority = said.signature_agent.removeprefix("https://").removesuffix(":443")
    inputs, signature = sign_directory(identity, authority, time.time())
    return web.Response(
        body=make_key_directory(identity),
        headers={
            "Content-Type": DIRECTORY_TYPE, "Cache-Control": f"max-age={KEPT_S}",
            "Signature-Input": inputs, "Signature": signature,
        },
    )  # fmt: skip
