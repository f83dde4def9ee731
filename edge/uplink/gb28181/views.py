"""Who watched, for how long: the facts that an audit is made of, and how they reach the deciding thread."""

from collections.abc import Callable

from edge.parts import Fact


class ViewBegan(Fact, frozen=True):
    """Somebody begins to watch, by the call's ID; said before the first picture leaves."""

    call: str
    boot_ns: int


class ViewEnded(Fact, frozen=True):
    """Nobody watches any more; follows each ViewBegan exactly once, whatever the reason ("" where `end` was called)."""

    call: str
    boot_ns: int
    reason: str
    pictures: int  # sent whole
    dropped: int  # never sent, because the receiver was slow


class StreamEnded(Fact, frozen=True):
    """A stream ended by itself, also before anybody watched: the platform is owed a BYE."""

    call: str
    reason: str


class Teller:
    """sender.Watch that posts each fact; `post` is the loop's."""

    def __init__(self, post: Callable[[object], None]) -> None:
        self._post = post

    def on_view(self, fact: ViewBegan | ViewEnded) -> None:
        """Somebody begins or ends to watch."""
        self._post(fact)

    def on_ended(self, call: str, reason: str) -> None:
        """The stream ended by itself."""
        self._post(StreamEnded(call, reason))
