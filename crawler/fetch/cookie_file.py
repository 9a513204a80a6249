"""Keeps the cookies of a crawl in a file: restored at its start, saved now and then and at its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import CancelScope, Lock, create_task_group

from ..errors import ConfigError
from .cookie_jar import CookieJar
from .cookies import Cookies

log = logging.getLogger(__name__)

SAVE_EVERY_S = 30.0
"""A kill loses the cookies of this time at most."""


@asynccontextmanager
async def keep_cookies(cookies: Cookies, path: Path) -> AsyncIterator[None]:
    """Restores the cookies from the file, if it is there, and saves them within the block and at its end.

    Raises ConfigError where the file cannot be read or written at the start. Later failures are logged.
    """
    jar = CookieJar(cookies)
    try:
        if await anyio.Path(path).exists():
            await jar.load(path)
        saved = cookies.changes
        await jar.save(path)
    except OSError as error:
        raise ConfigError(f"fetch.cookie_file: {path}: {error.strerror or error}") from error
    except ConfigError as error:
        raise ConfigError(f"fetch.cookie_file: {error}") from error
    turn = Lock()
    async with create_task_group() as tasks:
        tasks.start_soon(_save_now_and_then, cookies, path, saved, turn)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with CancelScope(shield=True):
                await _save(cookies, path, turn)


async def _save_now_and_then(cookies: Cookies, path: Path, saved: int, turn: Lock) -> None:
    """Saves the cookies whenever they have changed; `saved` is the count of changes that are in the file already."""
    while True:
        await anyio.sleep(SAVE_EVERY_S)
        if cookies.changes != saved:
            saved = cookies.changes
            await _save(cookies, path, turn)


async def _save(cookies: Cookies, path: Path, turn: Lock) -> None:
    """Saves the cookies, never beside another save: both would write the same draft.

    A save that has begun ends, for no one can call its thread back: the one at the end waits for it.
    """
    try:
        async with turn:
            with CancelScope(shield=True):
                await CookieJar(cookies).save(path)
    except OSError as error:
        log.warning("the cookies cannot be saved in %s: %s", path, error.strerror or error)
