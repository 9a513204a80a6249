"""Keys are made for their owner alone, refused where others may read them, and named as the standards say."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from crawler import ConfigError, make_identity, read_identity
from crawler.identity import check_signature, jwk_of, thumbprint_of

RFC_8037 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"""The public key of RFC 8037, appendix A.2, whose thumbprint A.3 tells."""


def test_a_key_is_made_read_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    made = make_identity(path)
    read = read_identity(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (made.public, made.thumbprint) == (read.public, read.thumbprint)
    assert check_signature(read.public, read.sign(b"x"), b"x")
    assert not check_signature(read.public, read.sign(b"x"), b"y")
    assert "key" not in repr(read).replace("_key", "").lower() or "PrivateKey" not in repr(read)


def test_the_thumbprint_is_that_of_the_standard() -> None:
    public = urlsafe_b64decode(RFC_8037 + "=")
    assert jwk_of(public) == {"crv": "Ed25519", "kty": "OKP", "x": RFC_8037}
    assert thumbprint_of(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "identity.pem"
    make_identity(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="can be read or changed by others: chmod 600"):
        read_identity(path)


def test_a_key_is_never_overwritten_and_what_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    make_identity(path)
    with pytest.raises(ConfigError, match="never overwritten"):
        make_identity(path)
    with pytest.raises(ConfigError, match="is not there: `crawl identity new"):
        read_identity(tmp_path / "none.pem")
    path.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n")
    with pytest.raises(ConfigError, match="holds no key"):
        read_identity(path)
    link = tmp_path / "link.pem"
    link.symlink_to(path)
    with pytest.raises(ConfigError, match="symbolic link"):
        read_identity(link)
