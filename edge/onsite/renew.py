"""A new certificate for a unit that has one, asked for with the present one over mutual TLS. Keys stay as they are.

Blocks; the running unit has a worker do it. The new identity takes the old one's place whole, and counts from the next
connection on.
"""

import base64
from pathlib import Path

import msgspec

from edge import identity
from edge.clock import SECOND, Clock, Quality
from edge.errors import RefusedError
from edge.onsite import forms
from edge.onsite.enrol import IDENTITY, Keys, Post, save
from edge.onsite.forms import Asking, Granted

DAY_NS = 86_400 * SECOND


def left_ns(state: Path, clock: Clock) -> int | None:
    """How long the present certificate lives on; None while the clock cannot say. Raises ConfigError."""
    now = clock.read()
    if now.clock is Quality.UNSYNCED:
        return None
    who = identity.load(state / IDENTITY)  # it says the end itself: reading certificates takes a library of 8 MB
    return (who.ends_ns or identity.certificate_life(who.cert_file)[1]) - now.wall_ns


def renew(state: Path, post: Post) -> None:
    """Have the present keys certified anew. Raises LinkError, PartError, ConfigError; the old identity then stays."""
    from edge.onsite import keys  # heavy, and needed twice a year

    who = identity.load(state / IDENTITY)
    seed = who.sign_seed.reveal()
    mine = Keys(who.key_file.read_text(encoding="ascii"), base64.b64encode(seed).decode())
    csr = keys.make_request(who.unit, mine.tls.encode())
    asking = Asking(
        unit=who.unit,
        csr=csr.decode(),
        verify_key=base64.b64encode(keys.verify_key_of(seed)).decode(),
        proof=base64.b64encode(keys.sign(seed, csr)).decode(),
    )
    path = f"/v1/units/{who.unit}/certificate"
    status, body = post.post(path, msgspec.json.encode(asking), forms.ANSWER_MAX_BYTES)
    answer = forms.read_answer(status, body, post.where)
    if not isinstance(answer, Granted):
        raise _no(post.where, getattr(answer, "error", "waiting")[:32])
    if answer.unit != who.unit or not keys.certifies(answer.certificate.encode(), mine.tls.encode(), who.unit):
        raise _no(post.where, "a certificate of another key or name")
    save(state, answer, mine, who.ca_file.read_text(encoding="ascii"), who.token_id)


def _no(where: str, found: str) -> RefusedError:
    return RefusedError(
        f"renewal at {where}",
        found=ascii(found),
        wanted="a new certificate for this unit's key",
        remedy="If this unit was revoked, enrol it anew: `doorunit station reissue` writes its file.",
    )
