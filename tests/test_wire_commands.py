"""Signed commands on the wire: read as they were signed, or refused; what they then do is tested in tests/unit."""

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import wire
from edge.errors import WireError

quick = settings(max_examples=100, deadline=None)
WISH = wire.Command("c-1", "u-1", "arm", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", {"until": "2026-12-08"})
GARBLED = [b"", b"null", b"{", b'{"command":"\xff"}', b"[" * 100_000, b'{"command":' * 100_000]


def sign(message: bytes) -> bytes:
    """Stands in for the platform's key; edge/uplink/commands.py has the real one."""
    return hashlib.sha256(b"key" + message).digest()


def verify(signature: bytes, message: bytes) -> bool:
    """Whether `sign` made this."""
    return signature == sign(message)


def test_a_command_is_read_as_the_platform_signed_it():
    assert wire.read_command(wire.command(WISH, sign), verify) == WISH


@quick
@given(st.data())
def test_a_command_with_one_byte_turned_is_refused_or_says_the_same(data):
    raw = bytearray(wire.command(WISH, sign))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        wish = wire.read_command(bytes(raw), verify)
    except WireError:
        return
    assert wish == WISH


def test_a_command_that_somebody_else_signed_is_refused_and_says_where_to_look():
    with pytest.raises(WireError, match="Look who may publish") as caught:
        wire.read_command(wire.command(WISH, lambda message: sign(message + b" ")), verify)
    assert caught.value.found == "a signature that is not the platform's"


@pytest.mark.parametrize("field", ["not_before", "expires"])
@pytest.mark.parametrize("time", ["", "soon", "2026-13-01T00:00:00Z", "2026-11-24"])
def test_a_signed_command_whose_time_cannot_be_read_is_refused(field: str, time: str):
    wish = msgspec.structs.replace(WISH, **{field: time})
    with pytest.raises(WireError):
        wire.read_command(wire.command(wish, sign), verify)


@quick
@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_and_no_signature_breaks_the_reader_of_commands(text: str, signature: str):
    raw = msgspec.json.encode({"command": text, "signature": signature})
    for believing in (verify, lambda *_: True):
        with pytest.raises(WireError):
            wire.read_command(raw, believing)


@pytest.mark.parametrize("payload", GARBLED, ids=lambda raw: repr(raw[:10]))
def test_what_cannot_be_read_is_no_command(payload: bytes):
    with pytest.raises(WireError, match="want a command that the platform has signed"):
        wire.read_command(payload, verify)
