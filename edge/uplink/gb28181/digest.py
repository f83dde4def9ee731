"""Who this device is, proved by digest (RFC 2617 without qop, RFC 7616 with it). No I/O, no clock."""

import hashlib
import re

import msgspec

from edge.errors import WireError
from edge.secret import Secret

# WVP writes the count anew in upper case and compares: below ten nobody can tell.
COUNT_MAX = 9
ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}  # the better first
_PAIR = re.compile(r'([A-Za-z-]{1,32})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,"]+)')
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')


class Challenge(msgspec.Struct, frozen=True):
    """What a registrar wants proved. qop: "auth", or "" for the old form without it."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    named: bool = False  # it named the algorithm, so the answer does too
    qop: str = ""
    opaque: str = ""
    stale: bool = False


class Proof:
    """The user's answers to one challenge; each counts."""

    def __init__(self, challenge: Challenge, user: str, password: Secret) -> None:
        self.challenge = challenge
        self._user = user
        self._password = password
        self._count = 0

    @property
    def spent(self) -> bool:
        """Whether a fresh challenge should be asked for."""
        return self._count >= COUNT_MAX

    def answer(self, method: str, uri: str, cnonce: str) -> str:
        """The value of Authorization for this request."""
        asked = self.challenge
        self._count += 1
        count = f"{self._count:08x}"
        secret = _hash(asked.algorithm, self._user.encode(), asked.realm.encode("latin-1"), self._password.reveal())
        what = _hash(asked.algorithm, method.encode(), uri.encode("latin-1", "replace"))
        middle = [asked.nonce, count, cnonce, asked.qop] if asked.qop else [asked.nonce]
        proof = _hash(asked.algorithm, *(part.encode("latin-1") for part in (secret, *middle, what)))
        pairs = [("username", self._user), ("realm", asked.realm), ("nonce", asked.nonce), ("uri", uri)]
        pairs += [("response", proof)] + ([("opaque", asked.opaque)] if asked.opaque else [])
        said = [f'{key}="{value}"' for key, value in pairs]
        said += [f"algorithm={asked.algorithm}"] if asked.named else []
        said += [f"qop={asked.qop}", f"nc={count}", f'cnonce="{cnonce}"'] if asked.qop else []
        return "Digest " + ", ".join(said)


def challenge(values: list[str]) -> Challenge:
    """The best that can be answered of all WWW-Authenticate values. Raises WireError."""
    found = [one for value in values for one in _read(value)]
    for name in ALGORITHMS:
        for one in found:
            if one.algorithm == name:
                return one
    raise WireError(
        "the platform's challenge",
        found=repr(", ".join(values)[:200]),
        wanted=f"Digest with {' or '.join(ALGORITHMS)}, and qop auth or none",
        remedy="The platform's keeper must allow one of these.",
    )


def _read(value: str) -> list[Challenge]:
    """What one header value holds and this device can answer."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return []
    found: dict[str, str] = {}
    for key, raw in _PAIR.findall(rest):
        said = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith('"') else raw
        found.setdefault(key.lower(), said)
    qops = [word.strip().lower() for word in found.get("qop", "").split(",") if word.strip()]
    repeated = (found.get("realm", ""), found.get("nonce", ""), found.get("opaque", ""))
    if "nonce" not in found or "realm" not in found or any(map(_UNSAFE.search, repeated)):
        return []
    if qops and "auth" not in qops:
        return []
    return [
        Challenge(
            realm=found["realm"],
            nonce=found["nonce"],
            algorithm=found.get("algorithm", "MD5").upper(),
            named="algorithm" in found,
            qop="auth" if qops else "",
            opaque=found.get("opaque", ""),
            stale=found.get("stale", "").lower() == "true",
        )
    ]


def _hash(algorithm: str, *parts: bytes) -> str:
    return hashlib.new(ALGORITHMS[algorithm], b":".join(parts), usedforsecurity=algorithm != "MD5").hexdigest()
