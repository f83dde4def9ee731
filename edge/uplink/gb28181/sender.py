"""One call's thread: waits for the ACK, opens the way, sends pictures, and says why it ended."""

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

from edge.clock import SECOND
from edge.errors import LinkError, PartError
from edge.parts import AccessUnit, VideoSource
from edge.uplink.gb28181.backlog import Backlog
from edge.uplink.gb28181.pipes import Ended, Pipe
from edge.uplink.gb28181.rtp import Packer
from edge.uplink.gb28181.views import ViewBegan, ViewEnded

log = logging.getLogger(__name__)

TRIES = 3  # GB/T 28181, annex D: a lost connection is opened again at least 3 times, at least 1 s apart
_KEY_NS = 1 * SECOND  # key frames are asked for no more often
_JOIN_S = 4.0  # close() must end within 5 s


class Watch(Protocol):
    """What a stream says of itself, from its own thread."""

    def on_view(self, fact: ViewBegan | ViewEnded) -> None:
        """Somebody begins or ends to watch."""
        ...

    def on_ended(self, call: str, reason: str) -> None:
        """The stream ended by itself."""
        ...


class Waits(NamedTuple):
    """How long a stream waits, in seconds."""

    ack: float = 32.0  # RFC 3261, 13.3.1.4: 64 * T1, after which the answer itself is given up
    picture: float = 5.0
    again: float = 1.0  # between two tries to connect


class Terms(NamedTuple):
    """What every stream of a unit works with. `allowed` may be asked from any thread and says "" or why not."""

    source: VideoSource
    watch: Watch
    now: Callable[[], int]
    allowed: Callable[[], str]
    waits: Waits = Waits()


class Sender:
    """Sends one call's pictures down its pipe, in a thread of its own."""

    def __init__(self, call: str, terms: Terms) -> None:
        self.call = call
        self.pictures = 0
        self.faults = 0  # exceptions that nothing here may raise; health reads it
        self._terms = terms
        self._backlog = Backlog()
        self._acked = threading.Event()
        self._over = threading.Event()
        self._dismissed: str | None = None  # why it was ended; "" where the signalling knows already
        self._asked_ns = 0
        self._viewed = False
        self._thread: threading.Thread | None = None

    def start(self, pipe: Pipe, packer: Packer, after: "Sender | None") -> None:
        """Begin to wait for the ACK, once the sender before this has let the camera go."""
        run = threading.Thread(target=self._run, args=(pipe, packer, after), name="live", daemon=True)
        self._thread = run
        run.start()

    @property
    def over(self) -> bool:
        """Whether it has ended or is about to; any thread."""
        return self._over.is_set()

    def begin(self) -> None:
        """The ACK came."""
        self._acked.set()

    def key_frame(self) -> None:
        """Ask the encoder for one, unless that was done within the last second; any thread."""
        now_ns = self._terms.now()
        if self._acked.is_set() and now_ns - self._asked_ns >= _KEY_NS:
            self._asked_ns = now_ns
            self._terms.source.key_frame()

    def end(self, reason: str = "") -> None:
        """End it; any thread, never blocks. With a reason `on_ended` is called, else not."""
        if self._dismissed is None:
            self._dismissed = reason
        self._over.set()
        self._acked.set()
        self._backlog.end()

    def join(self) -> None:
        """Wait until its thread has ended, 4 s at most."""
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                log.warning("live view: its thread did not end within %.1f s; it is left", _JOIN_S)

    def _run(self, pipe: Pipe, packer: Packer, after: "Sender | None") -> None:
        reason = self._outcome(pipe, packer, after)
        self._over.set()
        if self._dismissed is not None:
            reason = self._dismissed
        watch, now_ns = self._terms.watch, self._terms.now()
        if self._viewed:
            watch.on_view(ViewEnded(self.call, now_ns, reason, self.pictures, self._backlog.dropped))
        if reason:
            log.info("live view ended: %s", reason)
            watch.on_ended(self.call, reason)

    def _outcome(self, pipe: Pipe, packer: Packer, after: "Sender | None") -> str:
        """Serve, and why that ended; the camera and every socket are let go."""
        try:
            if after is not None:
                after.join()
            return self._serve(pipe, packer)
        except Ended:
            return ""
        except (LinkError, PartError) as err:
            return str(err)
        except Exception as err:  # the thread's edge: a fault of ours must not leave a platform watching nothing
            self.faults += 1
            log.exception("live view: its thread raised")
            return f"a fault of doorunit: {type(err).__name__}"
        finally:
            pipe.close()

    def _serve(self, pipe: Pipe, packer: Packer) -> str:
        """Until it is over; returns or raises why."""
        terms = self._terms
        if not self._acked.wait(terms.waits.ack):
            return f"no ACK within {terms.waits.ack:g} s"
        if self.over:
            return ""
        if why := terms.allowed():
            return why
        self._opened(pipe)
        self._viewed = True
        terms.watch.on_view(ViewBegan(self.call, terms.now()))
        self._asked_ns = terms.now()  # it begins with a key frame
        try:
            terms.source.start(self._backlog.put)
            return self._pump(pipe, packer)
        finally:
            terms.source.stop()

    def _pump(self, pipe: Pipe, packer: Packer) -> str:
        while True:
            if self._backlog.starved:
                self.key_frame()
            unit = self._backlog.take(self._terms.waits.picture)
            if self.over:
                return ""
            if why := self._terms.allowed():
                return why
            if unit is None:
                raise _dark(self._terms.waits.picture)
            try:
                self._send(unit, pipe, packer)
            except LinkError as err:
                log.info("%s", err)
                self._opened(pipe, lost=err)
                self._backlog.begin_anew()
                self._asked_ns = 0

    def _send(self, unit: AccessUnit, pipe: Pipe, packer: Packer) -> None:
        """One picture, paced unless more wait already."""
        start_ns = self._terms.now()
        for part in packer.slices(unit, paced=not self._backlog.behind):
            wait_ns = start_ns + part.after_ns - self._terms.now()
            if self._over.wait(max(0, wait_ns) / SECOND):
                raise Ended
            pipe.send(part.packets)
        self.pictures += 1

    def _opened(self, pipe: Pipe, lost: LinkError | None = None) -> None:
        """Open the way; after a loss or a try that failed, again after a pause, TRIES times. Raises LinkError."""
        tries = TRIES
        while True:
            if lost is not None:
                if not tries:
                    raise lost
                tries -= 1
                if self._over.wait(self._terms.waits.again):
                    raise Ended
            try:
                pipe.open()
            except LinkError as err:
                lost = err
            else:
                return


def _dark(waited_s: float) -> PartError:
    return PartError(
        "live view",
        found=f"no picture for {waited_s:g} s",
        wanted="pictures from the camera",
        remedy="`doorunit doctor` says what the camera lacks.",
    )
