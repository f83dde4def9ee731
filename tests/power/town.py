"""What lies beyond the unit and outlives it: network, broker, and a platform that notes what comes before it counts.

Nothing is under way upwards: what was handed to the socket is held at that instant, which is the hardest case for a
unit that is cut off before it commits. What comes down takes its time, and is lost with the unit.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from edge import wire
from edge.clock import MS
from edge.errors import LinkError, RefusedError, ServerError, WireError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.records import Key
from edge.sim.city import Held
from edge.spool import seal
from tests.power.scene import TOWN_SIGN, UNIT

TOWN_KEY = bytes(TOWN_SIGN.verify_key)
UNIT_SEED = b"the unit signs its pictures with"
_UNIT_SIGN = SigningKey(UNIT_SEED)
_SEAL_KEY = PrivateKey(b"the town opens its pictures with")
DOWN_NS = 20 * MS  # what an answer takes


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What left the unit: a record, frame, state or reply; or where the street was when the unit was cut off."""

    kind: str
    payload: bytes = b""
    now_ns: int = 0
    acts_done: int = 0
    faults: int = 0


Note = Callable[[Word], object]


def sealer() -> seal.Sealer:
    """Seals the unit's pictures to this town."""
    return seal.Sealer(UNIT, bytes(_SEAL_KEY.public_key), "key-1", bytes(_UNIT_SIGN))


class Platform:
    """Holds what it is sent, each record once; `wrong` is what it finds to be a seq that was used twice."""

    def __init__(self, note: Note) -> None:
        self.held: dict[Key, Held] = {}
        self.frames: dict[str, seal.Header] = {}
        self.state: dict[str, Any] = {}
        self.replies: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self._note = note

    def take(self, payload: bytes) -> bytes:
        """One record arrives; returns its receipt."""
        self._note(Word("record", payload))
        envelope = wire.decode(UNIT, payload)
        record = envelope.data.record
        held = self.held.setdefault((record.epoch, record.seq), Held(len(self.held), envelope))
        if held.envelope.data.record != record:
            self.wrong.append(f"{record.epoch}/{record.seq} is {held.envelope.data.record} and also {record}")
        return wire.receipt(record.epoch, [record.seq])

    def hold(self, sealed: bytes) -> None:
        """One frame arrives: opened and checked before it counts."""
        header, _ = seal.open_sealed(sealed, bytes(_SEAL_KEY), bytes(_UNIT_SIGN.verify_key))
        self._note(Word("frame", sealed))
        self.frames[seal.frame_name(sealed)] = header

    def hear(self, leaf: str, payload: bytes) -> None:
        """A retained state, or the reply to a command."""
        self._note(Word(leaf, payload))
        if leaf == "state":
            self.state = msgspec.json.decode(payload)
        else:
            self.replies.append(msgspec.json.decode(payload))

    def recall(self, words: list[Word]) -> None:
        """What a unit sent before it was cut off."""
        for word in words:
            if word.kind == "record":
                self.take(word.payload)
            elif word.kind == "frame":
                self.hold(word.payload)
            else:
                self.hear(word.kind, word.payload)


class Town:
    """parts.Link to one broker and one platform. `faults` is what is wrong there; `turn` changes it.

    network: down; dead (nothing passes, and the unit is told when it ends); stuck (nothing passes, and nobody says so);
    held (a connection is answered when it ends). server: down or refusing. denied, deaf (nobody reads what the broker
    takes), mute (no receipts), chatty (too many); post, for pictures: gone, refused or unfit.
    """

    def __init__(self, after: Callable[[int, Callable[[], None]], None], note: Note) -> None:
        self.platform = Platform(note)
        self.faults: dict[str, object] = {}
        self.post: Callable[[object], None] = lambda _: None  # into the unit that runs now
        self._after = after
        self._session = 0  # counts connections; what belongs to an older one is void
        self._up = False  # as the unit believes
        self._waits = False  # for an answer to its connection

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown."""
        self._session += 1
        if self.faults.get("network") == "held":
            self._waits = True
        else:
            self._soon(self._answer)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket: where the network works, it has arrived."""
        if self._up and self._trouble() is None:
            self._arrive(topic.rpartition("/")[2], payload, token)
        return self._up and self.faults.get("network") != "dead"

    def abandon(self) -> None:
        """End the connection; LinkDown follows."""
        self.close()
        self._soon(lambda: self.post(LinkDown(_silence())))

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._session += 1
        self._up = False

    def unplug(self) -> None:
        """The unit is gone, and what is under way to it with it."""
        self.close()
        self.post = lambda _: None

    def turn(self, what: str, value: object = None) -> None:
        """A fault begins, or ends where `value` is None."""
        ends, self.faults[what] = self.faults.get(what), value
        if self._waits and value is None:
            self._waits = False
            self._soon(self._answer)
        if self._up and what in ("network", "server") and value not in ("dead", "stuck") and ends != "stuck":
            self._up = False
            self._session += 1
            self._soon(lambda: self.post(LinkDown(self._trouble() or _silence())))

    def say(self, leaf: str, payload: bytes) -> None:
        """A message goes down to the unit that is connected now."""
        incoming = Incoming(wire.topic(UNIT, leaf), payload)
        self._soon(lambda: self.post(incoming) if self._up else None)

    def take_frame(self, sealed: bytes) -> None:
        """The frames' own way. Raises LinkError, RefusedError."""
        if self.faults.get("post") == "refused":
            raise RefusedError("simulated platform", found="413", wanted="200", remedy="Ask its keeper.")
        if self.faults.get("post") == "unfit":
            raise WireError("simulated platform", found="400", wanted="200", remedy="Ask its keeper.")
        if self.faults.get("post") or self._trouble() is not None:
            raise _silence()
        self.platform.hold(sealed)

    def _soon(self, act: Callable[[], None]) -> None:
        session = self._session
        self._after(DOWN_NS, lambda: act() if session == self._session else None)

    def _trouble(self) -> LinkError | None:
        if self.faults.get("network"):
            return _silence()
        kind = {"down": ServerError, "refusing": RefusedError}.get(str(self.faults.get("server")))
        return kind("simulated broker", found="no", wanted="yes", remedy="Ask its keeper.") if kind else None

    def _answer(self) -> None:
        trouble = self._trouble()
        self._up = trouble is None
        self.post(LinkUp("5", 65_535) if trouble is None else LinkDown(trouble))

    def _arrive(self, leaf: str, payload: bytes, token: int) -> None:
        if leaf in ("state", "reply"):
            self.platform.hear(leaf, payload)
        elif leaf == "event" and self.faults.get("denied"):
            self._soon(lambda: self.post(Acked(token, False, "Not authorized")))
            return
        self._soon(lambda: self.post(Acked(token, True, "Success")))
        if leaf == "event" and not self.faults.get("deaf"):
            self._receipts(self.platform.take(payload))

    def _receipts(self, receipt: bytes) -> None:
        if not self.faults.get("mute"):
            self.say("receipt", receipt)
        if self.faults.get("chatty"):
            for one in (receipt, wire.receipt("of-nobody", [1, 2, 3]), b"\xff not a receipt"):
                self.say("receipt", one)


class Post:
    """parts.FramePost to the town."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the platform holds the frame."""
        self._town.take_frame(sealed)

    def close(self) -> None:
        """Nothing to drop."""


def _silence() -> LinkError:
    return LinkError("simulated network", found="silence", wanted="an answer", remedy="The unit tries again by itself.")
