"""The enrolment desk: who is given a certificate, and whose no longer counts.

A key is answered the same however often it asks: an answer that was lost costs nothing. A token is spent on the disk
before its certificate is made, so no cut lets two keys have one.
"""

import base64
import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from edge.clock import SECOND, Clock
from edge.errors import ConfigError, WireError
from edge.identity import UNIT_ID
from edge.onsite import forms, keys
from edge.onsite.forms import Asking, Granted, Refused, Waiting
from edge.station.ca import DAY_NS, Authority, free_for_unit
from edge.station.known import Enrolled
from edge.station.roll import PENDING_MAX, Pending, Roll, RollFile, Token
from edge.wire import from_rfc3339, rfc3339

log = logging.getLogger(__name__)

TOKEN_LIFE_NS = 14 * DAY_NS
PENDING_LIFE_NS = DAY_NS  # since it last asked
SEEN_EVERY_NS = 600 * SECOND  # how exactly that is kept: each is a write
WAIT_S = 10
RENEWALS_MAX = 4  # of one unit within AGAIN_NS: each is kept for good
AGAIN_NS = DAY_NS  # a key that renews twice within this lost the first answer: it gets the same

State = Literal["card", "expired", "pending", "accepted", "enrolled", "revoked"]


class Standing(msgspec.Struct, frozen=True):
    """How far one unit is. card: its token waits to be used. until: of token or certificate, RFC 3339."""

    unit: str
    state: State
    since: str
    until: str = ""
    code: str = ""
    address: str = ""


