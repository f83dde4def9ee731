"""Pin edge to the city centre's fake platform: the whole unit as a process, its door moved, each alarm stored there.

The platform is in this process, over loopback TCP and UDP; it registers the unit by digest and has its catalogue first.
"""

import sys
from contextlib import closing

from ear import Ear
from sizes import sizes
from stage import said, soon_ns, stage
from table import percentile, show

from edge.clock import SystemClock
from edge.sim.centre import Centre
from edge.sim.centreline import CentreServer

SERVER, DEVICE, MAGNET = "31010600002000000001", "31010600011327000001", "31010600011347000001"
SETTLE_MS = 5
TURN_MS = 60
MOVES = sizes(__doc__, moves=300).moves
MS = 1_000_000
WITHIN_S = 10
SETTINGS = """
[gb28181]
host = "127.0.0.1"
port = {port}
transport = "{transport}"
server_id = "{server}"
device_id = "{device}"
magnet_id = "{magnet}"
password = "12345678"
"""


def main() -> None:
    """One round over TCP, one over UDP."""
    rows = [measure(transport) for transport in ("tcp", "udp")]
    notes = [
        f"Loopback: the network's own time comes on top. {SETTLE_MS} ms of settling taken out.",
        "The MQTT broker gets each of them at the same time, and gives receipts.",
    ]
    show(
        said(), "Pin edge to alarm at the video platform", ["over", "alarms", "p50 ms", "p99 ms", "max ms"], rows, notes
    )


def measure(transport: str) -> list[str]:
    """A row. Raises RuntimeError where an alarm did not come, or the platform would not have taken something."""
    clock = SystemClock()
    centre = Centre(SERVER, clock.now)
    with stage("centre") as on, closing(CentreServer(centre, transport)) as server:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        settings = on.unit("unit", broker, SETTLE_MS)
        more = SETTINGS.format(port=server.port, transport=transport, server=SERVER, device=DEVICE, magnet=MAGNET)
        settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
        player = on.play("unit", "play_unit.py", str(settings))
        player.ready()
        if not server.wait(lambda c: MAGNET in c.catalogue and bool(c.keepalives), WITHIN_S):
            raise RuntimeError(f"not registered within {WITHIN_S} s; its platform says {centre.faults}")
        start_ns = soon_ns(1)
        player.go([start_ns + n * TURN_MS * MS for n in range(MOVES)])
        moved_ns = player.moved_ns()
        there = server.wait(lambda c: len(c.alarms) >= MOVES, WITHIN_S)
        ear.close()
    if not there or centre.faults or len(centre.alarms) != MOVES:
        raise RuntimeError(f"{len(centre.alarms)} alarms of {MOVES} movements; {centre.faults[:3]}")
    sys.stderr.write(f"centre: {transport}\n")
    took_ms = [(one.at_ns - at_ns) / MS - SETTLE_MS for at_ns, one in zip(moved_ns, centre.alarms, strict=True)]
    cells = [percentile(took_ms, 50), percentile(took_ms, 99), max(took_ms)]
    return [transport.upper(), str(len(took_ms)), *(f"{cell:.2f}" for cell in cells)]


main()
