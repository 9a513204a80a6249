"""Content codings come off, whatever was put on, and no further than the limit."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from crawler.errors import ParseError
from crawler.model import Reason
from crawler.parse import codings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 1 << 20
BODY = b"<p>The quick brown fox jumps over the lazy dog.</p>\n" * 200


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body)[2:-4]


CODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
CASES = [*CODERS.items(), ("deflate", raw_deflate)]


def refusal(body: bytes, coding: str, limit: int = LIMIT) -> Reason:
    with pytest.raises(ParseError) as error:
        codings.decode(body, coding, limit)
    return error.value.reason


HARMLESS = {None, Reason.DECOMPRESSION, Reason.TOO_LARGE}


def outcome(body: bytes, coding: str, limit: int) -> Reason | None:
    try:
        assert len(codings.decode(body, coding, limit)) <= limit
    except ParseError as error:
        return error.reason
    return None


@pytest.mark.parametrize(("coding", "code"), CASES)
def test_every_coding_that_we_offer_comes_off(coding: str, code: Callable[[bytes], bytes]) -> None:
    assert codings.decode(code(BODY), coding, LIMIT) == BODY
    assert codings.decode(code(b""), coding, LIMIT) == b""


@pytest.mark.parametrize("coding", ["GZIP", " gzip ", "gzip,", "identity, gzip", ",gzip"])
def test_the_header_is_read_generously(coding: str) -> None:
    assert codings.decode(gzip.compress(BODY), coding, LIMIT) == BODY


@pytest.mark.parametrize("coding", ["", "identity", "utf-8", "none", "aws-chunked, gzip", "compress"])
def test_what_is_not_coded_as_far_as_we_know_stays_as_it_is(coding: str) -> None:
    assert codings.decode(BODY, coding, LIMIT) == BODY


def test_a_chain_comes_off_in_the_order_opposite_to_the_header() -> None:
    assert codings.decode(brotli.compress(gzip.compress(BODY)), "gzip, br", LIMIT) == BODY
    thrice = zlib.compress(zstd.compress(gzip.compress(BODY)))
    assert codings.decode(thrice, "gzip, zstd, deflate", LIMIT) == BODY


def test_a_chain_of_four_is_no_longer_honest() -> None:
    assert refusal(BODY, "gzip, gzip, gzip, gzip") is Reason.DECOMPRESSION


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_body_of_several_members_is_one_body(coding: str) -> None:
    parts = [b"one", b"", b"two" * 100_000, b"three"]
    assert codings.decode(b"".join(map(CODERS[coding], parts)), coding, LIMIT) == b"".join(parts)


def test_what_follows_a_gzip_stream_and_is_not_one_is_ignored() -> None:
    assert codings.decode(gzip.compress(BODY) + b"\0" * 512, "gzip", LIMIT) == BODY
    assert codings.decode(zlib.compress(BODY) + b"junk", "deflate", LIMIT) == BODY


@pytest.mark.parametrize("at", [1, 2, (1 << 16) - 1, 1 << 16, (1 << 16) + 1])
def test_members_may_meet_anywhere_in_the_stream(at: int) -> None:
    """A first member of just the length that puts the seam near the edge of a piece."""
    head = gzip.compress(b"", mtime=0)
    noise = zlib.compressobj(0, wbits=31)
    stored = noise.compress(b"x" * max(at - len(head) - 8, 0)) + noise.flush()
    assert codings.decode(stored + gzip.compress(BODY), "gzip", LIMIT).endswith(BODY)


def test_members_without_end_are_refused() -> None:
    assert refusal(gzip.compress(b"") * (codings.MAX_MEMBERS + 1), "gzip") is Reason.DECOMPRESSION
    assert refusal(zstd.compress(b"") * (codings.MAX_MEMBERS + 1), "zstd") is Reason.DECOMPRESSION


@pytest.mark.parametrize(("coding", "code"), CASES)
def test_a_body_that_ends_too_early_is_broken(coding: str, code: Callable[[bytes], bytes]) -> None:
    coded = code(BODY)
    for end in (1, len(coded) // 2):
        assert refusal(coded[:end], coding) is Reason.DECOMPRESSION


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_checksum_that_is_wrong_or_missing_does_no_harm(coding: str) -> None:
    coded = CODERS[coding](BODY)
    trailer = 8 if coding == "gzip" else 4
    for end in (coded[:-1], coded[:-trailer], coded[:-trailer] + bytes(trailer)):
        assert codings.decode(end, coding, LIMIT) == BODY
        (note,) = codings.decode_beginning(end, coding, LIMIT).notes
        assert note.startswith(f"{coding}: its checksum is")


def test_each_member_of_a_gzip_body_has_a_checksum_and_is_read_whatever_it_says() -> None:
    wrong = gzip.compress(BODY)[:-8] + bytes(8)
    found = codings.decode_beginning(gzip.compress(b"one") + wrong + wrong + gzip.compress(b"two")[:-1], "gzip", LIMIT)
    assert found.body == b"one" + BODY + BODY + b"two"
    assert found.notes == ("gzip: its checksum is wrong", "gzip: its checksum is missing")


@pytest.mark.parametrize("flags", range(32))
def test_whatever_fields_a_gzip_head_has_are_passed_over(flags: int) -> None:
    """RFC 1952 2.3: extra field, name, comment, checksum of the head."""
    whole = gzip.compress(BODY, mtime=0)
    extra = b"\x05\0extra" if flags & 4 else b""
    name, comment, own = (field * bool(flags & flag) for field, flag in ((b"na\0", 8), (b"\0", 16), (b"xx", 2)))
    coded = whole[:3] + bytes([flags]) + whole[4:10] + extra + name + comment + own + whole[10:]
    assert codings.decode(coded, "gzip", LIMIT) == BODY
    for end in range(10, len(coded) - len(whole) + 10):
        assert refusal(coded[:end], "gzip") is Reason.DECOMPRESSION


def test_garbage_after_a_zstd_frame_is_no_frame() -> None:
    skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0xyz"
    coded = zstd.compress(BODY)
    assert codings.decode(coded + skipped + coded + b"garbage", "zstd", LIMIT) == BODY + BODY


@pytest.mark.parametrize("coding", CODERS)
def test_a_body_that_only_claims_to_be_coded_is_broken(coding: str) -> None:
    assert refusal(BODY, coding) is Reason.DECOMPRESSION


@pytest.mark.parametrize(("coding", "code"), [("", bytes), *CASES])
def test_the_limit_is_exact(coding: str, code: Callable[[bytes], bytes]) -> None:
    assert len(codings.decode(code(BODY), coding, len(BODY))) == len(BODY)
    assert refusal(code(BODY), coding, len(BODY) - 1) is Reason.TOO_LARGE


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("coding", "code"), CASES)
def test_a_bomb_is_put_down_at_the_limit(coding: str, code: Callable[[bytes], bytes]) -> None:
    assert refusal(code(bytes(64 << 20)), coding, 1 << 20) is Reason.TOO_LARGE


def test_a_bomb_in_a_bomb_is_put_down_at_its_first_layer() -> None:
    assert refusal(gzip.compress(gzip.compress(bytes(64 << 20)) * 100), "gzip, gzip", 1 << 20) is Reason.TOO_LARGE


def test_a_zstd_window_beyond_what_a_client_must_have_is_refused() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    coder = zstd.ZstdCompressor(options=options)
    coded = coder.compress(BODY, zstd.ZstdCompressor.CONTINUE) + coder.flush()
    assert refusal(coded, "zstd") is Reason.DECOMPRESSION


@given(st.binary(max_size=2000), st.sampled_from(CASES))
def test_all_that_goes_in_comes_out(body: bytes, case: tuple[str, Callable[[bytes], bytes]]) -> None:
    coding, code = case
    assert codings.decode(code(body), coding, LIMIT) == body


@given(st.binary(max_size=400), st.sampled_from([*CODERS, "gzip, br", "zstd, deflate"]), st.integers(0, 300))
def test_no_bytes_do_worse_than_a_refusal(body: bytes, coding: str, limit: int) -> None:
    assert outcome(body, coding, limit) in HARMLESS


@given(st.data())
def test_no_damage_does_worse_than_a_refusal(data: st.DataObject) -> None:
    coding, code = data.draw(st.sampled_from(CASES))
    coded = bytearray(code(BODY))
    for place in data.draw(st.lists(st.integers(0, len(coded) - 1), min_size=1, max_size=5)):
        coded[place] ^= data.draw(st.integers(1, 255))
    assert outcome(bytes(coded), coding, 2 * len(BODY)) in HARMLESS


def test_the_fast_gunzip_agrees_with_zlib() -> None:
    coded = gzip.compress(BODY)
    assert isal_zlib.decompress(coded, wbits=31) == zlib.decompress(coded, wbits=31)
