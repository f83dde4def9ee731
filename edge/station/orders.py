"""What the station tells units: signed commands, each answered or not; and whether what a unit signed is its own."""

import base64
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from edge import wire
from edge.clock import SECOND, Clock
from edge.errors import ConfigError, DoorunitError
from edge.records import Audit
from edge.station.ca import Authority

ANSWER_S = 5.0  # how long an answer is waited for; a unit that is offline gives none
EARLY_NS = 600 * SECOND  # a unit's clock may be behind this station's
LIFE_NS = 3600 * SECOND
DAY_NS = 86_400 * SECOND
_REFUSED = "order"


class Reply(msgspec.Struct, frozen=True):
    """A unit's answer; done is None where none has come yet."""

    id: str
    done: bool | None
    said: str


_replies = msgspec.json.Decoder(Reply)


class Orders:
    """Any thread. `publish(topic, payload)` hands a message to the broker."""

    def __init__(self, ca: Authority, clock: Clock, publish: Callable[[str, bytes], object]) -> None:
        self._ca = ca
        self._clock = clock
        self._publish = publish
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], tuple[threading.Event, list[Reply]]] = {}

    def act(self, unit: str, what: str, wish: Mapping[str, Any]) -> Reply:
        """Term {"days"}, visit {"kind", "minutes", openings?}, end, erase; waits ANSWER_S. Raises ConfigError."""
        now_ns = self._clock.read().wall_ns
        args: dict[str, Any]
        if what == "term":
            args = {"starts": wire.rfc3339(now_ns), "ends": wire.rfc3339(now_ns + _number(wish, "days", 60) * DAY_NS)}
        elif what == "visit":
            until_ns = now_ns + _number(wish, "minutes", 1440) * 60 * SECOND
            args = {"kind": str(wish.get("kind")), "from": wire.rfc3339(now_ns), "until": wire.rfc3339(until_ns)}
            args |= {"openings": _number(wish, "openings", 100)} if "openings" in wish else {}
        elif what in ("end", "erase"):
            args = {}
        else:
            raise ConfigError(_REFUSED, found=what[:40], wanted="term, visit, end or erase", remedy="Choose one.")
        if unit not in self._ca.known.units():
            raise ConfigError(_REFUSED, found=unit[:40], wanted="a unit of this station", remedy="Enrol it first.")
        return self.send(unit, what, args)

    def send(self, unit: str, verb: str, args: Mapping[str, Any], wait_s: float = ANSWER_S) -> Reply:
        """A signed command, and what the unit says to it."""
        now_ns, id_ = self._clock.read().wall_ns, secrets.token_hex(8)
        first, last = wire.rfc3339(now_ns - EARLY_NS), wire.rfc3339(now_ns + LIFE_NS)
        wish = wire.Command(id_, unit, verb, first, last, dict(args))
        came, replies = (
            threading.Event(),
            [Reply(id_, None, "the unit has not answered yet; what was sent it obeys once")],
        )
        with self._lock:
            self._waiting[unit, id_] = came, replies
        try:
            self._publish(wire.topic(unit, "command"), wire.command(wish, self._ca.sign_command))
            came.wait(wait_s)
        finally:
            with self._lock:
                self._waiting.pop((unit, id_), None)
        return replies[-1]

    def heard(self, unit: str, payload: bytes) -> None:
        """A unit answered; what cannot be read, or nobody waits for, is passed over."""
        try:
            reply = _replies.decode(payload)
        except (*wire.GARBLED, ValueError):
            return
        with self._lock:
            came, replies = self._waiting.get((unit, reply.id), (None, []))
        if came is not None:
            replies.append(reply)
            came.set()

    def genuine(self, unit: str, audit: Audit) -> bool:
        """Whether the unit's own key, as it was enrolled, signed this."""
        from edge.spool.seal import signed_by

        try:
            signature = base64.b64decode(audit.signature, validate=True)
            keys = self._ca.known.verify_keys(unit, ever=True)
            return any(signed_by(key, signature, wire.testimony(unit, audit)) for key in keys)
        except (DoorunitError, ValueError):
            return False


def _number(wish: Mapping[str, Any], name: str, most: int) -> int:
    text = str(wish.get(name, ""))
    if text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= most:
        return int(text)
    raise ConfigError(_REFUSED, found=f"{name} {text[:20]!r}", wanted=f"1 to {most}", remedy="Say a whole number.")
