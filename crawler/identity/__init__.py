"""Holds the key by which a crawler shows who it is: made, read, and used to sign (Ed25519, RFC 8032)."""

from __future__ import annotations

from .keys import Identity, check_signature, jwk_of, make_identity, read_identity, thumbprint_of

__all__ = ["Identity", "check_signature", "jwk_of", "make_identity", "read_identity", "thumbprint_of"]
