"""Holds the key by which a crawler shows who it is: made, read, published, and used to sign (Ed25519, RFC 8032)."""

from __future__ import annotations

from .keys import Identity, check_signature, jwk_of, make_identity, read_identity, thumbprint_of
from .publishing import DIRECTORY_PATH, DIRECTORY_TYPE, make_contact_page, make_key_directory
from .signing import RequestSigner, sign_directory

__all__ = [
    "DIRECTORY_PATH",
    "DIRECTORY_TYPE",
    "Identity",
    "RequestSigner",
    "check_signature",
    "jwk_of",
    "make_contact_page",
    "make_identity",
    "make_key_directory",
    "read_identity",
    "sign_directory",
    "thumbprint_of",
]
