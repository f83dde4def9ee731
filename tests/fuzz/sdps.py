"""sdp.read, which reads what an INVITE offers: an Offer that can be answered, or an UnfitOffer, soon."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.sim.centre import offer
from edge.uplink.gb28181 import sdp
from edge.uplink.gb28181.streams import UnfitOffer
from tests.fuzz.bend import INTS, WORDS, Pick, spoil
from tests.fuzz.player import Play, Target, said

SERVER, DEVICE = "31010600002000000001", "31010600011327000001"
TCP = "TCP/RTP/AVP"
REAL = tuple(
    text.encode()
    for text in (
        offer(SERVER),
        offer(SERVER, transport=TCP),
        offer(SERVER, transport=TCP, setup="passive"),
        offer(SERVER, transport=TCP, setup="active"),
        offer(SERVER, name="Playback"),
        offer(SERVER).replace("a=rtpmap", "a=rtpmap:98 H264/90000\r\na=rtpmap").replace("96\r\n", "96 98 97\r\n", 1),
        offer(SERVER) + "f=v/2/5/25/1/2000a///\r\n",
    )
)
VALUES = [
    *map(str, INTS),
    *(word for word in WORDS if len(word) < 20_000),
    "IN IP6 ::1",
    "IN IP4 999.1.1.1",
    "IN IP4 0.0.0.0",
]
VALUES += [
    "video 0 RTP/AVP 96",
    "audio 9000 RTP/AVP 8",
    "video 9000/2 RTP/AVP 96",
    "video 9000 TCP/RTP/AVP",
    "Play",
    "0" * 10,
]
VALUES += ["rtpmap:96 PS/90000", "rtpmap:x", "setup:actpass", "setup:", "4294967295", "IN IP4 224.0.0.1", "9" * 5000]
KINDS = "vosictmafyubkz= "


def bend(raw: bytes, pick: Pick) -> bytes:
    """A line changed, twice there, elsewhere or away; other ends of lines; or bytes spoilt."""
    how = pick(("value", "value", "value", "kind", "twice", "drop", "move", "ends", "spoil"))
    if how == "spoil":
        return spoil(raw, pick)
    lines = re.split(r"\r?\n", raw.decode("utf-8", "replace"))
    at = pick(range(len(lines)))
    line = lines.pop(at)
    if how == "value":
        lines.insert(at, f"{line[:2]}{pick(VALUES)}")
    elif how == "kind":
        lines.insert(at, f"{pick(KINDS)}{line[1:]}")
    elif how == "twice":
        lines[at:at] = [line, line]
    elif how == "move":
        lines.insert(pick(range(len(lines) + 1)), line)
    elif how == "ends":
        lines.insert(at, line)
        return pick(("\n", "\r", "\r\r\n", "\0")).join(lines).encode("utf-8", "replace")
    return "\r\n".join(lines).encode("utf-8", "replace")


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """A reader needs nothing."""

    def play(data: bytes) -> None:
        try:
            found = sdp.read(data)
        except UnfitOffer as err:
            said(err)
            return
        assert 0 < found.port < 65_536 or (found.way is sdp.Way.LISTEN and not found.port)
        assert 0 <= found.ssrc < 2**32
        answer = sdp.answer(found, DEVICE, "192.0.2.9", 9000)
        assert all(re.fullmatch(rb"[a-z]=[^\r\n]*", line) for line in answer.removesuffix(b"\r\n").split(b"\r\n"))

    yield play


TARGET = Target("sdp", opened, REAL, bend)
