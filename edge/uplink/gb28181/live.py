"""Live view: admits one call at a time, within the term only, and only where there is a camera that can film."""

import threading
from collections.abc import Callable

from edge.errors import PartError
from edge.parts import VideoSource
from edge.uplink.gb28181 import pipes, sdp
from edge.uplink.gb28181.rtp import Packer
from edge.uplink.gb28181.sender import Sender, Terms, Waits, Watch
from edge.uplink.gb28181.streams import Busy, UnfitOffer


class Live:
    """streams.Streams. `device` is the 20-digit ID; `allowed` says "" within the term, else why nobody may watch.

    `listen_port`: where an active platform may call (0: the kernel picks); None forbids to listen at all.
    """

    def __init__(
        self,
        device: str,
        source: VideoSource,
        watch: Watch,
        now: Callable[[], int],
        allowed: Callable[[], str],
        listen_port: int | None = None,
        waits: Waits = Waits(),  # noqa: B008 - a tuple
    ) -> None:
        self._device, self._listen_port = device, listen_port
        self._terms = Terms(source, watch, now, allowed, waits)
        self._lock = threading.Lock()
        self._sender: Sender | None = None
        self._closed = False
        self._faults = 0

    @property
    def watched(self) -> bool:
        """Whether a call has been admitted and is not over; any thread."""
        sender = self._sender
        return sender is not None and not sender.over

    @property
    def faults(self) -> int:
        """Exceptions that no stream may raise; health reads it."""
        sender = self._sender
        return self._faults + (0 if sender is None else sender.faults)

    def offer(self, call: str, offered: bytes) -> bytes:
        """The SDP answer. Raises UnfitOffer or Busy."""
        offer = sdp.read(offered)
        with self._lock:
            self._admit(call)
            if offer.way is sdp.Way.LISTEN and self._listen_port is None:
                raise _unfit("a=setup:active", "a platform that wants to call us: gb28181.listen_port is left out")
            sender = Sender(call, self._terms)
            try:
                pipe = pipes.lay(offer, lambda: sender.over, self._terms.now, self._listen_port or 0)
            except OSError as err:
                raise _unfit("where to", f"{offer.host}:{offer.port}, {err.strerror or err}") from err
            if self._sender is not None:
                self._sender.end()
                self._faults += self._sender.faults
            sender.start(pipe, Packer(offer.ssrc, offer.payload), after=self._sender)
            self._sender = sender
        return sdp.answer(offer, self._device, pipe.host, pipe.port)

    def begin(self, call: str) -> None:
        """The ACK came: send."""
        if (sender := self._of(call)) is not None:
            sender.begin()

    def key_frame(self) -> None:
        """The platform asks for a key frame; no more than one a second."""
        if (sender := self._sender) is not None and not sender.over:
            sender.key_frame()

    def end(self, call: str) -> None:
        """BYE, or replaced; safe to repeat."""
        if (sender := self._of(call)) is not None:
            sender.end()

    def dismiss(self, reason: str) -> None:
        """End whatever is watched, by our own will: `on_ended` says so to the platform. Any thread, never blocks."""
        if (sender := self._sender) is not None and not sender.over:
            sender.end(reason)

    def close(self) -> None:
        """Admit nobody any more and end within 5 s; safe to repeat."""
        with self._lock:
            self._closed = True
            sender = self._sender
        if sender is not None:
            sender.end()
            sender.join()

    def _of(self, call: str) -> Sender | None:
        sender = self._sender
        return sender if sender is not None and sender.call == call else None

    def _admit(self, call: str) -> None:
        if self._closed:
            raise _unfit("when", "the unit ends")
        if why := self._terms.allowed():
            raise _unfit("when", why)
        try:
            self._terms.source.require()
        except PartError as err:
            raise _unfit("camera", str(err)) from err
        if self.watched and not self._of(call):
            remedy = "End it, or wait for its end."
            raise Busy("live view", found="another call", wanted="one call at a time", remedy=remedy)


def _unfit(where: str, found: str) -> UnfitOffer:
    wanted = "an offer that this unit can serve now"
    return UnfitOffer(f"offer, {where}", found=found, wanted=wanted, remedy="The platform may ask again.")
