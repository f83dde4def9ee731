"""What a channel is: how a message becomes a request and what its answer means. No socket is opened here.

An answer of status 200 that carries an error is an error. What the other end says is cut short and cleared of this
unit's secrets before it goes into a message: some services repeat the key they were given.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import msgspec

from edge.alert.pace import Limit
from edge.alert.words import Message
from edge.clock import SECOND, Stamp
from edge.errors import LimitError, LinkError, RefusedError, ServerError, UntimedError
from edge.secret import Secret

JSON = {"Content-Type": "application/json; charset=utf-8"}
CLOCK_OFF_NS = 60 * SECOND  # a clock that differs by more from the other end's is the likelier cause of a bad signature
SAID_MAX = 160


class Ask(msgspec.Struct, frozen=True):
    """One HTTP request."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Ask({self.method} {len(self.body)} bytes)"  # the address holds a key


class Answer(msgspec.Struct, frozen=True):
    """What came back. `wall_ns`: the other end's clock as its Date header says, UTC."""

    status: int
    body: bytes
    wall_ns: int | None = None


class Sender(Protocol):
    """Takes messages to one service. May block, within a deadline; used by one worker. All raise DoorunitError."""

    def send(self, message: Message) -> None:
        """Return once the service says that it took it."""
        ...

    def show(self, jpeg: bytes, caption: str) -> None:
        """Return once the service says that it took the picture."""
        ...

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        ...


class Channel:
    """One service over HTTP. `name` is its section of the settings, and of its health row."""

    name: ClassVar[str]
    limits: ClassVar[tuple[Limit, ...]]
    text_bytes: ClassVar[int]
    picture_bytes: ClassVar[int] = 0  # 0: it takes none
    locked_s: ClassVar[int] = 60  # how long to leave it alone once it says that a limit is spent

    def __init__(self, url: str, secrets: tuple[Secret | None, ...], *, picture: bool = False) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        self.wants_pictures = picture and self.picture_bytes > 0
        self._secrets = [one.reveal().decode() for one in secrets if one is not None]

    def text(self, message: Message, wall_ns: int) -> Ask:
        """The request for a message; `wall_ns` is what a signature is dated."""
        raise NotImplementedError

    def picture(self, jpeg: bytes, caption: str, wall_ns: int) -> Ask:
        """The request for a picture, where `picture_bytes` is not 0."""
        raise NotImplementedError

    def judge(self, answer: Answer, now: Stamp) -> None:
        """Return where it took the message. Raises LinkError, named by its cause."""
        raise NotImplementedError

    def fields(self, answer: Answer) -> dict[str, object]:
        """The answer's JSON object. Raises LinkError for whatever else came."""
        if 300 <= answer.status < 400:
            raise self._stranger(f"status {answer.status}, which points elsewhere")
        if answer.status >= 500:
            raise self.busy(f"status {answer.status}")
        if answer.status == 429:
            raise self.limit("status 429")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        page = answer.body.lstrip()[:1] == b"<"
        what = "a web page" if page else f"{len(answer.body)} bytes that are no answer"
        raise self._stranger(f"status {answer.status} with {what}")

    def refused(self, said: str, remedy: str) -> RefusedError:
        """It said no, and will until somebody changes something."""
        return RefusedError(
            self.where, found=self._clear(said), wanted=f"alerts of {self.name} to be taken", remedy=remedy
        )

    def limit(self, said: str) -> LimitError:
        """It takes no more for now."""
        return LimitError(
            self.where,
            found=self._clear(said),
            wanted=f"room within the limits of {self.name}",
            remedy="The unit waits and tells all in one message; give units that share a robot one of their own.",
        )

    def busy(self, said: str) -> ServerError:
        """It works on something else, or is broken."""
        return ServerError(
            self.where, found=self._clear(said), wanted="an answer", remedy="The unit tries again by itself."
        )

    def unsigned(self, said: str, answer: Answer, now: Stamp, *, surely_clock: bool = False) -> LinkError:
        """The signature was not taken: because of this unit's clock, or because of the secret."""
        off_ns = None if answer.wall_ns is None else now.wall_ns - answer.wall_ns
        if surely_clock or (off_ns is not None and abs(off_ns) > CLOCK_OFF_NS):
            by = "is off" if off_ns is None else f"is {abs(off_ns) // SECOND} s {'ahead' if off_ns > 0 else 'behind'}"
            return UntimedError(
                self.where,
                found=f"this unit's clock {by} ({now.clock}), and it said: {self._clear(said)}",
                wanted="a clock within an hour of the service's",
                remedy="The unit tells it again once its clock is set; see that it reaches a time server.",
            )
        return self.refused(said, f"Copy the secret of the robot's signing anew into {self.name}.secret.")

    def _stranger(self, found: str) -> LinkError:
        return LinkError(
            self.where,
            found=found,
            wanted=f"the answer of {self.name}",
            remedy=f"A sign-in page or a proxy of this network answers in its place, or {self.name}.url is wrong.",
        )

    def _clear(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, "(secret)")
        words = " ".join(said.split())
        return "".join(c for c in words if c.isprintable())[:SAID_MAX]


def number(value: object) -> int | None:
    """A code as the services write it: a number, or a number as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None
