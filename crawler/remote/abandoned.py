"""Removes the parts of an object that a killed process left in an S3 store, which are paid for until they are removed.

The library that uploads knows no list of such uploads, so these two requests are our own: ListMultipartUploads and
AbortMultipartUpload, signed with AWS Signature Version 4.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree

TIMEOUT_S = 20
_MOST_BYTES = 4 << 20
"""Of a list of uploads."""
_EMPTY = hashlib.sha256(b"").hexdigest()


def abort_uploads(bucket: str, key: str) -> int:
    """Aborts all uploads of the object `key` that were begun and not finished; returns how many there were.

    Does nothing for stores that forget them by themselves (Azure, Google), and where the credentials do not stand in
    the environment. A store that refuses leaves them: a lifecycle rule of the bucket removes them.
    """
    name = bucket.removeprefix("s3://").rstrip("/")
    if name == bucket or not os.environ.get("AWS_ACCESS_KEY_ID") or not os.environ.get("AWS_SECRET_ACCESS_KEY"):
        return 0
    found = 0
    with suppress(OSError, URLError, HTTPException, ElementTree.ParseError):
        for upload in _list_uploads(name, key):
            _ask("DELETE", name, key, {"uploadId": upload})
            found += 1
    return found


def _list_uploads(bucket: str, key: str) -> Iterator[str]:
    """Yields the id of each upload of this object: at most a thousand, which is more than anybody leaves."""
    root = ElementTree.fromstring(_ask("GET", bucket, "", {"prefix": key, "uploads": ""}))
    for upload in root.iterfind("{*}Upload"):
        if upload.findtext("{*}Key") == key and (number := upload.findtext("{*}UploadId")):
            yield number


def _ask(method: str, bucket: str, key: str, query: dict[str, str]) -> bytes:
    base, path = _place(bucket, key)
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
    headers = _sign(method, urlsplit(base).netloc, path, text)
    request = Request(f"{base}{path}?{text}", method=method, headers=headers)
    with urlopen(request, timeout=TIMEOUT_S) as answer:
        body: bytes = answer.read(_MOST_BYTES)
        return body


def _place(bucket: str, key: str) -> tuple[str, str]:
    """Returns the address of the store, and the path there, as the library has them."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT")
    base = endpoint.rstrip("/") if endpoint else f"https://s3.{_region()}.amazonaws.com"
    return base, quote(f"/{bucket}/{key}".rstrip("/"), safe="/-_.~")


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _sign(method: str, host: str, path: str, query: str) -> dict[str, str]:
    """Returns the header fields of a request without a body, signed (AWS Signature Version 4)."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    fields = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": stamp}
    if token := os.environ.get("AWS_SESSION_TOKEN"):
        fields["x-amz-security-token"] = token
    names = ";".join(sorted(fields))
    lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{_EMPTY}"
    scope = f"{stamp[:8]}/{_region()}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    signature = _key(stamp[:8])
    signed = hmac.new(signature, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}".encode(), "sha256").hexdigest()
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    fields["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signed}"
    return {name: value for name, value in fields.items() if name != "host"}


def _key(day: str) -> bytes:
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (day, _region(), "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
