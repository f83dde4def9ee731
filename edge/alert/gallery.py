"""Masked pictures of openings to an image library of GA/T 1400: from RAM, a few at a time, and never written.

What does not get away is counted and warned of: the platform has the same pictures, sealed.
"""

import io
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec

from edge.alert.line import Line
from edge.alert.pace import Limit, Pace
from edge.alert.viid import Picture
from edge.clock import SECOND, Known, Stamp
from edge.errors import DoorunitError, WireError
from edge.health import Health
from edge.loop import Loop, Worker
from edge.parts import FrameTaken
from edge.phonebook import Viid
from edge.records import Event, Key

if TYPE_CHECKING:
    from PIL.Image import Image

ALIVE_NS = 60 * SECOND  # libraries miss a device after 90 s or more
MOST = 6  # pictures that wait, of 3 MB each in RAM
OPENINGS = 8  # of which is remembered how many pictures went
QUALITY = 80
LIMITS = (Limit(60, 60),)
LOCKED_S = 60


class Holder(Protocol):
    """library.Library, or a test's. May block; used by one worker. Both raise DoorunitError."""

    def keep_alive(self) -> None:
        """Say that this unit is there."""
        ...

    def upload(self, picture: Picture) -> None:
        """Return once the library holds it."""
        ...


class Tools(msgspec.Struct, frozen=True):
    """What the gallery works with. `open_holder` is called in the worker."""

    loop: Loop
    health: Health
    dice: random.Random
    worker: Worker
    open_holder: Callable[[], Holder]
    know: Callable[[Stamp], Known]


class Shot(msgspec.Struct, frozen=True):
    """A picture that waits."""

    image: "Image"
    wall_ns: int
    serial: int


class Gallery:
    """Lives in the deciding thread; also line.Queue of its own line."""

    def __init__(self, settings: Viid, tools: Tools) -> None:
        self._most_of_one = settings.pictures
        self._tools = tools
        self._waiting: deque[Shot] = deque()
        self._hand: Shot | None = None
        self._dropped = False  # what is in hand is wanted no more
        self._alive_due = True
        self._serial = 0
        self._taken: dict[Key, int] = {}  # how many pictures of each opening
        self.held = 0  # pictures that the library has
        self.lost = 0
        self._line = Line[Holder](
            "viid.down",
            self,
            tools.open_holder,
            Pace(LIMITS),
            tools.worker,
            tools.loop,
            tools.health,
            tools.dice,
            locked_s=LOCKED_S,
        )

    def start(self) -> None:
        """Register, and keep saying that this unit is there."""
        self._alive_due = True
        self._line.go()
        self._tools.loop.after(ALIVE_NS, self.start)

    def frame(self, event: Event, frame: FrameTaken) -> None:
        """A masked picture of an opening; the first ones from after it show who opens."""
        key = (event.epoch, event.seq)
        if frame.boot_ns < event.at.boot_ns or self._taken.get(key, 0) >= self._most_of_one:
            return
        self._taken[key] = self._taken.pop(key, 0) + 1
        if len(self._taken) > OPENINGS:
            del self._taken[next(iter(self._taken))]
        wall_ns = self._tools.know(event.at).wall_ns
        if wall_ns is None:
            self._lose("it was taken before the clock was set, and the library wants a time")
            return
        self._serial += 1
        self._waiting.append(Shot(frame.image, wall_ns + frame.boot_ns - event.at.boot_ns, self._serial))
        if len(self._waiting) > MOST:
            self._waiting.popleft()
            self._lose(f"more than {MOST} waited")
        self._line.go()

    def clear(self) -> None:
        """The pictures that wait are wanted no more; one in hand is not tried again."""
        self._waiting.clear()
        self._dropped = self._hand is not None

    # line.Queue

    def __bool__(self) -> bool:
        return bool(self._waiting) or self._alive_due

    def take(self, now_ns: int) -> Callable[[Holder], None]:
        """The oldest picture, or the word that this unit is there."""
        self._dropped = False
        self._hand = self._waiting.popleft() if self._waiting else None
        if self._hand is not None:
            return partial(_upload, self._hand)
        self._alive_due = False
        return _keep_alive

    def back(self, err: DoorunitError) -> None:
        """Not done: a picture waits on, unless the library cannot use it or newer ones took its place."""
        shot, self._hand = self._hand, None
        if shot is None:
            self._alive_due = True
        elif isinstance(err, WireError) or len(self._waiting) >= MOST:
            if not self._dropped:
                self._lose(err)
        elif not self._dropped:
            self._waiting.appendleft(shot)

    def done(self) -> None:
        """The library said yes."""
        self.held += self._hand is not None
        self._hand = None

    def _lose(self, why: object) -> None:
        self.lost += 1
        self._tools.health.set("viid.lost", self._tools.loop.now(), f"{self.lost} so far; the last one: {why}")


def _keep_alive(holder: Holder) -> None:
    holder.keep_alive()


def _upload(shot: Shot, holder: Holder) -> None:
    jpeg = io.BytesIO()
    shot.image.save(jpeg, "JPEG", quality=QUALITY)
    holder.upload(Picture(jpeg.getvalue(), shot.image.width, shot.image.height, shot.wall_ns, shot.serial))
