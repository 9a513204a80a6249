"""Declares the settings by which a crawl shows sites who it is."""

from __future__ import annotations

import re

from pydantic import field_validator

from .table import Table

_ORIGIN = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")


class IdentityConfig(Table):
    """A signature on requests over TLS, by which sites can tell who asks ([identity.md](identity.md))."""

    signature_agent: str = ""
    """The origin under which your public key is published, like `https://bot.example.org`: sites fetch
    `/.well-known/http-message-signatures-directory` from there."""
    key_file: str = ""
    """The file of the key that signs requests over TLS (`crawl identity new` makes one). Empty: nothing is signed."""

    @field_validator("signature_agent")
    @classmethod
    def _check_origin(cls, text: str) -> str:
        if text and not _ORIGIN.fullmatch(text):
            raise ValueError("should be an origin without a path, like https://bot.example.org")
        return text
