"""What a replaceable part promises, and the facts it posts. Real and simulated parts keep the same promises."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from edge.clock import Stamp
from edge.errors import DoorunitError
from edge.records import AnyRecord, Event

if TYPE_CHECKING:  # Pillow is heavy and only the camera's side needs it at run time
    from PIL.Image import Image


class Fact(msgspec.Struct, frozen=True):
    """Something that happened, posted to the loop by a part."""


# --- contact


class PinChange(Fact, frozen=True):
    """The contact's line changed level at boot_ns. Only a wake-up: the level is sampled again later."""

    boot_ns: int


class Contact(Protocol):
    """The door's contact."""

    def open(self, on_change: Callable[[int], None]) -> None:
        """Begin to watch; `on_change(boot_ns)` is called from any thread. Raises PartError."""
        ...

    def closed(self) -> bool:
        """Whether the contact is closed (door shut) at this instant. Raises PartError."""
        ...

    def close(self) -> None:
        """Let the pin go; safe to repeat."""
        ...


# --- camera


class FrameTaken(Fact, frozen=True):
    """A masked picture, in RAM only."""

    boot_ns: int
    image: "Image"


class CameraFailed(Fact, frozen=True):
    """The camera gave no picture; it is tried again by itself."""

    error: DoorunitError


class Camera(Protocol):
    """Takes one picture at a time. Every method may block, so only the camera's own thread calls it."""

    def open(self) -> None:
        """Start the sensor. Raises PartError."""
        ...

    def capture(self) -> "Image":
        """One picture, RGB, `camera.width` x `camera.height` pixels. Raises PartError.

        Its `info["boot_ns"]` may state when it was taken; else the instant it was asked for counts.
        """
        ...

    def close(self) -> None:
        """Stop the sensor; safe to repeat."""
        ...


class AccessUnit(NamedTuple):
    """One encoded picture: H.264 with start codes, masked before it was encoded, in RAM only.

    `key`: it can be shown without any before it and brings its parameter sets. `at_ns`: when it was taken, boot clock.
    """

    annexb: bytes
    key: bool
    at_ns: int


class VideoSource(Protocol):
    """The camera's pictures as H.264, for one taker at a time, beside the single pictures that go on being taken."""

    def require(self) -> None:
        """Raises PartError where there can be no video: no encoder on this machine. Any thread; at once."""
        ...

    def start(self, on_unit: Callable[[AccessUnit], None]) -> None:
        """Begin, with a key frame; `on_unit` is called from the encoder's thread and must not block.

        Raises PartError: the camera is off, or the encoder does not start.
        """
        ...

    def key_frame(self) -> None:
        """Make the next picture a key frame; any thread, never blocks."""
        ...

    def stop(self) -> None:
        """End it within 2 s; no `on_unit` afterwards; safe to repeat."""
        ...


# --- uplink


class LinkUp(Fact, frozen=True):
    """The platform accepted this unit. `protocol` is "5" or "3.1.1" (MQTT's) or "https".

    window: QoS 1 messages it takes unanswered. instead: why the usual way is not the one, where it is not.
    """

    protocol: str
    window: int
    instead: str = ""


HTTPS = "https"  # LinkUp's protocol, where it is none of MQTT's


def by_name(protocol: str) -> str:
    """LinkUp's protocol in words."""
    return "HTTPS" if protocol == HTTPS else f"MQTT {protocol}"


class LinkDown(Fact, frozen=True):
    """There is no connection (any more); the courier decides when to try again."""

    error: DoorunitError


class Acked(Fact, frozen=True):
    """The broker answered the publish that carried `token`: taken, or refused with its reason.

    `heard` is False where the broker says that it took it and that nobody subscribes to it.
    """

    token: int
    taken: bool
    reason: str
    heard: bool = True


class Incoming(Fact, frozen=True):
    """A message came down from the platform."""

    topic: str
    payload: bytes


class Link(Protocol):
    """One connection to a platform at a time. Never reconnects by itself and never queues while it is down."""

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown. Called by the deciding thread; never blocks."""
        ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket now; False where there is no connection. Never blocks.

        With QoS 1 and a token above 0, Acked(token) follows, unless LinkDown comes first.
        """
        ...

    def abandon(self) -> None:
        """End a connection over which nothing is answered, as if it had broken; LinkDown follows. Never blocks."""
        ...

    def close(self) -> None:
        """Disconnect orderly and end the network thread within 5 s; safe to repeat."""
        ...


