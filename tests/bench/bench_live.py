"""Live view: how long until the first picture, what it costs, and whether its times drift.

The simulated landing at 720p and 15 a second, encoded by PyAV's libx264 (ultrafast), to a receiver on this machine.
The receiver counts a picture once its last packet is there and it begins with parameter sets and an IDR slice.
"""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import closing

from sizes import sizes
from stage import said
from table import percentile, show

from edge.camera.mask import Mask
from edge.clock import SECOND, SystemClock
from edge.parts import AccessUnit
from edge.sim.camera import SimCamera
from edge.sim.encoder import FPS, Encoder, SimFilm
from edge.uplink.gb28181 import rtp
from edge.uplink.gb28181.live import Live
from edge.uplink.gb28181.rtp import Packer
from edge.uplink.gb28181.views import ViewBegan, ViewEnded

SIZES = sizes(__doc__, rounds=30, pictures=450, hours=12)
ROUNDS, PICTURES, HOURS = SIZES.rounds, SIZES.pictures, SIZES.hours
COMMAND = said()
MASK = Mask([[(0, 0), (0.3, 0), (0.3, 1), (0, 1)]])
OFFER = """v=0
o=34020000001320000001 0 0 IN IP4 127.0.0.1
s=Play
c=IN IP4 127.0.0.1
t=0 0
m=video {port} {proto} 96
a=recvonly
a=rtpmap:96 PS/90000
y=0200000001
"""


class Silent:
    """Hears what streams say, and says nothing."""

    def on_view(self, fact: ViewBegan | ViewEnded) -> None:
        """Nothing to do."""

    def on_ended(self, call: str, reason: str) -> None:
        """A bench's stream ends when the bench says so."""
        raise AssertionError(f"{call} ended by itself: {reason}")


def main() -> None:
    """Three tables."""
    first_picture()
    cost()
    drift()


def first_picture() -> None:
    """From the offer to the receiver's first picture."""
    clock = SystemClock()
    camera = SimCamera(lambda: 0.5, lambda: clock.read().wall_ns)
    live = Live("31011500011327000001", SimFilm(camera, lambda: MASK, clock.now), Silent(), clock.now, lambda: "")
    rows = []
    with closing(live):
        for way in ("UDP", "TCP"):
            took = [first(live, f"{way}{n}", way) for n in range(ROUNDS + 1)][1:]  # the first one imports PyAV
            rows.append([way, *(f"{percentile(took, p):.0f}" for p in (50, 99))])
    head = ["INVITE's offer to first picture whole", "p50 ms", "p99 ms"]
    show(COMMAND, f"First picture, {ROUNDS} calls each", head, rows)


def first(live: Live, call: str, way: str) -> float:
    """Milliseconds of one call."""
    kind = socket.SOCK_DGRAM if way == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as ear:
        ear.bind(("127.0.0.1", 0))
        if way == "TCP":
            ear.listen(1)
        proto = "RTP/AVP" if way == "UDP" else "TCP/RTP/AVP"
        offer = OFFER.format(port=ear.getsockname()[1], proto=proto).encode()
        began = time.perf_counter()
        live.offer(call, offer)
        live.begin(call)
        if way == "UDP":
            picture = whole(iter(lambda: ear.recv(2000), b""))
        else:
            peer, _ = ear.accept()
            with peer, peer.makefile("rb") as stream:
                picture = whole(iter(lambda: stream.read(int.from_bytes(stream.read(2), "big")), b""))
        took_ms = (time.perf_counter() - began) * 1000
        live.end(call)
    kinds = [part[0] & 31 for part in picture.split(b"\x00\x00\x01")[1:]]
    assert {7, 8, 5} <= set(kinds), kinds
    return took_ms


def whole(packets: Iterator[bytes]) -> bytes:
    """The first picture's program stream."""
    stream = b""
    for packet in packets:
        stream += packet[12:]
        if packet[1] & 0x80:
            break
    return stream


def cost() -> None:
    """CPU of each part, at 15 pictures a second."""
    clock, encoder, packer = SystemClock(), Encoder(2_000_000), Packer(1, 96)
    leaf = [0.0]
    camera = SimCamera(lambda: leaf[0], lambda: clock.read().wall_ns)
    camera.open()
    encode_s = pack_s = frame_s = send_s = 0.0
    size = packets = 0
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        ear.bind(("127.0.0.1", 0))
        out.connect(ear.getsockname())
        for n in range(PICTURES):
            leaf[0] = (n % 60) / 60
            picture = camera.capture()
            MASK.burn(picture)
            t0 = time.process_time()
            (unit,) = encoder.encode(picture, n * SECOND // FPS)
            t1 = time.process_time()
            slices = packer.slices(unit)
            t2 = time.process_time()
            for one in slices:
                rtp.framed(one.packets)
            t3 = time.process_time()
            for one in slices:
                for packet in one.packets:
                    out.send(packet)
            encode_s, pack_s, frame_s, send_s = (
                encode_s + t1 - t0,
                pack_s + t2 - t1,
                frame_s + t3 - t2,
                send_s + time.process_time() - t3,
            )
            size, packets = size + len(unit.annexb), packets + sum(len(one.packets) for one in slices)
    parts = (
        ("libx264 ultrafast", encode_s),
        ("PS and RTP", pack_s),
        ("framing for TCP", frame_s),
        ("UDP send", send_s),
    )
    rows = [[name, f"{s / PICTURES * 1e6:.0f}", f"{s / PICTURES * FPS * 100:.2f}"] for name, s in parts]
    rate = f"{size * 8 * FPS / PICTURES / 1e6:.2f} Mbit/s, {packets / PICTURES * FPS:.0f} packets a second"
    head = ["part", "us a picture", "% of a core at 15/s"]
    show(COMMAND, f"CPU of 720p15, {PICTURES} pictures", head, rows, [rate])


def drift() -> None:
    """The PTS of 12 hours of pictures, whose times jitter, against the clock that they were taken by."""
    packer, jitter = Packer(1, 96), random.Random(1)
    start_ns = 987_654_321
    began = time.perf_counter()
    worst = at_ns = 0
    count = HOURS * 3600 * FPS
    for n in range(count + 1):
        at_ns = n * SECOND // FPS + (jitter.randrange(5_000_000) if 0 < n < count else 0)
        unit = AccessUnit(b"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x41", n % 30 == 0, start_ns + at_ns)
        (packet,) = packer.packets(unit)
        assert int.from_bytes(packet[4:8], "big") == packer.pts & 0xFFFFFFFF
        worst = max(worst, at_ns - packer.pts * 100_000 // 9)
    end_ns = at_ns - packer.pts * 100_000 // 9
    rows = [[f"{HOURS} h", f"{count + 1}", f"{end_ns}", f"{worst}", f"{time.perf_counter() - began:.0f}"]]
    head = ["stream", "pictures", "drift at its end, ns", "largest difference, ns", "took, s"]
    show(COMMAND, "Drift of 12 hours, simulated time", head, rows, ["A tick of 90 kHz is 11,111 ns."])


if __name__ == "__main__":
    main()
