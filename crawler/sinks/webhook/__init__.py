"""The format `webhook`: records are posted to a URL in signed messages, each at least once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from anyio import create_task_group

from ...errors import ConfigError
from ...model import Post
from ...protocols import Sink
from ...runtime.private_files import DRAFT
from ...settings import SinkConfig
from ..record import wants_of
from ..secret_values import MARK, reveal
from ..spool import Spool
from .messages import Limits, Target
from .sending import SENT, Sending
from .writing import Webhook

RECORDS, MESSAGE_BYTES, AGE_S = 100, 256 << 10, 5.0
"""The usual bounds of one message: records, bytes, and seconds that a record waits for others."""


class WebhookOutput:
    """The output that posts to `config.url`. Records wait in the folder `config.path` until they were taken."""

    reader: None = None
    mender: None = None

    def __init__(self, folder: Path, config: SinkConfig, key: str = "sinks") -> None:
        """`key` names the settings of this output. Raises ConfigError for settings that cannot be used."""
        self._folder = folder / config.path
        self._config = config
        self._key = key
        self.name: str = f"webhook:{config.path}"
        self.place: str = f"{MARK}..." if config.url.startswith(MARK) else self._site(config.url)
        self.drafts: tuple[str, ...] = (f"{config.path}/{SENT}{DRAFT}",)
        if config.fields:
            raise self._refuse("fields", "are for tables: a message has whole records")

    @property
    def files(self) -> tuple[str, ...]:
        path, spool = self._config.path, Spool(self._folder)
        return (f"{path}/{SENT}", *(f"{path}/{spool.path(n).name}" for n in spool.segments() or (1,)))

    def open(self, *, is_synced: bool) -> AbstractAsyncContextManager[Sink]:
        """Raises ConfigError: nobody gave it the function that posts."""
        raise self._refuse("kind", "this output is opened by a crawl alone")

    @asynccontextmanager
    async def open_posting(self, post: Post, *, is_synced: bool) -> AsyncIterator[Sink]:
        """Opens the sink, which sends until the block ends, and then what is left. It always syncs."""
        config = self._config
        url, secret = (reveal(value, f"{self._key}.{name}") for name, value in self._secrets())
        limits = Limits(config.batch or RECORDS, config.batch_bytes or MESSAGE_BYTES, config.batch_s or AGE_S)
        spool = Spool(self._folder)
        target = Target(self.name, self._site(url), url, secret)
        sending = Sending(spool, target, post, limits, config.give_up_s)
        trouble: BaseException | None = None  # raised outside of the group, which would put it into one of its own
        async with create_task_group() as tasks:
            sink = Webhook(self.name, spool, wants_of(config), sending, tasks)
            try:
                yield sink
                await sink.close()
            except BaseException as error:  # noqa: BLE001 - it goes on below
                trouble = error
                sink.hurry()
                await sink.close(is_quiet=True)
        if trouble is not None:
            raise trouble

    def _secrets(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("url", self._config.url), ("secret", self._config.secret)

    def _site(self, url: str) -> str:
        """Returns scheme and host of a URL, which may be shown; the rest may hold a secret. Raises ConfigError."""
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            parts, port = urlsplit(""), ""
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._refuse("url", "should be like https://host/path, or name a variable of the environment: $NAME")
        return f"{parts.scheme}://{parts.hostname}{port}"

    def _refuse(self, name: str, words: str) -> ConfigError:
        return ConfigError(f"{self._key}.{name}: {words}", [f"{self._key}.{name}"], [words])
