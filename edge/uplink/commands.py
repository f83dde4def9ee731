"""Signed commands from the platform: done at most once, across restarts, and only while they are meant to be.

Whoever holds the broker can replay, delay and invent messages; none of that changes what the unit does. What is not
signed gets no answer at all; what is signed but stale, early, for another unit, unknown or done already is refused
with a reason. A command's id is on the card before the command is done.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from edge import wire
from edge.clock import SECOND, Clock, Quality
from edge.errors import DoorunitError, WireError
from edge.told import Reply

log = logging.getLogger(__name__)

LOOKED_AT = 20  # messages a second; to see through a forged one takes a Pi a millisecond of the deciding thread
KEPT = 1000  # ids of commands done, none of them expired; one more is refused
LIFE_MAX_NS = 7 * 86_400 * SECOND  # a longer life would have its id kept longer than any command is worth

Verb = Callable[[Mapping[str, Any]], str]  # (args) -> what to tell; raises DoorunitError
Answer = Callable[[bool, str], None]  # (done, what to tell)
Deed = Callable[[wire.Command, Answer], None]  # a verb that answers when it is done; raises DoorunitError
Keep = Callable[[bytes, Callable[[], None]], None]  # (state, what to do once it is on the card)

_NOTHING: Mapping[str, Deed] = {}
_done = msgspec.json.Decoder(dict[str, int])


class Commands:
    """Lives in the deciding thread. `verify(signature, message)` knows the platform's key. Hook: on_forged(why)."""

    def __init__(
        self,
        unit: str,
        verify: Callable[[bytes, bytes], bool],
        clock: Clock,
        keep: Keep,
        reply: Callable[[Reply], None],
        verbs: Mapping[str, Verb],
        deeds: Mapping[str, Deed] = _NOTHING,
    ) -> None:
        self._unit = unit
        self._verify = verify
        self._clock = clock
        self._keep = keep
        self._reply = reply
        self._verbs = verbs
        self._deeds = deeds
        self._ids: dict[str, int] = {}  # id -> when it expires, UTC ns
        self._knows = False  # what was done before this start
        self._waiting: dict[str, wire.Command] = {}  # by id: until that is on the card
        self.on_forged: Callable[[object], object] = lambda _: None
        self.refused = 0  # messages that were no command of the platform's, or too many; the pulse tells
        self._second = 0  # of the boot clock
        self._looked_at = 0  # messages in it

    def begin(self, stored: bytes) -> None:
        """A spool was opened, late or in another's place perhaps: remember what it knows was done, keep the rest there.

        `stored` is what `keep` was last given for it; b"" for nothing.
        """
        known = _done.decode(stored) if stored else {}
        more = self._ids.keys() - known.keys()
        self._ids |= known
        self._knows = True
        if more or self._waiting:
            self._keep_ids(*self._waiting.values())

    def pack(self) -> bytes:
        """What was done and has not expired, as `begin` takes it."""
        return msgspec.json.encode(self._ids)

    def take(self, payload: bytes) -> None:
        """A message on the command topic; those beyond LOOKED_AT in a second are passed over: the door comes first."""
        second = self._clock.now() // SECOND
        self._looked_at = self._looked_at + 1 if second == self._second else 1
        self._second = second
        if self._looked_at > LOOKED_AT:
            self.refused += 1
            return
        try:
            command = wire.read_command(payload, self._verify)
        except WireError as err:
            self.refused += 1
            self.on_forged(err)
            return
        why = self._why_not(command)
        if why:
            log.warning("command %s (%s) refused: %s", command.id, command.verb, why)
            self._reply(Reply(command.id, False, why))
            return
        self._ids[command.id] = wire.from_rfc3339(command.expires)
        self._waiting[command.id] = command
        self._keep_ids(command)

    def _why_not(self, command: wire.Command) -> str:
        """Why this command must not be done now; "" where it may."""
        now = self._clock.read()
        first_ns, last_ns = wire.from_rfc3339(command.not_before), wire.from_rfc3339(command.expires)
        if command.unit != self._unit:
            return f"it is for {command.unit}"
        if not self._knows:
            return "this unit has not yet read what it did before; say it again"
        if now.clock is not Quality.SYNCED:
            return f"this unit's clock is {now.clock}, so nobody can say whether it is stale"
        if now.wall_ns > last_ns:
            return f"it expired at {command.expires}"
        if now.wall_ns < first_ns:
            return f"it is not valid before {command.not_before}"
        if last_ns - first_ns > LIFE_MAX_NS:
            return "it would be valid for more than seven days"
        self._ids = {id_: ends_ns for id_, ends_ns in self._ids.items() if ends_ns >= now.wall_ns}
        if command.id in self._ids:
            return "it was done already"
        if len(self._ids) >= KEPT:
            return f"{KEPT} commands are remembered and none has expired"
        known = sorted([*self._verbs, *self._deeds])
        return "" if command.verb in known else f"want one of {', '.join(known)}"

    def _keep_ids(self, *commands: wire.Command) -> None:
        """Then do these, unless the card took longer than they are worth."""

        def then() -> None:
            for command in commands:
                if self._waiting.pop(command.id, None) is not None:
                    self._do(command)

        self._keep(msgspec.json.encode(self._ids), then)

    def _do(self, command: wire.Command) -> None:
        if self._clock.read().wall_ns > self._ids.get(command.id, 0):
            self._reply(Reply(command.id, False, f"it expired at {command.expires}, while the card had not answered"))
            return
        try:
            if command.verb in self._deeds:
                self._deeds[command.verb](command, lambda done, said: self._answer(command, done, said))
            else:
                self._answer(command, True, self._verbs[command.verb](command.args))
        except DoorunitError as err:
            self._answer(command, False, str(err))

    def _answer(self, command: wire.Command, done: bool, said: str) -> None:
        log.info("command %s (%s) %s: %s", command.id, command.verb, "done" if done else "refused", said)
        self._reply(Reply(command.id, done, said))
