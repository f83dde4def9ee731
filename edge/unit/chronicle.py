"""Each boot's place in time: a boot whose clock was never set lies between what was known before and after it. Pure."""

import msgspec

from edge.clock import MS, Quality, Stamp, know
from edge.wire import Bounds

_KEPT = 16  # boots; records of older ones are long sent


class Place(msgspec.Struct):
    """One boot. before_ns, after_ns: UTC in ns that is known to lie before its start and after its end."""

    boot: str
    before_ns: int | None = None
    after_ns: int | None = None


_places = msgspec.json.Decoder(list[Place])


class Chronicle:
    """The last boots, oldest first."""

    def __init__(self, stored: bytes = b"[]") -> None:
        self._places = _places.decode(stored)

    def begin(self, boot: str, alive: Stamp | None, anchors: dict[str, Stamp]) -> None:
        """This boot started; `alive` is the last stamp of the one before."""
        if self._places and self._places[-1].boot == boot:
            return
        before_ns = None
        if alive is not None:
            known = know(alive, anchors.get(alive.boot))
            before_ns = self.bounds(alive.boot)[0]
            if known.wall_ns is not None and known.clock is Quality.SYNCED:
                before_ns = known.wall_ns - (known.error_ms or 0) * MS
        self._places = [*self._places[1 - _KEPT :], Place(boot, before_ns)]

    def synced(self, stamp: Stamp) -> None:
        """This boot's clock is good now, so every earlier boot ended before this boot's first instant."""
        start = know(
            Stamp(stamp.boot, 0, 0, Quality.UNSYNCED), stamp
        )  # with what the boot clock may have drifted since
        for place in self._places[:-1]:
            if place.after_ns is None and start.wall_ns is not None:
                place.after_ns = start.wall_ns + (start.error_ms or 0) * MS

    def bounds(self, boot: str) -> Bounds:
        """UTC before and after that boot, None where unknown."""
        place = next((p for p in self._places if p.boot == boot), None)
        return (place.before_ns, place.after_ns) if place else (None, None)

    def pack(self) -> bytes:
        """What __init__ takes."""
        return msgspec.json.encode(self._places)
