"""What lies beyond the unit: network, broker and platform, with their faults, in simulated time."""

import random
from collections.abc import Callable

import msgspec

from edge import wire
from edge.clock import MS, SECOND
from edge.errors import LinkError, RefusedError, ServerError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.records import Key

After = Callable[[int, Callable[[], None]], None]  # (ns from now, what) in true time


class Held(msgspec.Struct, frozen=True):
    """One record as the platform holds it: in which order it came, and how."""

    order: int
    envelope: wire.Envelope


class Platform:
    """Holds each record once, and answers with receipts; `deaf` and `mute` are its faults."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.held: dict[Key, Held] = {}
        self.deaf = False  # the receiver is down: the broker takes messages and nobody reads them
        self.mute = False  # records are held, receipts do not leave
        self.repeats = 0

    def take(self, payload: bytes) -> list[bytes]:
        """One record arrives; returns the receipts that leave for it."""
        if self.deaf:
            return []
        envelope = wire.decode(self.unit, payload)
        record = envelope.data.record
        key = (record.epoch, record.seq)
        if key in self.held:
            self.repeats += 1
        else:
            self.held[key] = Held(len(self.held), envelope)
        return [] if self.mute else [wire.receipt(*_one(key))]


def _one(key: Key) -> tuple[str, list[int]]:
    return key[0], [key[1]]


class City:
    """parts.Link through a simulated network to one broker and one platform.

    Faults are switched from outside: network ("up", "silent": nothing passes and nobody says so, "down"),
    server_up, denied (the broker's ACL), chatty (receipts come twice, and some for records of others).
    """

    def __init__(self, unit: str, after: After, dice: random.Random, keepalive_s: int) -> None:
        self.platform = Platform(unit)
        self.network = "up"
        self.server_up = True
        self.denied = False
        self.chatty = False
        self.post: Callable[[object], None] = lambda _: None  # into the unit that runs now
        self._after = after
        self._dice = dice
        self._silence_ns = keepalive_s * SECOND * 3 // 2
        self._session = 0  # counts connections; what belongs to an older one is void
        self._up = False

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown."""
        self._session += 1
        session = self._session
        wait_ns = 10 * SECOND if self.network == "silent" else self._latency()
        self._after(wait_ns, lambda: self._answer(session))

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket now; False where there is no connection."""
        if not self._up:
            return False
        session = self._session
        if self._passes():
            self._after(self._latency(), lambda: self._arrive(session, topic, payload, token))
        return True

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._session += 1
        self._up = False

    # Faults, from outside

    def cut(self, kind: str) -> None:
        """The network is "down" (connections end) or "silent" (they seem to live until the keep-alive tells)."""
        self.network = kind
        self._end(self._silence_ns if kind == "silent" else 0, _network())

    def mend(self) -> None:
        """The network works again; a connection that fell silent stays dead."""
        self.network = "up"

    def stop_server(self) -> None:
        """The broker ends."""
        self.server_up = False
        self._end(0, _server())

    def unplug(self) -> None:
        """The unit is gone; whatever is under way to it falls on the floor."""
        self.close()
        self.post = lambda _: None

    def _passes(self) -> bool:
        return self.network == "up" and self.server_up

    def _latency(self) -> int:
        return self._dice.randint(1, 80) * MS

    def _answer(self, session: int) -> None:
        if session != self._session:
            return
        if self.network != "up":
            self.post(LinkDown(_network()))
        elif not self.server_up:
            self.post(LinkDown(_server() if self._dice.random() < 0.8 else _refused()))
        else:
            self._up = True
            self.post(LinkUp("5", self._dice.choice((20, 65_535))))

    def _end(self, wait_ns: int, error: LinkError) -> None:
        session = self._session

        def tell() -> None:
            if session == self._session and self._up:
                self._up = False
                self.post(LinkDown(error))

        self._after(wait_ns, tell)

    def _arrive(self, session: int, topic: str, payload: bytes, token: int) -> None:
        """At the broker: a session that ended takes what it had on its way along."""
        if session != self._session or not self._passes():
            return
        if topic.endswith("/event"):
            if self.denied:
                self._reply(session, Acked(token, False, "Not authorized"))
                return
            for receipt in self.platform.take(payload):
                self._receipts(session, receipt)
        if token:
            self._reply(session, Acked(token, True, "Success"))

    def _receipts(self, session: int, receipt: bytes) -> None:
        incoming = Incoming(wire.topic(self.platform.unit, "receipt"), receipt)
        self._reply(session, incoming)
        if self.chatty:
            self._reply(session, incoming)
            self._reply(session, Incoming(incoming.topic, wire.receipt("of-nobody", [1, 2, 3])))
            self._reply(session, Incoming(incoming.topic, b"\xff not a receipt"))

    def _reply(self, session: int, fact: object) -> None:
        def deliver() -> None:
            if session == self._session and self._up and self._passes():
                self.post(fact)

        self._after(self._latency(), deliver)


def _network() -> LinkError:
    return LinkError("simulated network", found="silence", wanted="an answer", remedy="The unit tries again by itself.")


def _server() -> LinkError:
    return ServerError("simulated broker", found="nothing listens", wanted="a broker", remedy="Wait for the server.")


def _refused() -> LinkError:
    return RefusedError("simulated broker", found="it said no", wanted="to be let in", remedy="Ask its keeper.")
