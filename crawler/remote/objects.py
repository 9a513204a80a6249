"""Writes one object, piece by piece, so that it appears in the store when it is whole, or not at all."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib import import_module
from typing import IO, TYPE_CHECKING

from ..errors import ConfigError, CrawlError, SinkError
from ..runtime.nearest import did_you_mean
from .abandoned import abort_uploads

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")
PIECE_BYTES = 8 << 20
"""Bytes of one part. A store takes 10,000 parts, which is 80 GB."""
AT_ONCE = 4
"""Parts on their way at once. Together with the pipe they are all the memory that an upload takes."""
_READ_BYTES = 1 << 20
_RETRIES = {"max_retries": 5, "retry_timeout": timedelta(minutes=2)}
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)/?(.*)$")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_CREDENTIALS = (
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthenticationFailed",
    "Account must be specified", "169.254.169.254", "metadata.google.internal",
)  # fmt: skip
"""Marks of an answer to wrong or missing credentials. Without any, the address of a cloud machine is asked for some."""
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def is_remote(text: str) -> bool:
    """Whether a target is a URL, and no path."""
    return _URL.match(text) is not None


def check_url(url: str) -> tuple[str, str]:
    """Returns the URL of a bucket and the path of the object in it. Raises ConfigError.

    The bucket of an `az://` URL is a container; its account stands in the environment.
    """
    found = _URL.match(url)
    if found is None or found[1] not in SCHEMES:
        scheme = found[1] if found else url
        near = did_you_mean(scheme, SCHEMES, f"; there are {', '.join(f'{one}://' for one in SCHEMES)}")
        raise ConfigError(f"{url}: files cannot be written to {scheme}://{near}")
    scheme, bucket, key = found.groups()
    if not bucket or not key or key.endswith("/"):
        kind = "container" if scheme == "az" else "bucket"
        raise ConfigError(f"{url}: name a file in a {kind}: {scheme}://{kind.upper()}/FOLDER/FILE")
    return f"{scheme}://{bucket}/", key


def check_bucket(url: str) -> None:
    """Asks the store for the bucket of an object. Blocks.

    Raises ConfigError for a URL or credentials that cannot be used and where obstore is not installed, SinkError where
    the store cannot be reached or refuses us.
    """
    bucket, key = check_url(url)
    store = _open_store(bucket, url)
    with _translating(url):
        _look(store, key)


@contextmanager
def open_object(url: str) -> Iterator[IO[bytes]]:
    """Yields a pipe to an object that replaces the one at `url` when the block ends without an error.

    Where the block fails, nothing is left, and an object that was there before is untouched. Parts that an earlier
    process left behind, because it was killed, are removed first. Raises ConfigError for a URL or credentials that
    cannot be used and where obstore is not installed, SinkError where the store cannot be written.
    """
    bucket, key = check_url(url)
    store = _open_store(bucket, url)
    with _translating(url):
        _look(store, key)
        abort_uploads(bucket, key)
    upload = _Upload(store, key)
    try:
        yield upload.file
        upload.finish()
    except BaseException as error:
        upload.give_up()
        abort_uploads(bucket, key)
        if upload.error is not None and not isinstance(upload.error, _Abandoned):  # what we met is a broken pipe
            raise _explain(url, str(upload.error)) from error
        raise


class _Upload:
    """A thread that sends what is written to a pipe."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self.error: BaseException | None = None
        """The error that kept the object from being made."""
        self._is_whole = False
        self._read, write = os.pipe()
        self.file: IO[bytes] = os.fdopen(write, "wb", buffering=_READ_BYTES)
        self._thread = threading.Thread(target=self._send, args=(store, key), name="upload", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Waits until the object is there. Raises BrokenPipeError where it is not."""
        self.file.flush()
        self._is_whole = True
        self.file.close()
        self._thread.join()
        if self.error is not None:
            raise BrokenPipeError

    def give_up(self) -> None:
        """Ends the upload without an object."""
        with suppress(OSError):  # it may have no reader any more
            self.file.close()
        self._thread.join()

    def _send(self, store: ObjectStore, key: str) -> None:
        obstore = import_module("obstore")
        try:
            obstore.put(store, key, self._pieces(), use_multipart=True, chunk_size=PIECE_BYTES, max_concurrency=AT_ONCE)
        except BaseException as error:  # noqa: BLE001  the thread that writes raises it
            self.error = error
        finally:
            os.close(self._read)

    def _pieces(self) -> Iterator[bytes]:
        while piece := os.read(self._read, _READ_BYTES):
            yield piece
        if not self._is_whole:
            raise _Abandoned


class _Abandoned(Exception):
    """The program that writes gave up."""


def _open_store(bucket: str, url: str) -> ObjectStore:
    try:
        stores = import_module("obstore.store")
    except ImportError as error:
        raise ConfigError(f"{url}: object stores need obstore: pip install 'crawld[cloud]'") from error
    with _translating(url):
        store: ObjectStore = stores.from_url(bucket, retry_config=_RETRIES)
        return store


def _look(store: ObjectStore, key: str) -> None:
    """Asks for the name of the object, so that a bucket or credentials that are wrong are told before the work."""
    obstore = import_module("obstore")
    try:
        next(iter(obstore.list(store, prefix=key, chunk_size=1)), None)
    except Exception as error:  # of a kind for each store
        if "AccessDenied" not in str(error):  # who may write need not be allowed to list
            raise


@contextmanager
def _translating(url: str) -> Iterator[None]:
    """Translates errors of the store into one line of ours."""
    try:
        yield
    except CrawlError:
        raise
    except Exception as error:
        raise _explain(url, str(error)) from error


def _explain(url: str, text: str) -> CrawlError:
    scheme, _, rest = url.partition("://")
    bucket = rest.partition("/")[0]
    if any(mark in text for mark in _NO_BUCKET):
        return SinkError(f"{url}: there is no bucket {bucket}; make it, or name another one")
    if any(mark in text for mark in _CREDENTIALS):
        return ConfigError(f"{url}: the store does not take our credentials; set {_VARIABLES[scheme]}")
    if "error sending request" in text:
        return SinkError(f"{url}: the store cannot be reached")
    if "403 Forbidden" in text or "AccessDenied" in text:
        return SinkError(f"{url}: our credentials may not write there")
    code = _CODE.search(text)
    return SinkError(f"{url}: {code[1] if code else text.partition(chr(10))[0]}")