class Desk:
    """One station's enrolments. Any thread; several processes. Raises ConfigError, PartError, WireError (a request)."""

    def __init__(self, folder: Path, ca: Authority, clock: Clock) -> None:
        self._file = RollFile(folder)
        self.known = ca.known
        self._ca = ca
        self._clock = clock

    # For units

    def ask(self, asking: Asking, address: str = "") -> Granted | Waiting | Refused:
        """The answer to a unit that enrols. address: where it asked from, for the person who decides."""
        request = keys.read_request(asking.csr.encode(), _bytes(asking.verify_key), _bytes(asking.proof))
        found = self.known.of_key(request.key)
        if found is not None:
            unit, known = found
            if known.revoked:
                return Refused("key.revoked", f"this key was {unit}'s until {known.revoked}")
            return self._granted(unit, known.pem)
        with self._file.change() as roll:
            self._tidy(roll)
            if asking.token:
                return self._by_token(roll, asking, request)
            return self._by_person(roll, asking, request, address)

    def renew(self, unit: str, asking: Asking) -> Granted | Refused:
        """A new certificate for a unit that has shown its present one."""
        request = keys.read_request(asking.csr.encode(), _bytes(asking.verify_key), _bytes(asking.proof))
        valid = self.known.valid(unit)
        if not valid:
            return Refused("unit.revoked", f"{unit} has no certificate that counts")
        found = self.known.of_key(request.key)
        if found is not None and (found[0] != unit or found[1].revoked):
            return Refused("key.revoked", "this key was another's, or counts no more")
        every, since_ns = self.known.certificates(unit), self._now_ns() - AGAIN_NS
        recent = [one for one in every if from_rfc3339(one.issued) > since_ns]
        for one in recent:
            if one is not every[-1] and (one.key, one.verify_key) == (request.key, asking.verify_key):
                return self._granted(unit, one.pem)
        if len(recent) > RENEWALS_MAX:
            return Refused("renewal.often", f"{unit} has been given {len(recent)} certificates within a day")
        pem = self._ca.certify(unit, request.public_pem, _bytes(asking.verify_key))
        log.info("%s: certificate renewed", unit)
        return self._granted(unit, pem.decode())

    # For people

    def tokens(self, units: Sequence[str]) -> dict[str, str]:
        """A fresh token for each unit, told here and never again; one it had before is void. Raises ConfigError."""
        made = {free_for_unit(unit): secrets.token_urlsafe(20) for unit in units}  # 160 bits
        now_ns = self._now_ns()
        with self._file.change() as roll:
            roll.tokens = {name: token for name, token in roll.tokens.items() if token.unit not in made or token.key}
            for unit, token in made.items():
                roll.tokens[forms.token_id(token)] = Token(unit, now_ns, now_ns + TOKEN_LIFE_NS)
        return made

    def free(self, prefix: str, count: int) -> list[str]:
        """The next `count` ids `prefix`1, `prefix`2, ... that this station has never used."""
        used = {one.unit for one in self._file.read().tokens.values()} | self.known.units().keys()
        ours = [
            int(unit.removeprefix(prefix)) for unit in used if unit.startswith(prefix) and unit[len(prefix) :].isdigit()
        ]
        first = max(ours, default=0) + 1
        return [f"{prefix}{number}" for number in range(first, first + count)]

    def accept(self, code: str, unit: str = "") -> str:
        """A person takes a waiting unit in, under its own name or `unit`; returns the name. Raises ConfigError."""
        wanted = code.strip().upper()
        with self._file.change() as roll:
            self._tidy(roll)
            found = [key for key, one in roll.pending.items() if one.code == wanted]
            if len(found) != 1:
                raise _misuse(f"code {code}", "no unit that waits under it", "the code that the unit shows")
            one = roll.pending[found[0]]
            name = free_for_unit(unit or one.unit)
            taken = [other.granted for key, other in roll.pending.items() if key != found[0]]
            if self.known.valid(name) or name in taken:
                raise _misuse(
                    f"unit {name}", "another unit that has this name", "a free name: --unit NAME, or revoke it first"
                )
            roll.pending[found[0]] = msgspec.structs.replace(one, granted=name)
        return name

    def revoke(self, unit: str, *, trusted: bool = False) -> int:
        """The unit's certificates and tokens count no more; nor do its pictures from now on, unless `trusted`.

        Returns how many certificates that ended. Raises ConfigError for a unit that has neither.
        """
        with self._file.change() as roll:
            had = [name for name, token in roll.tokens.items() if token.unit == unit and not token.key]
            if not had and not self.known.certificates(unit):
                raise _misuse(f"unit {unit}", "no such unit", "one that `doorunit station units` lists")
            for name in had:
                del roll.tokens[name]
            return self.known.revoke(unit, rfc3339(self._now_ns()), trusted=trusted)

    def reissue(self, unit: str) -> str:
        """A fresh token; the certificates it had count no more. What it sealed before and still sends is taken in."""
        self.revoke(unit, trusted=True)
        return self.tokens([unit])[unit]

    def standing(self) -> list[Standing]:
        """Every unit, by id."""
        now_ns, roll = self._now_ns(), self._file.read()
        found = [_of_token(one, now_ns) for one in roll.tokens.values() if not one.key]
        found += [
            Standing(
                one.granted or one.unit,
                "accepted" if one.granted else "pending",
                rfc3339(one.since_ns),
                "",
                one.code,
                one.address,
            )
            for one in roll.pending.values()
        ]
        found += [_of_certificates(unit, newest) for unit, newest in self.known.units().items()]
        return sorted(found, key=lambda one: (*_order(one.unit), one.since))

    def _by_token(self, roll: Roll, asking: Asking, request: keys.Request) -> Granted | Refused:
        name = forms.token_id(asking.token)
        token = roll.tokens.get(name)
        if token is None:
            return _no("token.unknown", asking, "this station made no such token, or it was replaced")
        if token.key and token.key != request.key:
            return _no("token.used", asking, f"another unit has used it, as {token.unit}")
        if asking.unit and asking.unit != token.unit:
            return _no("token.unit", asking, "it is another unit's")
        if not token.key and token.expires_ns <= self._now_ns():
            return _no("token.expired", asking, f"it ended at {rfc3339(token.expires_ns)}")
        roll.tokens[name] = msgspec.structs.replace(token, key=request.key)
        self._file.keep(roll)
        roll.pending.pop(request.key, None)
        return self._certified(token.unit, request, asking)

    def _by_person(
        self, roll: Roll, asking: Asking, request: keys.Request, address: str
    ) -> Granted | Waiting | Refused:
        now_ns, one = self._now_ns(), roll.pending.get(request.key)
        if one is not None and one.granted:
            if not self.known.valid(one.granted):
                answer = self._certified(one.granted, request, asking)
                del roll.pending[request.key]
                return answer
            one = msgspec.structs.replace(one, granted="")  # somebody else was given that name meanwhile
        if one is None and len(roll.pending) >= PENDING_MAX:
            return Refused("pending.full", f"{PENDING_MAX} units wait; accept some, or wait a day")
        if one is None:
            unit = asking.unit if UNIT_ID.fullmatch(asking.unit) else ""
            one = Pending(forms.code_of(request.key), unit, address, now_ns, now_ns)
            log.warning("a unit that calls itself %r waits for acceptance under code %s", unit, one.code)
        if now_ns - one.seen_ns >= SEEN_EVERY_NS:
            one = msgspec.structs.replace(one, seen_ns=now_ns, address=address)
        roll.pending[request.key] = one
        return Waiting(one.code, WAIT_S)

    def _certified(self, unit: str, request: keys.Request, asking: Asking) -> Granted:
        pem = self._ca.certify(unit, request.public_pem, _bytes(asking.verify_key))
        self.known.revoke(unit, rfc3339(self._now_ns()), but=request.key)  # one unit, one key that counts
        log.info("%s: enrolled", unit)
        return self._granted(unit, pem.decode())

    def _granted(self, unit: str, pem: str) -> Granted:
        ca = self._ca
        return Granted(
            unit=unit,
            certificate=pem,
            seal_key=base64.b64encode(ca.seal_key).decode(),
            seal_key_id=ca.seal_key_id,
            command_key=base64.b64encode(ca.command_key).decode(),
        )

    def _tidy(self, roll: Roll) -> None:
        oldest_ns = self._now_ns() - PENDING_LIFE_NS
        kept = {key: one for key, one in roll.pending.items() if one.seen_ns > oldest_ns}
        roll.pending = {key: one for key, one in kept.items() if self.known.of_key(key) is None}

    def _now_ns(self) -> int:
        return self._clock.read().wall_ns


def _order(unit: str) -> tuple[str, int]:
    """door-2 before door-10."""
    stem = unit.rstrip("0123456789")
    return stem, int(unit[len(stem) :] or 0)


def _of_token(token: Token, now_ns: int) -> Standing:
    state: State = "card" if token.expires_ns > now_ns else "expired"
    return Standing(token.unit, state, rfc3339(token.made_ns), rfc3339(token.expires_ns))


def _of_certificates(unit: str, newest: Enrolled) -> Standing:
    valid = next((one for one in newest.all() if not one.revoked), None)
    if valid is None:
        return Standing(unit, "revoked", newest.revoked)
    return Standing(unit, "enrolled", valid.issued, valid.ends)


def _no(error: str, asking: Asking, detail: str) -> Refused:
    log.warning("a unit that calls itself %r is refused: %s (%s)", asking.unit[:32], error, detail)
    return Refused(error, detail)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as err:
        raise WireError(
            "certificate request", found="a key or proof that is not base64", wanted="base64", remedy="Ask again."
        ) from err


def _misuse(what: str, found: str, wanted: str) -> ConfigError:
    return ConfigError(what, found=found, wanted=wanted, remedy="`doorunit station units` lists all.")
