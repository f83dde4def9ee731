"""The simulated link: a broker that accepts, answers, refuses and falls silent as it is told."""

from collections.abc import Callable

import msgspec

from edge.errors import LinkError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.uplink.refusal import dumb

NO_LIMIT = 65_535  # MQTT 5 receive maximum where the broker names none


class Publish(msgspec.Struct, frozen=True):
    """One message as it was handed to the socket."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    token: int


class SimLink:
    """parts.Link without a network. What the unit does to it is in `dials` and `sent`; the rest is the broker's."""

    def __init__(self, post: Callable[[object], None]) -> None:
        self.dials = 0  # how often `connect` was called
        self.sent: list[Publish] = []
        self.up = False
        self.closed = False
        self._post = post

    def connect(self) -> None:
        """Begin to connect; answered by `accept` or `drop`."""
        self.dials += 1

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Note the message in `sent`; False where there is no connection."""
        if self.up:
            self.sent.append(Publish(topic, payload, qos, retain, token))
        return self.up

    def abandon(self) -> None:
        """End the connection; LinkDown follows."""
        self.drop(dumb("simulated broker"))

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self.up = False
        self.closed = True

    # The broker's side

    def accept(self, window: int = NO_LIMIT, protocol: str = "5") -> None:
        """The broker accepts this unit, and `window` QoS 1 messages unanswered."""
        self.up = True
        self._post(LinkUp(protocol, window))

    def answer(self, token: int, reason: str = "Success") -> None:
        """The broker answers one message: takes it, or refuses it for any other reason."""
        self._post(Acked(token, reason == "Success", reason))

    def say(self, topic: str, payload: bytes) -> None:
        """A message comes down from the platform."""
        self._post(Incoming(topic, payload))

    def sever(self) -> None:
        """The connection is gone and the unit does not know it yet; `drop` tells it."""
        self.up = False

    def drop(self, error: LinkError | None = None) -> None:
        """There is no connection, or it was refused: `error`, or the network's common silence."""
        self.up = False
        self._post(LinkDown(error or _gone()))


def _gone() -> LinkError:
    return LinkError(
        "simulated broker", found="silence", wanted="a connection that stays", remedy="The unit tries again by itself."
    )
