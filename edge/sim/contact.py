"""The simulated reed switch: a wire on the mock pin, so that edge.board.pins.Reed itself runs on it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.board.pins import Factory, Level


class Wire:
    """What hangs on the contact's pin. Until `set` is called nothing does, and the pull alone decides."""

    def __init__(self, factory: "Factory", contact_pin: int, *, closed_level: "Level" = "low") -> None:
        self._pin = factory.pin(contact_pin)
        self._closed_high = closed_level == "high"

    @property
    def torn(self) -> bool:
        """Whether the kernel gives the line no longer: it cannot be read and has no edges. May be set."""
        return bool(self._pin.torn)

    @torn.setter
    def torn(self, torn: bool) -> None:
        self._pin.torn = torn

    def set(self, closed: bool, *, heard: bool = True) -> None:
        """Close or open the contact at this instant; Reed's callback has run when this returns, if it is `heard`.

        May be called before Reed.open: the contact then is as it was set, and no edge is seen.
        """
        self._pin.wire(closed is self._closed_high, heard)
