"""Passwords: kept as scrypt hashes, compared in constant time, and the first one that a person is given."""

import base64
import hashlib
import hmac
import secrets
import threading

import msgspec

LEAST = 10  # characters
MOST = 200
_SALT_BYTES = 16
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another on paper
_AT_ONCE = threading.Semaphore(2)  # a hash takes 16 MiB and a core; a crowd of strangers waits in line


class Cost(msgspec.Struct, frozen=True):
    """What a guess costs. OWASP's Password Storage Cheat Sheet: N=2^14, r=8, p=5, so 16 MiB."""

    log2_n: int = 14
    r: int = 8
    p: int = 5


def hashed(password: str, cost: Cost) -> str:
    """The text that is kept: scrypt$log2_n$r$p$salt$hash."""
    salt = secrets.token_bytes(_SALT_BYTES)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(_scrypt(password, salt, cost)).decode())
    return "$".join(("scrypt", str(cost.log2_n), str(cost.r), str(cost.p), *parts))


def matches(password: str, kept: str) -> bool:
    """Whether `kept` was made from this password."""
    _, log2_n, r, p, salt, wanted = kept.split("$")
    made = _scrypt(password, base64.b64decode(salt), Cost(int(log2_n), int(r), int(p)))
    return hmac.compare_digest(made, base64.b64decode(wanted))


def first() -> str:
    """A first password, 79 bits: four groups of four characters."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _scrypt(password: str, salt: bytes, cost: Cost) -> bytes:
    with _AT_ONCE:
        return hashlib.scrypt(
            password.encode("utf-8", "surrogatepass"),  # JSON lets lone surrogates through
            salt=salt,
            n=1 << cost.log2_n,
            r=cost.r,
            p=cost.p,
            maxmem=64 << 20,
        )
