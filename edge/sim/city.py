"""What lies beyond the unit: network, broker and platform, with their faults, in simulated time."""

import json
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from edge import wire
from edge.clock import MS, SECOND
from edge.errors import DoorunitError, LinkError, RefusedError, ServerError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.records import Key
from edge.uplink.refusal import dumb

After = Callable[[int, Callable[[], None]], None]  # (ns from now, what) in true time


class Held(msgspec.Struct, frozen=True):
    """One record as the platform holds it: in which order it came, and how."""

    order: int
    envelope: wire.Envelope


class Platform:
    """Holds each record once, and answers with receipts; `deaf`, `mute` and `replies` are its faults."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.held: dict[Key, Held] = {}
        self.told: dict[str, Any] = {}  # the last pulse, state and so on, by leaf
        self.deaf = False  # the receiver is down: the broker takes messages and nobody reads them
        self.mute = False  # records are held, receipts do not leave
        self.replies: Callable[[bytes], list[tuple[int, bytes]]] = lambda receipt: [(0, receipt)]  # what leaves, after
        self.repeats = 0
        self.on_reply: Callable[[dict[str, Any]], None] = lambda _: None

    def hear(self, leaf: str, payload: bytes) -> None:
        """Something that is no record arrives."""
        if not self.deaf:
            self.told[leaf] = json.loads(payload)
            if leaf == "reply":
                self.on_reply(self.told[leaf])

    def take(self, payload: bytes) -> list[tuple[int, bytes]]:
        """One record arrives; returns the receipts that leave for it, and after how many ns."""
        if self.deaf:
            return []
        envelope = wire.decode(self.unit, payload)
        record = envelope.data.record
        key = (record.epoch, record.seq)
        if key in self.held:
            self.repeats += 1
        else:
            self.held[key] = Held(len(self.held), envelope)
        return [] if self.mute else self.replies(wire.receipt(*_one(key)))


def _one(key: Key) -> tuple[str, list[int]]:
    return key[0], [key[1]]


class City:
    """parts.Link through a simulated network to one broker and one platform.

    Faults are switched from outside: network ("up", "silent": nothing passes and nobody says so, "down"),
    server_up, denied (the broker's ACL), chatty (receipts come twice, and some for records of others), and
    refusal: what answers a connection instead of yes, and after how many ns; drops: what ends each one, and when.
    answers: whether the broker answers messages at all.
    loss: share of messages that are lost, either way. latency_ms: of a message, at least and at most.
    blocked ("", "refused" or "dropped"): by a firewall that lets everything else through. beside: other ways through
    the same network.
    """

    def __init__(
        self, unit: str, after: After, dice: random.Random, keepalive_s: int, platform: Platform | None = None
    ) -> None:
        self.platform = platform or Platform(unit)
        self.beside: tuple[City, ...] = ()
        self.blocked = ""
        self.arrived = 0  # records that came this way
        self.network = "up"
        self.server_up = True
        self.denied = False
        self.reason = "Not authorized"  # of what is denied
        self.chatty = False
        self.refusal: tuple[int, Callable[[], DoorunitError]] | None = None
        self.answers = True
        self.heard = True  # whether the broker knows of a subscriber
        self.drops: tuple[int, Callable[[], DoorunitError]] | None = None
        self.protocol = "5"
        self.window = 0  # receive maximum; 0: one of those that brokers have
        self.loss = 0.0
        self.latency_ms = (1, 80)
        self.post: Callable[[object], None] = lambda _: None  # into the unit that runs now
        self._after = after
        self._dice = dice
        self._silence_ns = keepalive_s * SECOND * 2  # as late as the real link may notice it
        self._session = 0  # counts connections; what belongs to an older one is void
        self._up = False
        self._room = 0
        self._held: deque[tuple[str, bytes, int]] = deque()  # beyond the broker's window, as the real link keeps it

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown."""
        self._session += 1
        session = self._session
        dropped = self.network == "silent" or self.blocked == "dropped"
        wait_ns = 10 * SECOND if dropped else self._latency()
        self._after(wait_ns, lambda: self._answer(session))

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket now; False where there is no connection."""
        if not self._up:
            return False
        if qos and self._room == 0:
            self._held.append((topic, payload, token))
            return True
        self._room -= bool(qos)
        self._transmit(topic, payload, token if qos else None)
        return True

    def abandon(self) -> None:
        """End the connection; LinkDown follows."""
        self._end(0, dumb("simulated broker"))

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._session += 1
        self._up = False

    def trouble(self) -> LinkError | None:
        """Why nothing at all comes through now; None where something does."""
        return _network() if self.network != "up" else None if self.server_up else _server()

    # Faults, from outside

    def cut(self, kind: str) -> None:
        """The network is "down" (connections end) or "silent" (they seem to live until the keep-alive tells)."""
        for each in (self, *self.beside):
            each.network = kind
            each._end(self._silence_ns if kind == "silent" else 0, _network())  # noqa: SLF001 - another of its kind

    def mend(self) -> None:
        """The network works again; a connection that fell silent stays dead."""
        for each in (self, *self.beside):
            each.network = "up"

    def block(self, kind: str) -> None:
        """A firewall ends this way alone: connections are "refused" or their packets "dropped"; "" opens it."""
        self.blocked = kind
        if kind:
            self._end(self._silence_ns if kind == "dropped" else 0, _network())

    def stop_server(self) -> None:
        """The broker ends."""
        self.server_up = False
        self._end(0, _server())

    def say(self, leaf: str, payload: bytes) -> None:
        """The platform tells the unit something; lost where it does not come through."""
        if self._passes():
            self._reply(self._session, Incoming(wire.topic(self.platform.unit, leaf), payload))

    def drop(self) -> None:
        """The broker ends the connection."""
        self._end(0, ended())

    def unplug(self) -> None:
        """The unit is gone; whatever is under way to it falls on the floor."""
        self.close()
        self.post = lambda _: None

    def _passes(self) -> bool:
        return self.network == "up" and self.server_up and not self.blocked

    def _arrives(self) -> bool:
        return self._passes() and (self.loss == 0 or self._dice.random() >= self.loss)

    def _latency(self) -> int:
        return self._dice.randint(*self.latency_ms) * MS

    def _answer(self, session: int) -> None:
        if session != self._session:
            return
        if self.network != "up" or self.blocked == "dropped":
            self.post(LinkDown(_network()))
        elif self.blocked:
            self.post(LinkDown(_server()))
        elif not self.server_up:
            self.post(LinkDown(_server() if self._dice.random() < 0.8 else _refused()))
        elif self.refusal is not None:
            wait_ns, error = self.refusal
            self._after(wait_ns, lambda: self.post(LinkDown(error())) if session == self._session else None)
        else:
            self._accept()

    def _accept(self) -> None:
        self._up = True
        self._room = self.window or self._dice.choice((20, 65_535))
        self._held.clear()
        self.post(LinkUp(self.protocol, self._room))
        if self.drops is not None:
            self._end(self.drops[0], self.drops[1]())

    def _end(self, wait_ns: int, error: DoorunitError) -> None:
        session = self._session

        def tell() -> None:
            if session == self._session and self._up:
                self._up = False
                self.post(LinkDown(error))

        self._after(wait_ns, tell)

    def _transmit(self, topic: str, payload: bytes, token: int | None) -> None:
        """Put it on its way to the broker. token: None for QoS 0, which is not answered."""
        session = self._session
        if self._arrives():
            self._after(self._latency(), lambda: self._arrive(session, topic, payload, token))

    def _arrive(self, session: int, topic: str, payload: bytes, token: int | None) -> None:
        """At the broker: a session that ended takes what it had on its way along."""
        if session != self._session or not self._passes() or not self.answers:
            return
        leaf = topic.rpartition("/")[2]
        if leaf == "event" and self.denied:
            self._acknowledge(session, Acked(token or 0, False, self.reason))
            return
        if leaf == "event":
            self.arrived += 1
            for wait_ns, receipt in self.platform.take(payload):
                self._after(wait_ns, partial(self._receipts, session, receipt))
        else:
            self.platform.hear(leaf, payload)
        if token is not None:
            self._acknowledge(session, Acked(token, True, "Success", self.heard))

    def _acknowledge(self, session: int, fact: Acked) -> None:
        def deliver() -> None:
            if session != self._session or not self._up or not self._passes():
                return
            if fact.token:
                self.post(fact)
            self._room += 1
            if self._held:
                self._room -= 1
                self._transmit(*self._held.popleft())

        if self._arrives():
            self._after(self._latency(), deliver)

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

        if self._arrives():
            self._after(self._latency(), deliver)


def _network() -> LinkError:
    return LinkError("simulated network", found="silence", wanted="an answer", remedy="The unit tries again by itself.")


def _server() -> LinkError:
    return ServerError("simulated broker", found="nothing listens", wanted="a broker", remedy="Wait for the server.")


def _refused() -> LinkError:
    return RefusedError("simulated broker", found="it said no", wanted="to be let in", remedy="Ask its keeper.")


def ended() -> LinkError:
    """What the link says of a connection that ended without a word."""
    return LinkError(
        "simulated broker", found="it ended the connection", wanted="one that stays", remedy="The unit tries again."
    )
