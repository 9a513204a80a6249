"""Signs HTTP messages so that others can tell who sent them: RFC 9421 as Web Bot Auth uses it.

Follows draft-ietf-webbotauth-httpsig-protocol-01. A signature covers the authority and the Signature-Agent, nothing of
a single request, so that one serves an origin for an hour.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .keys import Identity, read_identity

TAG = "web-bot-auth"
DIRECTORY_TAG = "http-message-signatures-directory"
LABEL = "sig1"
VALID_S = 2 * 3600
"""Seconds for which a signature is valid. The draft advises a day at most."""
RENEWED_S = 3600
"""Seconds after which an origin gets a new one: a request that is sent late still has a valid one."""

Component = tuple[str, str]
"""A covered component as it stands in Signature-Input, and its value (RFC 9421 2.5)."""


class SignedFields(NamedTuple):
    """The fields that a request to one origin carries, as lines, and when they are to be made anew."""

    lines: Sequence[str]
    until: float
    """Seconds since 1970."""


def sign_components(
    identity: Identity, components: Sequence[Component], *, created: int, expires: int, tag: str,
    label: str = LABEL, nonce: str = "",
) -> tuple[str, str]:  # fmt: skip
    """Returns the values of Signature-Input and Signature for these components (RFC 9421 3.1)."""
    covered = " ".join([name for name, _ in components])
    once = f';nonce="{nonce}"' if nonce else ""
    told = (
        f'({covered});created={created};keyid="{identity.thumbprint}";alg="ed25519";expires={expires}{once};tag="{tag}"'
    )
    signature = identity.sign(make_signature_base(components, told))
    return f"{label}={told}", f"{label}=:{b64encode(signature).decode()}:"


def make_signature_base(components: Sequence[Component], parameters: str) -> bytes:
    """Returns the bytes that are signed (RFC 9421 2.5)."""
    lines = [f"{name}: {value}" for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def sign_directory(identity: Identity, authority: str, now: float) -> tuple[str, str]:
    """Returns Signature-Input and Signature of an answer that is a key directory, to a request with this authority."""
    begun = int(now)
    components = [('"@authority";req', authority.lower())]
    return sign_components(identity, components, created=begun, expires=begun + VALID_S, tag=DIRECTORY_TAG)


class RequestSigner:
    """Signs the requests of a crawl by the key in a file."""

    def __init__(self, key_file: Path, agent: str) -> None:
        """`agent` is the origin under which the key directory stands: `https://bot.example`."""
        self._key_file = key_file
        self._agent = agent
        self._identity: Identity | None = None

    async def prepare(self) -> None:
        """Reads the key, in a thread. Raises ConfigError."""
        if self._identity is None:
            self._identity = await asyncio.to_thread(read_identity, self._key_file)

    def sign(self, authority: str, now: float) -> SignedFields:
        """Returns the fields for requests to an authority, such as `example.com` or `example.com:8443`."""
        if self._identity is None:
            raise AssertionError("the key is read before anything is signed")
        begun = int(now)
        components = [('"@authority"', authority.lower()), (f'"signature-agent";key="{LABEL}"', f'"{self._agent}"')]
        inputs, signature = sign_components(
            self._identity, components, created=begun, expires=begun + VALID_S, tag=TAG
        )  # fmt: skip
        lines = (
            f'Signature-Agent: {LABEL}="{self._agent}"', f"Signature-Input: {inputs}", f"Signature: {signature}",
        )  # fmt: skip
        return SignedFields(lines, begun + RENEWED_S)
