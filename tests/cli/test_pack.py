"""`crawl identity`, `crawl pack` and `crawl verify`: a key, a signed file, and what another one sees in it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Crawl
from tests.proving import rude


async def test_a_crawl_is_packed_with_a_new_key_and_verified(tmp_path: Path, crawl: Crawl) -> None:
    await rude.crawl_politely(tmp_path / "site.crawl")
    ran = await crawl("pack", "site.crawl")
    assert (ran.code, "`crawl identity new identity.pem` makes a key" in ran.err) == (2, True), ran.err
    ran = await crawl("identity", "new")
    assert ran.code == 0, ran.err
    key = json.loads((await crawl("identity", "show")).out)
    assert key["kid"] in ran.out
    ran = await crawl("pack", "site.crawl")
    assert (ran.code, ran.out.startswith("site.pack.zip: ")) == (0, True), ran.err
    ran = await crawl("verify", "site.pack.zip", "--key", key["kid"])
    assert (ran.code, "is as it was signed" in ran.out) == (0, True), ran.err
    assert "all sites were treated as they should" in ran.out
    pack = tmp_path / "site.pack.zip"
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.write_bytes(data)
    ran = await crawl("verify", "site.pack.zip", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["verdict"], told["proof"]) == (1, "changed", None)
    (tmp_path / "identity.pem").chmod(0o644)
    ran = await crawl("pack", "site.crawl")
    assert (ran.code, "can be read or changed by others" in ran.err) == (2, True)
