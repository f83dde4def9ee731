"""Bytes on the network: of an opening, of a connection and of an idle day, TLS included, by what each message weighs.

Units over TLS to a real broker through a relay that counts TLS records, both directions; the platform's receipts are
part of it. A day is not waited for: each kind of message is weighed, and the settings say how often it goes.
"""

import argparse
import time
from collections import Counter
from contextlib import ExitStack
from typing import NamedTuple

from ear import Ear
from relay import Relay
from stage import Player, Stage, said, soon_ns, stage
from table import show

from edge.records import Change, Event
from edge.station.broker import Broker
from edge.wire import decode

SETTLE_MS = 5
DAY_S = 86_400
SEGMENT_BYTES = 52  # IPv4 and TCP headers with timestamps; a record is one segment, and is acknowledged by another
BEATS = """
[uplink]
pulse_s = {pulse_s}
whole_pulse_s = {whole_s}
keepalive_s = {keepalive_s}
"""


class Weighed(NamedTuple):
    """Bytes in both directions; `opening` is the door's opening and its shutting, each with its receipt."""

    connection: float
    whole: int
    short: int
    ping: int
    opening: float
    segments: float  # of an opening: records of TLS


class Plan(NamedTuple):
    """Settings by which an idle unit speaks, seconds."""

    key: str
    words: str
    pulse_s: int
    whole_s: int
    keepalive_s: int

    def day(self, of: Weighed) -> tuple[float, float]:
        """Bytes of an idle day; and those of TCP/IP besides, estimated."""
        whole = DAY_S / max(self.whole_s, self.pulse_s)
        pulses, pings = DAY_S / self.pulse_s - whole, DAY_S / (self.keepalive_s - 1)
        tls = pulses * of.short + whole * of.whole + pings * of.ping
        return tls, (pulses + whole + 2 * pings) * 2 * SEGMENT_BYTES


PLANS = (
    Plan("whole", "every pulse whole", 20, 20, 20),
    Plan("shipped", "as shipped: whole every 15 min, pulse every 20 s", 20, 900, 20),
    Plan("metered", "metered: pulse and keep-alive 300 s", 300, 900, 300),
)


def main() -> None:
    """Two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openings", type=int, default=100)
    openings = parser.parse_args().openings
    show_all(openings, ways(openings))


def ways(openings: int) -> dict[bool, Weighed]:
    """With topic alias or without -> what is weighed."""
    with stage("wire") as on, ExitStack() as closing:
        broker = on.broker("broker", tls=True)
        ear = Ear(broker.port, on.receiver())
        closing.callback(ear.close)
        return {alias: weigh(on, closing, ear, broker, alias, openings) for alias in (False, True)}


def show_all(openings: int, ways: dict[bool, Weighed]) -> None:
    """Print both tables."""
    head = ["bytes, TLS included", "without topic alias", "with"]
    names = ("connection", "whole pulse", "short pulse", "ping and its answer", "opening and shutting, with receipts")
    rows = [[name, *(f"{of[n]:.0f}" for of in ways.values())] for n, name in enumerate(names)]
    rows.append(["TCP/IP headers of those, at most", *(f"{2 * SEGMENT_BYTES * w.segments:.0f}" for w in ways.values())])
    rest = [
        f"{openings} openings, one after another. A record of TLS is counted as a segment of {SEGMENT_BYTES} bytes of",
        "headers and one that acknowledges it. The name of this unit has 9 letters.",
    ]
    show(said(), "Bytes of each message", head, rows, rest)
    rows = []
    for plan in PLANS:
        days = [plan.day(of) for of in ways.values()]
        rows.append([plan.words, *(f"{tls / 1e6:.2f}" for tls, _ in days), f"{days[1][1] / 1e6:.2f}"])
    head = ["MB an idle day, both directions", "without topic alias", "with", "TCP/IP besides, at most"]
    show(
        said(), "An idle day", head, rows, ["By the table above and how often each goes; aim: at most 1 MB as shipped."]
    )


def weigh(on: Stage, closing: ExitStack, ear: Ear, broker: Broker, alias: bool, openings: int) -> Weighed:
    """Two units: one that is idle and speaks often, one that says nothing but what its door does."""
    name = "alias" if alias else "plain"
    words = () if alias else ("no-alias",)
    relays = [Relay(broker.port) for _ in range(2)]
    players = []
    beats = ((1, 8, 5), (3600, 3600, 300))
    for number, (relay, (pulse_s, whole_s, keepalive_s)) in enumerate(zip(relays, beats, strict=True)):
        closing.callback(relay.close)
        unit = f"{name}-{'idle' if number == 0 else 'busy'}"
        more = BEATS.format(pulse_s=pulse_s, whole_s=whole_s, keepalive_s=keepalive_s)
        settings = on.unit(unit, broker, SETTLE_MS, port=relay.port, uplink=more)
        players.append(on.play(unit, "play_unit.py", str(settings), *words))
    for player in players:
        player.ready()
    ear.wait(lambda one: one.topic.startswith(f"door/v1/{name}-") and one.topic.endswith("/online"), 2, 20)
    settle(relays[1])  # what follows a connection: state, a pulse, the boot's record and how the door was found
    connection = sum(record.size for record in relays[1].records)
    begun = [len(relay.records) for relay in relays]
    move(players[1], ear, f"{name}-busy", 2 * openings)
    settle(relays[1])
    time.sleep(max(1.0, 18 - 0.04 * openings))  # of the idle one, two whole pulses at the least
    idle, busy = (relay.records[start:] for relay, start in zip(relays, begun, strict=True))
    ups = Counter(record.size for record in idle if record.up)
    ping = min(ups)
    told = {size: often for size, often in ups.items() if size > 2 * ping}
    short = max(told, key=lambda size: told[size])
    whole = max(told)
    per = sum(record.size for record in busy) / openings
    return Weighed(connection, whole, short, 2 * ping, per, len(busy) / openings)


def settle(relay: Relay) -> None:
    """Until nothing has passed for two seconds."""
    seen = -1
    while len(relay.records) != seen:
        seen = len(relay.records)
        time.sleep(2)


def move(player: Player, ear: Ear, unit: str, movements: int) -> None:
    """Each movement once the one before is told; returns when the last has its receipt."""
    player.go([soon_ns(0.1) + number * 20_000_000 for number in range(movements)])
    player.moved_ns()
    ear.wait(lambda one: one.topic == f"door/v1/{unit}/event" and _moved(unit, one.payload), movements, 20)


def _moved(unit: str, payload: bytes) -> bool:
    record = decode(unit, payload).data.record
    return isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)


if __name__ == "__main__":
    main()
