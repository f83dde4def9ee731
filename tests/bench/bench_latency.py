"""Pin edge to message at an independent subscriber, beside other ways to do it.

All players run at once and take turns, so that what else this machine does falls on all alike; a turn is long enough
for the one before to have finished its work, its sync included. In each round the turns have another order, and all
processes, brokers and the unit's spool are new.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from ear import Ear, Heard
from sizes import sizes
from stage import Player, Stage, mqtt_io_python, said, soon_ns, stage
from table import medians, percentile, show

from edge.records import Change, Event
from edge.wire import decode

SIZES = sizes(__doc__, rounds=5, events=300)
ROUNDS, EVENTS = SIZES.rounds, SIZES.events
WARM_UP = 20  # movements before, not counted
SETTLE_MS = 5  # the least that door.settle_ms takes
TURN_MS = (5, 11)
MS = 1_000_000


class Way(NamedTuple):
    """One way from a pin to a broker."""

    words: str
    tls: bool = False
    ours: bool = False
    leaf: str = "event"
    found: int = 0  # messages that say how the door was found, before it is moved

    @property
    def settle_ms(self) -> int:
        """Part of each movement's turn, and no part of the latency."""
        return SETTLE_MS if self.ours else 0


WAYS = {
    "raw": Way("raw paho, publish alone"),
    "plain": Way("plain script: gpiozero, paho"),
    "mqtt-io": Way("mqtt-io 2.7.0 (its inputs: QoS 0)", leaf="input/door", found=1),
    "unit": Way("doorunit, each event synced", ours=True),
    "raw-tls": Way("raw paho, TLS", tls=True),
    "unit-tls": Way("doorunit, each event synced, TLS", tls=True, ours=True),
}


def main() -> None:
    """Five rounds, one table."""
    notes = [
        f"QoS 1; medians of {ROUNDS} rounds of {EVENTS} movements; doorunit's {SETTLE_MS} ms of settling taken out."
    ]
    try:
        python = mqtt_io_python()
    except (subprocess.SubprocessError, OSError) as err:
        python = ""
        notes.append(f"mqtt-io could not be installed here: {err}.")
    dice = random.Random(1)
    rounds: dict[str, list[tuple[float, float, float]]] = {}
    stamps_us: list[float] = []
    for number in range(ROUNDS):
        with stage("latency") as on, ExitStack() as closing:
            for name, took_ms in one_round(on, closing, dice, python, stamps_us).items():
                rounds.setdefault(name, []).append((percentile(took_ms, 50), percentile(took_ms, 99), max(took_ms)))
        sys.stderr.write(f"latency: round {number + 1} of {ROUNDS}\n")
    notes.append(f"The time in doorunit's records is {median(stamps_us):.0f} us after the movement (median).")
    show(said(), "Pin edge to subscriber", ["", "p50 ms", "p99 ms", "max ms", "p50 / raw"], list(rows(rounds)), notes)


def rows(rounds: dict[str, list[tuple[float, float, float]]]) -> Iterator[list[str]]:
    """A row for each way; each is compared with raw paho on its own broker."""
    middle = {name: medians(of_rounds) for name, of_rounds in rounds.items()}
    for name, (p50, p99, worst) in middle.items():
        raw = middle["raw-tls" if WAYS[name].tls else "raw"][0]
        yield [WAYS[name].words, f"{p50:.2f}", f"{p99:.2f}", f"{worst:.1f}", f"{p50 / raw:.2f}"]


def one_round(
    on: Stage, closing: ExitStack, dice: random.Random, python: str, stamps_us: list[float]
) -> dict[str, list[float]]:
    """Each player's latencies in ms; `stamps_us` gets how long after a movement the time in its record is."""
    brokers = {False: on.broker("broker"), True: on.broker("broker-tls", tls=True)}
    ears = {False: Ear(brokers[False].port), True: Ear(brokers[True].port, on.receiver())}
    for ear in ears.values():
        closing.callback(ear.close)
    clear, tls = (str(broker.port) for broker in brokers.values())
    players = {
        "raw": on.play("raw", "play_raw.py", "raw", clear),
        "plain": on.play("plain", "play_plain.py", "plain", clear),
        "raw-tls": on.play("raw-tls", "play_raw.py", "raw-tls", tls, *on.member("raw-tls")),
    }
    if python:
        players["mqtt-io"] = on.play("mqtt-io", "play_mqttio.py", "mqtt-io", clear, python=python)
    for name in ("unit", "unit-tls"):
        settings = on.unit(name, brokers[WAYS[name].tls], SETTLE_MS)
        players[name] = on.play(name, "play_unit.py", str(settings))
    for player in players.values():
        player.ready()
    for ear in ears.values():
        ear.wait(lambda one: one.topic.endswith("/online"), 1, 10)
    moved_ns = take_turns(players, dice)
    heard = {name: listen(ears[WAYS[name].tls], name) for name in players}
    for name in ("unit", "unit-tls"):
        records = [decode(name, one.payload).data.record for one in heard[name]]
        stamps_us += [(record.at.boot_ns - ns) / 1000 for record, ns in zip(records, moved_ns[name], strict=True)]
    return {name: latencies(WAYS[name], moved_ns[name], heard[name]) for name in WAYS if name in players}


def take_turns(players: dict[str, Player], dice: random.Random) -> dict[str, list[int]]:
    """When each player moved its door."""
    order = list(players)
    dice.shuffle(order)
    due_ns: dict[str, list[int]] = {name: [] for name in players}
    at_ns = soon_ns(1)
    for _ in range(WARM_UP + EVENTS):
        for name in order:
            due_ns[name].append(at_ns)
            at_ns += int((dice.uniform(*TURN_MS) + WAYS[name].settle_ms) * MS)
    for name, player in players.items():
        player.go(due_ns[name])
    return {name: player.moved_ns() for name, player in players.items()}


def listen(ear: Ear, name: str) -> list[Heard]:
    """What was heard of its movements, in order of arrival. Raises RuntimeError where one is missing or told twice."""
    way = WAYS[name]
    count = WARM_UP + EVENTS + way.found
    topic = f"door/v1/{name}/{way.leaf}"
    heard = ear.wait(lambda one: one.topic == topic and (not way.ours or is_movement(name, one)), count, 5)
    if len(heard) != count:
        raise RuntimeError(f"{name}: {len(heard)} messages; want {count}")
    return heard[way.found :]


def is_movement(unit: str, one: Heard) -> bool:
    """Whether this is the record of a door that was moved: not its unit's start, nor how the door was found then."""
    record = decode(unit, one.payload).data.record
    return isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)


def latencies(way: Way, moved_ns: list[int], heard: list[Heard]) -> list[float]:
    """In ms, the settle time and the warm-up taken out."""
    pairs = list(zip(moved_ns, heard, strict=True))[WARM_UP:]
    return [(one.arrived_ns - at_ns) / MS - way.settle_ms for at_ns, one in pairs]


main()
