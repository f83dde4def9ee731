"""Being listed by the platform: registration, its refresh, keepalives, and when to try again. In the deciding thread.

Full jitter, growing until a registration has lasted: a whole district comes back at once after a power cut. What the
platform refused is asked again after a minute at the soonest, as the standard wants (9.1).
"""

import logging
import random
from collections.abc import Callable

from edge.centre import Gb28181
from edge.clock import SECOND
from edge.errors import RefusedError, ServerError, WireError
from edge.health import Health
from edge.loop import Loop, Timer
from edge.uplink.gb28181 import clockwork
from edge.uplink.gb28181.clockwork import TimeSaid
from edge.uplink.gb28181.digest import Proof, challenge
from edge.uplink.gb28181.message import Message, address, parameter, uri_parts
from edge.uplink.gb28181.registration import Effect, Registration, Signal
from edge.uplink.gb28181.sockets import Closed, Opened, Wires
from edge.uplink.gb28181.speaker import Speaker
from edge.uplink.gb28181.transactions import Transactions

log = logging.getLogger(__name__)

STABLE_NS = 60 * SECOND  # a registration that lasted this long clears the record of earlier attempts
PAUSE_MAX_S = 60
REFUSED_S, REFUSED_MAX_S = 60, 600
EXPIRES_MIN_S, EXPIRES_MAX_S = 30, 604_800
LEAVE_NS = 2 * SECOND  # of a program that is told to end
STALE_MAX = 3  # fresh challenges in a row that call themselves a formality
HOPS_MAX = 3
UNKNOWN = (401, 403, 404, 407)  # to a MESSAGE: the platform has forgotten this device