class Wish(msgspec.Struct, frozen=True):
    """What one platform wants of the records. `rule`: the filter in words; with another it may get some twice."""

    name: str
    rule: str
    wants: Callable[[AnyRecord], bool]


class FramePost(Protocol):
    """Takes sealed frames to the platform. May block; used by the frames' own worker."""

    def put(self, name: str, sealed: bytes) -> None:
        """Return once the platform says it holds the frame. Raises LinkError, WireError (this one is unfit)."""
        ...

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        ...


# --- phones


class Phones(Protocol):
    """The second path, which needs no platform. Called by the deciding thread; never blocks and never raises."""

    def tell(self, event: Event) -> None:
        """The door changed."""
        ...

    def frame(self, event: Event, frame: FrameTaken) -> None:
        """One masked picture of an opening that was told."""
        ...

    def abandon(self) -> None:
        """Pictures that wait are wanted no more; words still go."""
        ...


# --- spool


class FrameRow(msgspec.Struct, frozen=True):
    """A sealed frame on the card: name, the opening it belongs to (epoch, seq), when taken, size in bytes."""

    name: str
    epoch: str
    event: int
    at: Stamp
    size_bytes: int


class Snapshot(msgspec.Struct, frozen=True):
    """What the spool knew when it was opened."""

    epoch: str
    next_seq: int  # the first seq that has never been handed out
    limit_seq: int  # seqs below this are set aside for this run
    last_seq: int  # the last one that was committed
    next_n: int  # row numbers count up for ever; they order records across epochs
    clean: bool  # the last run ended by itself
    backlog: int  # records waiting
    frames: tuple[FrameRow, ...]  # frames waiting, oldest first
    anchors: dict[str, Stamp]  # by boot id
    state: dict[str, bytes]  # what `keep` kept
    loss: str = ""  # set where a damaged spool was put aside: where it lies now
    lost_epoch: str = ""  # the damaged spool's epoch, where it could still be read
    gone: tuple[FrameRow, ...] = ()  # frames whose file is not there any more, and of which nobody was told yet


class Eye(Protocol):
    """The camera's thread, as far as the unit needs it."""

    @property
    def sensor_open(self) -> bool:
        """Whether the camera is on, lamp and all; any thread."""
        ...

    def start(self) -> None:
        """Begin to take pictures; called once."""
        ...

    def pause(self) -> None:
        """Switch the sensor off, and the lamp with it; never blocks."""
        ...

    def resume(self) -> None:
        """Switch it on again; never blocks."""
        ...


class Store(Protocol):
    """The durable spool. May block; only the card's worker calls it. All raise PartError."""

    def open(self) -> Snapshot:
        """Open or create the spool; a damaged one is set aside, never deleted."""
        ...

    def commit(self, ops: Sequence[Callable[["Store"], None]]) -> None:
        """Run the operations in one transaction that is on the card when this returns."""
        ...

    def put(self, n: int, record: AnyRecord) -> None:
        """Within commit: keep a record under row number n."""
        ...

    def forget(self, rows: Sequence[int]) -> None:
        """Within commit: delete records by row number."""
        ...

    def reserve(self, next_seq: int, *, clean: bool = False) -> None:
        """Within commit: no seq below next_seq is ever handed out again after a restart."""
        ...

    def keep(self, key: str, value: bytes) -> None:
        """Within commit: remember a small piece of state."""
        ...

    def anchor(self, stamp: Stamp) -> None:
        """Within commit: remember what ties this boot's clock to UTC."""
        ...

    def add_frame(self, row: FrameRow) -> None:
        """Within commit: a frame file that is already on the card now counts."""
        ...

    def drop_frame(self, name: str) -> None:
        """Within commit: a frame is no longer needed; its file goes after the commit."""
        ...

    def read(self, after_n: int, limit: int) -> list[tuple[int, AnyRecord]]:
        """Records with row number above after_n, in order."""
        ...

    def close(self) -> None:
        """Close the file; safe to repeat."""
        ...
