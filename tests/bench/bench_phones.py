"""Pin edge to the phone services' own HTTP servers: the whole unit as a process, its door moved, four channels at once.

The movements are as far apart as the services' limits want, and no channel gets more of them than it takes, so that
each is a message of its own; what a limit turns into one message is no latency of the path.
"""

import sys
from contextlib import closing

from ear import Ear
from sizes import sizes
from stage import said, soon_ns, stage
from table import percentile, show

from edge.clock import SystemClock
from edge.sim.phones import Heard, Phones

SETTLE_MS = 5
TURN_MS = 250  # Feishu takes five in a second
COUNTS = vars(sizes(__doc__, wecom=20, dingtalk=20, feishu=90, ntfy=60))  # within one minute, or one burst
MS = 1_000_000
WITHIN_S = 10


def main() -> None:
    """One round for each channel alone, then all four at once."""
    rows = [row for name, count in COUNTS.items() for row in measure((name,), count)]
    rows += list(measure(tuple(COUNTS), min(COUNTS.values())))
    notes = [
        f"Loopback HTTP without TLS: the network's own time comes on top. {SETTLE_MS} ms of settling taken out.",
        "The first message of each connects; it is in.",
    ]
    show(said(), "Pin edge to phone service", ["", "messages", "p50 ms", "p99 ms", "max ms"], rows, notes)


def measure(names: tuple[str, ...], count: int) -> list[list[str]]:
    """A row for each channel."""
    clock = SystemClock()
    words = "alone" if len(names) == 1 else "beside the others"
    with stage("phones") as on, closing(Phones(clock.now, lambda: clock.read().wall_ns)) as phones:
        broker = on.broker("broker")
        ear = Ear(broker.port)
        settings = on.unit("unit", broker, SETTLE_MS)
        lines = [
            f"[{name}]\n" + "".join(f'{k} = "{v}"\n' for k, v in t.items())
            for name, t in phones.settings(*names).items()
        ]
        settings.write_text(settings.read_text(encoding="utf-8") + "\n" + "\n".join(lines), encoding="utf-8")
        player = on.play("unit", "play_unit.py", str(settings))
        player.ready()
        start_ns = soon_ns(1)
        player.go([start_ns + n * TURN_MS * MS for n in range(count)])
        moved_ns = player.moved_ns()
        heard = phones.wait(count * len(names), WITHIN_S)
        ear.close()
    sys.stderr.write(f"phones: {', '.join(names)}\n")
    return [row(name, words, moved_ns, [one for one in heard if one.taken.channel == name]) for name in names]


def row(name: str, words: str, moved_ns: list[int], heard: list[Heard]) -> list[str]:
    """Its latencies; each movement is one message. Raises RuntimeError where that is not so."""
    if len(heard) != len(moved_ns):
        raise RuntimeError(f"{name}: {len(heard)} messages of {len(moved_ns)} movements")
    took_ms = [(one.at_ns - at_ns) / MS - SETTLE_MS for at_ns, one in zip(moved_ns, heard, strict=True)]
    cells = [percentile(took_ms, 50), percentile(took_ms, 99), max(took_ms)]
    return [f"{name} {words}", str(len(took_ms)), *(f"{cell:.2f}" for cell in cells)]


main()
