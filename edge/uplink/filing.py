"""Sealed pictures to a hub: asked for, put where it says, told. In RAM only and as far as it goes.

The platform is who gets every picture; a hub gets those that it can take while they are fresh. Lives in the deciding
thread; what blocks is done by a worker of its own.
"""

import logging
from collections.abc import Callable
from functools import partial

from edge.errors import DoorunitError
from edge.loop import Worker
from edge.uplink.other import Filing, Message

log = logging.getLogger(__name__)

WAITING_MAX = 16  # pictures of 150 kB: one opening's


class Uploads:
    """Of one hub. say(message): publish it, False where there is no connection."""

    def __init__(self, filing: Filing, worker: Worker, say: Callable[[Message], bool]) -> None:
        self._filing = filing
        self._worker = worker
        self._say = say
        self._waiting: dict[str, bytes] = {}
        self.put = self.missed = 0

    def take(self, name: str, sealed: bytes) -> None:
        """A picture is fresh; the oldest gives way."""
        self._waiting[name] = sealed
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
            self.missed += 1
        self._say(self._filing.ask(name, len(sealed)))

    def again(self) -> None:
        """There is a connection: ask for all that wait."""
        for name, sealed in self._waiting.items():
            self._say(self._filing.ask(name, len(sealed)))

    def drop_all(self) -> None:
        """All is erased."""
        self._waiting.clear()

    def unread(self, err: Exception) -> None:
        """A picture is gone again, or cannot be read."""
        if not isinstance(err, DoorunitError):
            raise err
        self.missed += 1

    def answered(self, name: str, url: str) -> None:
        """The hub says where one is to be put, by the name that was asked with or one that ends in it."""
        asked = next((one for one in self._waiting if name == one or name.endswith(f"_{one}")), None)
        if asked is not None:
            sealed = self._waiting.pop(asked)
            self._worker.do(
                partial(self._filing.put, url, sealed), partial(self._done, name), partial(self._failed, name)
            )

    def _done(self, name: str, status: int) -> None:
        if status // 100 == 2:
            self.put += 1
        else:
            self.missed += 1
            log.warning("hub: picture %s was answered with status %d", name[:12], status)
        self._say(self._filing.tell(name, status))

    def _failed(self, name: str, err: Exception) -> None:
        if not isinstance(err, DoorunitError):
            raise err
        log.warning("hub: picture %s: %s", name[:12], err)
        self.missed += 1
        self._say(self._filing.tell(name, 0))
