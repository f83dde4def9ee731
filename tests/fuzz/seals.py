"""Sealed frames: whatever was done to one, it opens only where every byte is as its unit signed it; else WireError."""

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey

from edge.errors import WireError
from edge.spool import seal
from tests.fuzz.bend import Pick, bend, spoil, text
from tests.fuzz.player import Play, Target, said
from tests.fuzz.wires import AT, UNSET

UNIT = SigningKey(bytes(range(32)))
STRANGER = SigningKey(bytes(32))
PLATFORM = PrivateKey(bytes(range(32, 64)))
VERIFY_KEY, PRIVATE_KEY = bytes(UNIT.verify_key), bytes(PLATFORM)
JPEG = b"\xff\xd8 a picture"
_HEAD = struct.Struct(">4sI")


def real(at: Any = AT, jpeg: bytes = JPEG) -> bytes:
    """A frame as the unit seals it."""
    sealer = seal.Sealer("door-1", bytes(PLATFORM.public_key), "k1", bytes(UNIT))
    return sealer.seal(jpeg, epoch="e1", event=7, at=at)


def put(header: bytes, ciphertext: bytes, key: SigningKey = UNIT, length: int | None = None) -> bytes:
    """A frame of any header, signed."""
    body = _HEAD.pack(seal.MAGIC, len(header) if length is None else length) + header + ciphertext
    return body + key.sign(body).signature


def split(sealed: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and ciphertext. Raises ValueError, TypeError, struct.error, RecursionError."""
    _, length = _HEAD.unpack_from(sealed)
    end = _HEAD.size + length
    header = dict(json.loads(sealed[_HEAD.size : end]))
    return header, sealed[end : -seal.SIGNATURE_BYTES]


def bent(raw: bytes, pick: Pick) -> bytes:
    """Bytes spoilt; or a header bent, signed by the unit or a stranger, with or without the digest that fits."""
    how = pick(("header", "header", "ciphertext", "length", "stranger", "spoil", "spoil"))
    try:
        header, ciphertext = split(raw)
        if how == "ciphertext":
            ciphertext = pick((b"", b"x" * 47, b"x" * 48, ciphertext[:-1], ciphertext + b"x", bytes(len(ciphertext))))
        if how == "header":
            header = bend(header, pick)
        if pick((True, False)) and isinstance(header, dict):
            header = {**header, "digest": hashlib.sha256(ciphertext).hexdigest()}
        if how == "length":
            return put(text(header), ciphertext, length=pick((0, 1, 4096, 4097, 2**31, 2**32 - 1, len(ciphertext))))
        if how != "spoil":
            return put(text(header), ciphertext, STRANGER if how == "stranger" else UNIT)
    except (ValueError, TypeError, struct.error, RecursionError):
        return spoil(raw, pick)
    return spoil(raw, pick)


def is_signed(sealed: bytes, key: SigningKey = UNIT) -> bool:
    """By the holder of that key, worked out a second time."""
    try:
        key.verify_key.verify(sealed[:-64], sealed[-64:])
    except (BadSignatureError, ValueError):
        return False
    return True


def _told(read: Callable[[], Any]) -> Any:
    """What it gives, or None where it raised a WireError that can be written out."""
    try:
        return read()
    except WireError as err:
        said(err)
        return None


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """A decoder needs nothing."""

    def play(data: bytes) -> None:
        header = _told(lambda: seal.read_header(data))
        _told(lambda: seal.read_header(data, check_digest=True))
        verified = _told(lambda: seal.verify(data, VERIFY_KEY))
        both = _told(lambda: seal.open_sealed(data, PRIVATE_KEY, VERIFY_KEY))
        assert _told(lambda: seal.verify(data, bytes(STRANGER.verify_key))) is None or not verified
        if verified is not None:
            assert is_signed(data)
            assert header == verified
        if both is not None:
            assert both[0] == verified
            with suppress(ValueError, TypeError):
                assert SealedBox(PLATFORM).decrypt(split(data)[1]) == both[1]

    yield play


FOREIGN = SealedBox(PublicKey(bytes(PrivateKey(bytes(32)).public_key))).encrypt(JPEG)
SEEDS = (real(), real(UNSET), real(jpeg=b""), put(text({"suite": 1}), b""), put(text(split(real())[0]), FOREIGN))
TARGET = Target("seal", opened, SEEDS, bent, longest=1024)
