"""Checks and opens a sealed frame. Needs PyNaCl alone.

open_frame.py FRAME VERIFY_KEY SEAL_KEY_FILE PICTURE.jpg: VERIFY_KEY is the unit's, base64; the file holds the
platform's X25519 private key, base64.
"""

import base64
import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey, SealedBox
from nacl.signing import VerifyKey


def open_frame(sealed: bytes, verify_key: bytes, private_key: bytes) -> tuple[dict[str, Any], bytes]:
    """(header, JPEG). Raises ValueError, CryptoError; nothing of a frame is to be believed before this returns."""
    if sealed[:4] != b"DUF1" or len(sealed) < 72:
        raise ValueError("found no DUF1 frame; want one")
    VerifyKey(verify_key).verify(sealed[:-64], sealed[-64:])
    (length,) = struct.unpack_from(">I", sealed, 4)
    header: dict[str, Any] = json.loads(sealed[8 : 8 + length])
    ciphertext = sealed[8 + length : -64]
    if hashlib.sha256(ciphertext).hexdigest() != header["digest"]:
        raise ValueError("found a digest of other bytes; want the ciphertext's")
    return header, SealedBox(PrivateKey(private_key)).decrypt(ciphertext)


if __name__ == "__main__":
    frame, verify, seal, picture = sys.argv[1:]
    key = base64.b64decode(Path(seal).read_text(encoding="ascii"))
    told, jpeg = open_frame(Path(frame).read_bytes(), base64.b64decode(verify), key)
    Path(picture).write_bytes(jpeg)
    sys.stdout.write(json.dumps(told) + "\n")
