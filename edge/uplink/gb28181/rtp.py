"""Pictures to RTP packets, and when to let them go. Pure.

RFC 3550, 5.1 (header); RFC 2250, 2 (program streams: 90 kHz, the marker); RFC 4571, 2 (framing over TCP).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edge.clock import MS
from edge.parts import AccessUnit
from edge.uplink.gb28181 import ps

MTU = 1400  # bytes of one packet with its RTP header: passes through tunnels and PPPoE without being cut
_HEADER = 12
_BURST = 8  # packets that leave together: 11 kB, what a small picture is
# A picture is spread over this share of the time until the next one: never more, else each would delay the next.
_SHARE = 0.8
_FRAME_NS = (10 * MS, 100 * MS)  # what counts as the time between two pictures, whatever their times say


class Slice(NamedTuple):
    """Packets to send together, `after_ns` from the picture's first one."""

    after_ns: int
    packets: Sequence[bytes]


class Packer:
    """One stream's numbers: SSRC, sequence, time. PTS and RTP time are one count, 0 at the first picture."""

    def __init__(self, ssrc: int, payload: int, *, sequence: int = 0) -> None:
        self.pts = -1  # of the last picture, 90 kHz
        self._ssrc, self._payload = ssrc, payload
        self._sequence = sequence  # of the next packet
        self._first_ns: int | None = None
        self._last_ns: int | None = None

    def slices(self, unit: AccessUnit, *, paced: bool = True) -> list[Slice]:
        """The picture's packets, spread over most of the time since the one before; all at once where not `paced`."""
        took_ns = _FRAME_NS[0] if self._last_ns is None else unit.at_ns - self._last_ns
        self._last_ns = unit.at_ns
        packets = list(self.packets(unit))
        if not paced:
            return [Slice(0, packets)]
        took_ns = min(max(took_ns, _FRAME_NS[0]), _FRAME_NS[1])
        starts = range(0, len(packets), _BURST)
        gap_ns = int(took_ns * _SHARE / len(starts))
        return [Slice(i * gap_ns, packets[start : start + _BURST]) for i, start in enumerate(starts)]

    def packets(self, unit: AccessUnit) -> Iterator[bytes]:
        """The picture's RTP packets; the marker stands on its last."""
        if self._first_ns is None:
            self._first_ns = unit.at_ns
        # Counted from the first picture each time, so that nothing adds up. A source that steps back is not followed.
        self.pts = max(self.pts + 1, (unit.at_ns - self._first_ns) * 9 // 100_000)
        pack = ps.pack(unit.annexb, self.pts, key=unit.key)
        room = MTU - _HEADER
        rest = (self.pts & 0xFFFFFFFF).to_bytes(4, "big") + self._ssrc.to_bytes(4, "big")
        for start in range(0, len(pack), room):
            marker = 0x80 if start + room >= len(pack) else 0
            head = bytes((0x80, marker | self._payload)) + self._sequence.to_bytes(2, "big") + rest
            self._sequence = (self._sequence + 1) & 0xFFFF
            yield head + pack[start : start + room]


def framed(packets: Sequence[bytes]) -> bytes:
    """The packets as they go over TCP: each behind its length in 2 bytes."""
    return b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)
