"""What a unit and a station say to one another when a unit is enrolled, version 1: JSON over HTTPS.

POST /v1/enrol at the station's enrolment port, without a client certificate; and, to renew, POST
/v1/units/<unit>/certificate where frames go, with the present one. Answers: 200 Granted, 202 Waiting, 403 Refused.
"""

import base64
import hashlib
from typing import Literal

import msgspec

from edge.errors import DistrustError, LinkError, RefusedError, ServerError

ENROL = "/v1/enrol"
ASKING_MAX_BYTES = 8192  # one is 1 kB
ANSWER_MAX_BYTES = 65_536


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A unit asks to have its keys certified. Without a token a person at the station decides."""

    schema: Literal[1] = 1
    unit: str  # as its card says; "" where it does not say
    csr: str  # PEM
    verify_key: str  # base64: the Ed25519 public key that checks its frames
    proof: str  # base64: the request's bytes signed with that key
    token: str = ""


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate, and the platform's public keys."""

    unit: str
    certificate: str  # PEM
    seal_key: str  # base64, X25519
    seal_key_id: str
    command_key: str  # base64, Ed25519


class Waiting(msgspec.Struct, frozen=True):
    """A person has to accept this code at the station first."""

    code: str
    wait_s: int


class Refused(msgspec.Struct, frozen=True):
    """No. error: token.unknown, token.used, token.expired, token.unit, key.revoked, unit.revoked or another word."""

    error: str
    detail: str = ""


def code_of(key: str) -> str:
    """The code that a person compares: 40 bits of the public key's sha256 (hex), in eight letters and digits."""
    letters = base64.b32encode(bytes.fromhex(key)[:5]).decode()
    return f"{letters[:4]}-{letters[4:]}"


def token_id(token: str) -> str:
    """What is kept of a token: sha256, hex. It has 160 random bits, so nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_answer(status: int, body: bytes, where: str) -> Granted | Waiting | Refused:
    """What a station said. Raises LinkError for what no station says: DistrustError where it may be a portal."""
    if status >= 500 or status == 429:
        raise ServerError(
            f"enrolment at {where}",
            found=f"status {status}: {_words(body)}",
            wanted="a station with time for this unit",
            remedy="The unit tries again by itself; the station's log says more.",
        )
    kinds: dict[int, type[Granted | Waiting | Refused]] = {200: Granted, 202: Waiting, 403: Refused}
    if status in kinds:
        try:
            return msgspec.json.decode(body, type=kinds[status])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise _stranger(status, body, where) from err
    raise (
        _stranger(status, body, where)
        if status < 400
        else RefusedError(
            f"enrolment at {where}",
            found=f"status {status}: {_words(body)}",
            wanted="a station that knows this software's enrolment",
            remedy="Compare the unit's software version with the station's.",
        )
    )


def _stranger(status: int, body: bytes, where: str) -> LinkError:
    return DistrustError(
        f"enrolment at {where}",
        found=f"status {status} and no station's answer: {_words(body)}",
        wanted="a station's answer in JSON",
        remedy="A captive portal or a proxy answers in its place: give this unit a network without one.",
    )


def _words(body: bytes) -> str:
    return ascii(" ".join(body[:200].decode("utf-8", "replace").split()))
