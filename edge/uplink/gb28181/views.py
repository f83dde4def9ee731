"""Who watched, for how long: the facts that an audit is made of."""

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
