"""What a platform beside the main one must bring along to be reached through a courier of its own."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import msgspec

from edge.clock import Known, Stamp
from edge.parts import Link, Wish
from edge.records import AnyRecord, Key
from edge.wire import Receipt


class Message(msgspec.Struct, frozen=True):
    """What goes up."""

    topic: str
    payload: bytes
    retain: bool = False


class Heard(msgspec.Struct, frozen=True):
    """What a message from it means: it holds records, it refuses one, it brings a command's text, it wants a reply."""

    receipt: Receipt | None = None
    refused: tuple[Key, str] | None = None
    command: bytes | None = None
    upload: tuple[str, str] | None = None  # a file that was asked for, and where it is to be put
    reply: Message | None = None


class Speech(Protocol):
    """How it is spoken to. Called by the deciding thread; nothing here blocks, and nothing raises."""

    receipt: Literal["platform", "broker"]  # whose word lets the spool forget, as uplink.receipt

    def tell(self, record: AnyRecord, known: Callable[[Stamp], Known]) -> Message:
        """A record that is wanted, in its words; known: what is known of a stamp's time now."""
        ...

    def greet(self) -> list[Message]:
        """What is said at the beginning of each connection."""
        ...

    def part(self) -> list[Message]:
        """What is said at an orderly end, for which a broker keeps the last will to itself."""
        ...

    def state(self, told: Mapping[str, Any]) -> list[Message]:
        """What is retained of the door's state, as the main platform is told it; never kept for later."""
        ...

    def hear(self, topic: str, payload: bytes) -> Heard:
        """What a message from it means."""
        ...


class Filing(Protocol):
    """How sealed pictures get there, of a platform that takes them."""

    def ask(self, name: str, size_bytes: int) -> Message:
        """Asks where to put one."""
        ...

    def tell(self, name: str, status: int) -> Message:
        """It was put there, and this was answered (0: nothing)."""
        ...

    def put(self, url: str, sealed: bytes) -> int:
        """Put it there; returns the HTTP status. May block. Raises LinkError."""
        ...


class Other(msgspec.Struct, frozen=True):
    """One of them. open: a link to it that posts its facts there and nowhere else."""

    wish: Wish
    speech: Speech
    open: Callable[[Callable[[object], None]], Link]
    filing: Filing | None = None
