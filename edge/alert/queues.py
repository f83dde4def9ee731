"""What waits for a line: changes of the door, and pictures of them."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from edge.alert.channel import Sender
from edge.alert.picture import shrink
from edge.alert.pile import Pile
from edge.alert.words import Alert, Batch, Message, Writer
from edge.errors import DoorunitError

if TYPE_CHECKING:
    from PIL.Image import Image

Job = Callable[[Sender], None]

MOST_PICTURES = 2  # of 3 MB each in RAM
TRIES = 3  # a picture that is refused thrice is let go: the platform has it


class Texts:
    """line.Queue of changes: all that waits is one message."""

    def __init__(self, writer: Writer, stale_ns: int) -> None:
        self._writer = writer
        self._pile = Pile(stale_ns)
        self._hand = Batch()

    def __bool__(self) -> bool:
        return bool(self._pile)

    def put(self, alert: Alert) -> None:
        """One more change."""
        self._pile.put(alert)

    def take(self, now_ns: int) -> Job:
        """One message for all that waits."""
        self._hand = self._pile.take(now_ns)
        return partial(_send, self._writer.message(self._hand, now_ns))

    def back(self, err: DoorunitError) -> None:
        """It was not told: what is in hand waits again, before what came meanwhile."""
        self._pile.back(self._hand)

    def done(self) -> None:
        """It was told."""
        self._hand = Batch()


class Shot(msgspec.Struct):
    """A picture that waits, and how often it was tried."""

    alert: Alert
    image: "Image"
    tries: int = 0


class Pictures:
    """line.Queue of pictures, in RAM only: a few, the newest; one that is stale or unwanted is let go."""

    def __init__(self, writer: Writer, stale_ns: int, most_bytes: int) -> None:
        self._writer = writer
        self._stale_ns = stale_ns
        self._most_bytes = most_bytes
        self._waiting: deque[Shot] = deque(maxlen=MOST_PICTURES)
        self._hand: Shot | None = None
        self.let_go = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, alert: Alert, image: "Image") -> None:
        """One more picture; the oldest gives way."""
        self.let_go += len(self._waiting) == MOST_PICTURES
        self._waiting.append(Shot(alert, image))

    def clear(self) -> None:
        """Those that wait are wanted no more; one in hand is not tried again."""
        self._waiting.clear()
        self._hand = None

    def take(self, now_ns: int) -> Job:
        """The next picture."""
        shot = self._hand = self._waiting.popleft()
        if now_ns - shot.alert.told_ns > self._stale_ns:
            shot.tries = TRIES
        return partial(_show, shot.image, self._most_bytes, self._writer.caption(shot.alert, now_ns))

    def back(self, err: DoorunitError) -> None:
        """Once more, unless there are newer ones or it was tried often enough."""
        shot, self._hand = self._hand, None
        if shot is None:
            return
        shot.tries += 1
        if shot.tries >= TRIES or len(self._waiting) == MOST_PICTURES:
            self.let_go += 1
        else:
            self._waiting.appendleft(shot)

    def done(self) -> None:
        """It is on the phones."""
        self._hand = None


def _send(message: Message, sender: Sender) -> None:
    sender.send(message)


def _show(image: "Image", most_bytes: int, caption: str, sender: Sender) -> None:
    sender.show(shrink(image, most_bytes), caption)
