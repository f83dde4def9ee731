"""Sealed frames to the platform, one at a time, after the records. A frame that is unfit lets the others pass."""

import random
from collections.abc import Callable
from functools import partial

import msgspec

from edge.clock import SECOND
from edge.errors import LinkError, PartError, WireError
from edge.health import Health
from edge.loop import Loop, Timer, Worker
from edge.parts import FramePost, FrameRow

BACKOFF_MAX_S = 30
UNFIT_NS = 600 * SECOND  # the turn of a frame that the platform cannot use comes again after this long


class Album(msgspec.Struct, frozen=True):
    """How the carrier reaches the frames that wait."""

    rows: Callable[[], list[FrameRow]]
    read: Callable[[str, Callable[[bytes], None], Callable[[Exception], None]], None]
    forget: Callable[[str], None]
    give_up: Callable[[str, PartError], None]


class Carrier:
    """Takes what waits in the album to the platform whenever `go` is called and the way is free.

    Hooks: may_go(), on_delivered(name).
    """

    def __init__(
        self,
        open_post: Callable[[], FramePost],
        album: Album,
        worker: Worker,
        loop: Loop,
        health: Health,
        dice: random.Random,
    ) -> None:
        self._open_post = open_post  # in the worker: brings a heavy library
        self._post: FramePost | None = None
        self._album = album
        self._worker = worker
        self._loop = loop
        self._health = health
        self._dice = dice
        self.may_go: Callable[[], bool] = lambda: True
        self.on_delivered: Callable[[str], None] = lambda _: None
        self.delivered = 0
        self._busy = False
        self._failures = 0
        self._pause: Timer | None = None
        self._not_before: dict[str, int] = {}  # unfit frames

    def go(self) -> None:
        """Take the next frame, if none is on its way and records do not come first."""
        if self._busy or self._pause is not None or not self.may_go():
            return
        now = self._loop.now()
        rows = self._album.rows()
        name = next((row.name for row in rows if self._not_before.get(row.name, 0) <= now), None)
        if not rows:
            self._health.clear("frames.waiting", now)
        if name is None:
            if rows:  # all that wait are unfit
                self._pause = self._loop.at(min(self._not_before[row.name] for row in rows), self._again)
            return
        self._busy = True
        self._album.read(name, partial(self._carry, name), partial(self._unreadable, name))

    def start_afresh(self) -> None:
        """There is a new link: what went wrong before it says nothing of it. The frames are not taken up by this."""
        self._health.clear("frames.waiting", self._loop.now())
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def close(self) -> None:
        """Drop the connection; safe to repeat."""
        if self._post is not None:
            self._post.close()

    def _carry(self, name: str, sealed: bytes) -> None:
        self._worker.do(partial(self._put, name, sealed), partial(self._done, name), partial(self._failed, name))

    def _put(self, name: str, sealed: bytes) -> None:
        if self._post is None:
            self._post = self._open_post()
        self._post.put(name, sealed)

    def _done(self, name: str, _: None) -> None:
        self._busy = False
        self._failures = 0
        self._not_before.pop(name, None)
        self.delivered += 1
        self.on_delivered(name)
        self._health.clear("frames.waiting", self._loop.now())
        self._album.forget(name)
        self.go()

    def _failed(self, name: str, err: Exception) -> None:
        self._busy = False
        now = self._loop.now()
        if isinstance(err, WireError):
            self._not_before[name] = now + UNFIT_NS
        ceiling_s = min(BACKOFF_MAX_S, 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._pause = self._loop.after(int(self._dice.uniform(0, ceiling_s) * SECOND), self._again)
        if not isinstance(err, LinkError | WireError):  # a fault of ours; it is tried again all the same
            raise err
        self._health.set("frames.waiting", now, err)

    def _again(self) -> None:
        self._pause = None
        self.go()

    def _unreadable(self, name: str, err: Exception) -> None:
        self._busy = False
        if not isinstance(err, PartError):
            self._failed(name, err)
            return
        self._album.give_up(name, err)
        self.go()
