"""What the signalling asks of live view, and how a call is turned away."""

from typing import Protocol

from edge.errors import WireError


class UnfitOffer(WireError):
    """The offer cannot be served: not live, not PS, not readable, outside the term, no camera. Answered 488."""


class Busy(WireError):
    """Another call is being served. Answered 486."""


class Streams(Protocol):
    """Live view, one call at a time. Every method may be called from any thread and returns within 100 ms.

    `call` is the dialogue's Call-ID. A second INVITE of the same Subject sender: `end` the first call, then `offer`.
    A hook `on_ended(call, reason)` is called, from the stream's own thread, when a stream ends by itself: the
    platform closed it, there is no camera, the ACK did not come, the term is over. Then the device sends BYE. It is
    not called for a call that was ended by `end`.
    """

    def offer(self, call: str, sdp: bytes) -> bytes:
        """The SDP answer to an INVITE's offer. Raises UnfitOffer (answered 488) or Busy (486), nothing else."""
        ...

    def begin(self, call: str) -> None:
        """The ACK came: send. A call that is not known (any more) is passed over."""
        ...

    def key_frame(self) -> None:
        """The platform asks for a key frame (IFrameCmd); without a stream nothing happens."""
        ...

    def end(self, call: str) -> None:
        """BYE, replaced, the term is over; safe to repeat, and for a call that never was."""
        ...
