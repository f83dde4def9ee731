"""A sealed frame is read by the platform alone, believed only when whole, and refused with the reason."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from edge.clock import Quality, Stamp
from edge.errors import WireError
from edge.spool.seal import HEADER_MAX_BYTES, Header, Sealer, frame_name, open_sealed, read_header, verify

PLATFORM = PrivateKey(bytes(range(32)))
SIGN = SigningKey(bytes(range(1, 33)))
VERIFY = bytes(SIGN.verify_key)
AT = Stamp("7f2c", 5_000_000_000, 1_790_000_000_000_000_000, Quality.SYNCED, 3)
JPEG = b"\xff\xd8\xff\xe0 a picture of a landing \xff\xd9" * 8
SEALER = Sealer("door-7", bytes(PLATFORM.public_key), "0a1b2c3d", bytes(SIGN))
SEALED = SEALER.seal(JPEG, epoch="e1", event=42, at=AT)


def with_header(raw: bytes) -> bytes:
    return b"DUF1" + len(raw).to_bytes(4, "big") + raw + b"\0" * 64


def test_the_platform_opens_what_a_unit_sealed() -> None:
    header, jpeg = open_sealed(SEALED, bytes(PLATFORM), VERIFY)
    assert jpeg == JPEG
    assert header == verify(SEALED, VERIFY) == read_header(SEALED, check_digest=True)
    assert (header.unit, header.epoch, header.event, header.at) == ("door-7", "e1", 42, AT)
    assert (header.key, header.media) == ("0a1b2c3d", "image/jpeg")


def test_nothing_of_the_picture_or_of_the_keys_is_in_the_frame() -> None:
    for secret in (JPEG[:12], b"\xff\xd8\xff", bytes(SIGN), bytes(PLATFORM)):
        assert secret not in SEALED
    assert "door-7" not in repr(SEALER)
    assert bytes(SIGN).hex() not in repr(SEALER)


def test_the_layout_is_what_another_implementation_would_read() -> None:
    length = int.from_bytes(SEALED[4:8], "big")
    header = msgspec.json.decode(SEALED[8 : 8 + length])
    ciphertext = SEALED[8 + length : -64]
    assert SEALED[:4] == b"DUF1"
    assert header["suite"] == "x25519-xsalsa20poly1305+ed25519"
    assert header["digest"] == hashlib.sha256(ciphertext).hexdigest()
    assert header["at"] == msgspec.to_builtins(AT)
    assert len(ciphertext) == len(JPEG) + 48
    assert SIGN.verify_key.verify(SEALED[:-64], SEALED[-64:])


def test_a_frame_is_named_by_all_its_bytes_and_two_seals_of_one_picture_differ() -> None:
    again = SEALER.seal(JPEG, epoch="e1", event=42, at=AT)
    assert frame_name(SEALED) == hashlib.sha256(SEALED).hexdigest()
    assert frame_name(again) != frame_name(SEALED)


@given(at=st.integers(0, len(SEALED) - 1), flip=st.integers(1, 255))
def test_any_flipped_byte_is_refused(at: int, flip: int) -> None:
    flipped = bytearray(SEALED)
    flipped[at] ^= flip
    with pytest.raises(WireError):
        verify(bytes(flipped), VERIFY)
    with pytest.raises(WireError):
        open_sealed(bytes(flipped), bytes(PLATFORM), VERIFY)


@given(keep=st.integers(0, len(SEALED) - 1))
def test_any_frame_that_was_cut_short_is_refused(keep: int) -> None:
    with pytest.raises(WireError):
        verify(SEALED[:keep], VERIFY)


@given(more=st.binary(min_size=1, max_size=80))
def test_any_frame_with_something_after_it_is_refused(more: bytes) -> None:
    with pytest.raises(WireError):
        verify(SEALED + more, VERIFY)


@given(raw=st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(with_header)))
def test_whatever_arrives_is_answered_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(WireError, match="^sealed frame: found .*; want "):
        read_header(raw, check_digest=True)


def test_something_else_is_told_by_its_beginning() -> None:
    with pytest.raises(WireError, match="not a sealed frame"):
        read_header(JPEG)


def test_a_frame_too_short_for_its_header_says_how_many_bytes_are_missing() -> None:
    with pytest.raises(WireError, match=r"found 100 bytes; want \d+ bytes at least"):
        read_header(SEALED[:100])


def test_a_header_longer_than_any_unit_makes_is_not_read() -> None:
    with pytest.raises(WireError, match=f"header of {HEADER_MAX_BYTES + 1} bytes"):
        read_header(with_header(b" " * (HEADER_MAX_BYTES + 1)))


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 4000, b'{"x":' + b"[" * 4000, b'{"suite": 1}'])
def test_a_header_that_is_not_ours_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError, match="header that cannot be read"):
        read_header(with_header(raw))


def test_a_suite_of_a_later_unit_is_named() -> None:
    later = msgspec.structs.replace(read_header(SEALED), suite="sm2+sm4")
    with pytest.raises(WireError, match=r"suite 'sm2\+sm4'.*update the station"):
        read_header(with_header(msgspec.json.encode(later)))


def test_a_changed_ciphertext_is_told_by_its_digest_without_any_key() -> None:
    changed = bytearray(SEALED)
    changed[-65] ^= 1
    assert isinstance(read_header(bytes(changed)), Header)
    with pytest.raises(WireError, match="digest that is not of this ciphertext"):
        read_header(bytes(changed), check_digest=True)


def test_a_frame_of_another_unit_is_refused_by_its_signature() -> None:
    with pytest.raises(WireError, match="signature that is not of these bytes by this key"):
        verify(SEALED, bytes(SigningKey.generate().verify_key))


def test_a_platform_with_another_key_is_told_which_it_needs() -> None:
    with pytest.raises(WireError, match="private key whose id is 0a1b2c3d"):
        open_sealed(SEALED, bytes(PrivateKey.generate()), VERIFY)
