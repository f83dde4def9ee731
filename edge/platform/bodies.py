"""Bodies of HTTPS answers that no struct elsewhere has, or has in full."""

import msgspec

from edge import wire


class FrameStored(msgspec.Struct, frozen=True):
    """The platform holds the frame of this name, on its disk."""

    stored: str


class FrameOpened(msgspec.Struct, frozen=True):
    """The platform has opened and decoded the picture; or `opened` is false and `error` says why not."""

    opened: bool
    width: int | None = None
    height: int | None = None
    error: str | None = None


class Failed(msgspec.Struct, frozen=True):
    """Why a request was not done, in words for whoever reads the log."""

    error: str


class CommandsWaiting(msgspec.Struct, frozen=True):
    """Commands that wait, oldest first; what posting.Waiting hands on unread."""

    next: str
    commands: tuple[wire.Signed, ...] = ()