class Session:
    """Hooks: on_there(), on_lost(), on_time(TimeSaid); keepalive() gives the body of one."""

    def __init__(
        self,
        gb: Gb28181,
        sockets: Wires,
        talk: Transactions,
        speaker: Speaker,
        loop: Loop,
        health: Health,
        dice: random.Random,
    ) -> None:
        self._gb = gb
        self._sockets = sockets
        self._talk = talk
        self._speaker = speaker
        self._loop = loop
        self._health = health
        self._dice = dice
        self.on_there: Callable[[], None] = lambda: None
        self.on_lost: Callable[[], None] = lambda: None
        self.on_time: Callable[[TimeSaid], None] = lambda _: None
        self.keepalive: Callable[[], bytes] = bytes
        self.there = False
        self.life = 0  # of the connection
        self._registration = Registration()
        self._since_ns = 0
        self._proof: Proof | None = None
        self._expires_s = gb.expires_s
        self._raised = False
        self._stale = 0
        self._hops = 0
        self._attempts = 0
        self._refusals = 0
        self._missed = 0
        self._why: object = ""
        self._due: Timer | None = None
        self._beat: Timer | None = None
        self._leaving: Timer | None = None
        self._done: Callable[[], None] = lambda: None
        self._acts: dict[Effect, Callable[[], None]] = {
            Effect.OPEN: self._open,
            Effect.SHUT: self._shut,
            Effect.ASK: self._ask,
            Effect.PROVE: self._prove,
            Effect.LEAVE: self._leave,
            Effect.ARRIVE: self._arrive,
            Effect.LOSE: self._lose,
            Effect.PAUSE: self._pause,
            Effect.PAUSE_REFUSED: self._pause_refused,
            Effect.FOLLOW: lambda: None,  # the answer that said so has set the server already
            Effect.DONE: lambda: self._done(),
        }

    def start(self) -> None:
        """Register, and stay registered from now on."""
        self._move(Signal.START)

    def stop(self, then: Callable[[], None]) -> None:
        """Unregister; `then` follows within 2 s, whatever the platform does."""
        self._done = then
        self._move(Signal.STOP)

    def opened(self, fact: Opened) -> None:
        """The connection stands."""
        if fact.life == self.life:
            self._speaker.local = (fact.host, fact.port)
            self._move(Signal.OPENED)

    def closed(self, fact: Closed) -> None:
        """The connection is gone."""
        if fact.life == self.life:
            self._why = fact.error
            self._move(Signal.BROKEN)

    def unknown(self, code: int) -> None:
        """A message was answered as if nobody knew this device."""
        if code in UNKNOWN:
            self._why = self._says(code, "a message of a registered device")
            self._move(Signal.UNKNOWN)

    def _move(self, signal: Signal) -> None:
        for effect in self._registration.move(signal):
            self._acts[effect]()

    # Effects

    def _open(self) -> None:
        self.life += 1
        self._raised, self._stale, self._missed = False, 0, 0
        self._sockets.open(self.life, *self._speaker.server)

    def _shut(self) -> None:
        self._cancel()
        self.life += 1  # what the old one still says is nobody's
        self._talk.clear()
        self._sockets.shut()

    def _ask(self) -> None:
        if self._proof is not None and self._proof.spent:
            self._proof = None
        self._register(self._expires_s)

    def _prove(self) -> None:
        self._register(self._expires_s)

    def _leave(self) -> None:
        if self._leaving is None:  # also where one challenge follows the other
            self._leaving = self._loop.after(LEAVE_NS, lambda: self._move(Signal.SILENT))
        self._register(0)

    def _register(self, expires_s: int) -> None:
        proof = ""
        if self._proof is not None:
            proof = self._proof.answer("REGISTER", self._speaker.register_uri, self._speaker.word())
        asked_ns, life = self._loop.now(), self.life
        self._talk.ask(
            self._speaker.register(expires_s, proof), lambda answer: self._answered(answer, life, asked_ns, expires_s)
        )

    def _arrive(self) -> None:
        now = self._loop.now()
        self._health.clear("centre.away", now)
        self._health.clear("centre.refused", now)
        self._refusals = self._hops = 0
        if not self.there:
            self.there, self._since_ns = True, now
            log.info("centre: registered at %s:%d", *self._speaker.server)
            self._keep_alive()
            self.on_there()

    def _lose(self) -> None:
        if not self.there:
            return
        self.there = False
        if self._loop.now() - self._since_ns >= STABLE_NS:
            self._attempts = 0
        if self._beat is not None:
            self._beat.cancel()
        self.on_lost()

    def _pause(self) -> None:
        self._health.clear("centre.refused", self._loop.now())
        self._health.set("centre.away", self._loop.now(), self._why)
        self._attempts = min(self._attempts + 1, 16)
        self._again(self._dice.uniform(0, min(PAUSE_MAX_S, 2**self._attempts)))

    def _pause_refused(self) -> None:
        self._health.clear("centre.away", self._loop.now())
        self._health.set("centre.refused", self._loop.now(), self._why)
        self._refusals = min(self._refusals + 1, 16)
        self._again(REFUSED_S + self._dice.uniform(0, min(REFUSED_MAX_S, REFUSED_S * 2**self._refusals)))

    def _again(self, pause_s: float) -> None:
        self._proof = None
        self._expires_s = self._gb.expires_s
        self._speaker.server = (self._gb.host or "", self._gb.port)  # whoever redirected is asked again
        self._speaker.afresh()
        self._due_in(pause_s)

    def _due_in(self, pause_s: float) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self._loop.after(int(pause_s * SECOND), lambda: self._move(Signal.DUE))

    def _cancel(self) -> None:
        for timer in (self._due, self._beat, self._leaving):
            if timer is not None:
                timer.cancel()

    # What REGISTER is answered

    def _answered(self, answer: Message | None, life: int, asked_ns: int, expires_s: int) -> None:
        if life != self.life:
            return
        if answer is None:
            self._why = self._says(None, "an answer to REGISTER")
            self._move(Signal.SILENT)
            return
        self._why = self._says(answer.code, "REGISTER to be taken", answer.reason)
        judge = {401: self._challenged, 407: self._challenged, 423: self._brief, 301: self._moved, 302: self._moved}
        if answer.code < 300:
            self._taken(answer, asked_ns, expires_s)
        else:
            self._move(judge.get(answer.code, lambda _: Signal.REFUSED)(answer))

    def _taken(self, answer: Message, asked_ns: int, expires_s: int) -> None:
        time = clockwork.said(answer.get("date"), asked_ns, self._loop.now())
        if time is not None:
            self.on_time(time)
        if expires_s:
            said = parameter(answer.get("contact"), "expires") or answer.get("expires")
            granted_s = int(said) if _is_number(said) else expires_s
            granted_s = min(max(granted_s, EXPIRES_MIN_S), EXPIRES_MAX_S)
            self._due_in(granted_s * self._dice.uniform(0.5, 0.85))
        self._move(Signal.TAKEN)

    def _challenged(self, answer: Message) -> Signal:
        try:
            asked = challenge(answer.all("www-authenticate") + answer.all("proxy-authenticate"))
        except WireError as err:
            self._why = err
            return Signal.REFUSED
        if self._gb.password is None:
            self._why = self._says(answer.code, "a platform without a password, or gb28181.password", "it asks for one")
            return Signal.REFUSED
        self._proof = Proof(asked, self._gb.user or self._gb.device_id or "", self._gb.password)
        self._stale += 1
        return Signal.STALE if asked.stale and self._stale <= STALE_MAX else Signal.ASKED_WHO

    def _brief(self, answer: Message) -> Signal:
        said = answer.get("min-expires")
        if self._raised or not _is_number(said):
            return Signal.REFUSED
        self._raised = True
        self._expires_s = min(max(int(said), self._expires_s), EXPIRES_MAX_S)
        return Signal.TOO_BRIEF

    def _moved(self, answer: Message) -> Signal:
        where = address(answer.get("contact"))
        try:
            _user, host, port = uri_parts(where)
        except WireError as err:
            self._why = err
            return Signal.REFUSED
        self._hops += 1
        if not self._gb.allow_redirect or self._hops > HOPS_MAX:
            self._why = self._says(answer.code, "no redirection, or gb28181.allow_redirect", f"it names {host[:80]}")
            return Signal.REFUSED
        log.warning("centre: %s:%d sends this unit to %s:%d", *self._speaker.server, host, port or 5060)
        self._speaker.server = (host, port or 5060)
        self._proof = None
        self._speaker.afresh()
        return Signal.MOVED

    # Keepalives

    def _keep_alive(self) -> None:
        self._beat = self._loop.after(self._gb.keepalive_s * SECOND, self._keep_alive)
        life = self.life
        self._talk.ask(self._speaker.message(self.keepalive()), lambda answer: self._heard_beat(answer, life))

    def _heard_beat(self, answer: Message | None, life: int) -> None:
        if life != self.life or not self.there:
            return
        if answer is not None and answer.code < 300:
            self._missed = 0
            return
        if answer is not None and answer.code in UNKNOWN:
            self.unknown(answer.code)
            return
        self._missed += 1
        if self._missed >= self._gb.misses:
            self._why = self._says(None, "an answer to a keepalive")
            self._move(Signal.MISSED)

    def _says(self, code: int | None, wanted: str, more: str = "") -> object:
        where = "{}:{}".format(*self._speaker.server)
        if code is None:
            remedy = "The server hangs or its port is closed; the unit tries again by itself."
            return ServerError(where, found="no answer", wanted=wanted, remedy=remedy)
        remedy = "Compare [gb28181] with what the platform's keeper has entered for this unit."
        return RefusedError(where, found=f"{code} {more[:80]}".strip(), wanted=wanted, remedy=remedy)


def _is_number(said: str) -> bool:
    return said.isascii() and said.isdigit() and len(said) < 10
