"""Has the unit's certificate renewed in good time. Looks now and then; a worker does what blocks."""

import logging
from collections.abc import Callable

import msgspec

from edge.clock import SECOND
from edge.health import Health
from edge.loop import Loop, Worker

log = logging.getLogger(__name__)

DAY_NS = 86_400 * SECOND
FIRST_LOOK_NS = 600 * SECOND  # after the start, whose work comes first; a certificate is looked at in days
LOOK_NS = 6 * 3600 * SECOND
TIMES = 3  # the longest offline time: two may pass unused, and the unit still gets in to ask


class Certificate(msgspec.Struct, frozen=True):
    """The unit's certificate. Both block. left_ns: what is left of its life, None while the clock cannot say."""

    left_ns: Callable[[], int | None]
    renew: Callable[[], None]


class Renewal:
    """Lives in the deciding thread. A renewed certificate counts from the next connection on."""

    def __init__(self, certificate: Certificate, worker: Worker, loop: Loop, health: Health, offline_days: int) -> None:
        self._certificate, self._worker, self._loop, self._health = certificate, worker, loop, health
        self._enough_ns = TIMES * offline_days * DAY_NS

    def start(self) -> None:
        """Look from now on."""
        self._loop.after(FIRST_LOOK_NS, self._look)

    def _look(self) -> None:
        self._worker.do(self._work, self._done, self._failed)
        self._loop.after(LOOK_NS, self._look)

    def _work(self) -> bool:
        """In the worker's thread: whether it was renewed."""
        left_ns = self._certificate.left_ns()
        if left_ns is None or left_ns >= self._enough_ns:
            return False
        self._certificate.renew()
        return True

    def _done(self, renewed: bool) -> None:
        self._health.clear("identity.ending", self._loop.now())
        if renewed:
            log.info("the certificate has been renewed; it counts from the next connection on")

    def _failed(self, err: Exception) -> None:
        self._health.set("identity.ending", self._loop.now(), err)
