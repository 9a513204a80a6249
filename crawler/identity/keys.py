"""Makes, reads and uses an Ed25519 key in a file that its owner alone can read."""

from __future__ import annotations

import os
import stat
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..runtime.private_files import Unsafe, opener, owner

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_BYTES = 32
MOST_BYTES = 1 << 14
"""Bytes of the largest file that is read as a key."""
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Identity:
    """A key, ready to sign. `make_identity` and `read_identity` return one."""

    public: bytes
    """The public key, 32 bytes."""
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def thumbprint(self) -> str:
        """The name of the key: the SHA-256 of its JWK (RFC 7638, RFC 8037), base64url."""
        return thumbprint_of(self.public)

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JWK (RFC 8037)."""
        return jwk_of(self.public)

    def sign(self, message: bytes) -> bytes:
        """Returns the signature of a message, 64 bytes."""
        return self._key.sign(message)


def make_identity(path: Path) -> Identity:
    """Makes a new key in a new file (PEM, PKCS #8) that only its owner can read. Raises ConfigError."""
    _require_cryptography()
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with open(path, "xb", opener=opener) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ConfigError(f"{path} is there already: a key is never overwritten; name another file") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    return _identity(key)


def read_identity(path: Path) -> Identity:
    """Reads a key. Raises ConfigError for a file that is missing, no key, or can be read by others."""
    _require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    text = _read_private(path)
    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} holds no key without a password in PEM: `crawl identity new` makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} holds a key of another kind than Ed25519: `crawl identity new` makes one")
    return _identity(key)


def check_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is that of this message by this public key. Raises ConfigError."""
    _require_cryptography()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def jwk_of(public: bytes) -> dict[str, str]:
    """Returns a public key as a JWK (RFC 8037)."""
    return {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}


def thumbprint_of(public: bytes) -> str:
    """Returns the thumbprint of a public key: the SHA-256 of its JWK (RFC 7638), base64url."""
    text = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public)}"}}'
    return _base64url(sha256(text.encode()).digest())


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _identity(key: Ed25519PrivateKey) -> Identity:
    return Identity(key.public_key().public_bytes_raw(), key)


def _read_private(path: Path) -> bytes:
    """Returns the bytes of a file that nobody else can read or change. Raises ConfigError."""
    try:
        with open(path, "rb", opener=opener) as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid():
                raise ConfigError(f"{path} belongs to {owner(status.st_uid)}: a key must be yours alone")
            if stat.S_IMODE(status.st_mode) & _OTHERS:
                words = f"chmod 600 {path}, if nobody has read it yet"
                raise ConfigError(f"{path} can be read or changed by others: {words}")
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there: `crawl identity new {path}` makes a key") from None
    except Unsafe as error:
        raise ConfigError(str(error)) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ConfigError("keys need the extra `identity`: pip install 'crawld[identity]'") from error
