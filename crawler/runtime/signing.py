"""Signs messages as Standard Webhooks 1.0 has it, so that a receiver knows whom they are from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_PREFIX = "whsec_"


def new_secret() -> str:
    """Returns a new secret in the format of Standard Webhooks."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message: str, at: int, body: bytes) -> dict[str, str]:
    """Returns the header fields of a message: its id, which is the same at each attempt, the time, the signature.

    Without a secret there is no signature.
    """
    fields = {"Content-Type": "application/json", "Webhook-Id": message, "Webhook-Timestamp": str(at)}
    return fields | {"Webhook-Signature": signature(secret, message, at, body)} if secret else fields


def signature(secret: str, message: str, at: int, body: bytes) -> str:
    """Returns the header field `Webhook-Signature` (Standard Webhooks 1.0): HMAC-SHA256 of `id.timestamp.body`."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = secret.encode()
    mac = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"
