"""Pin edge to message at an independent subscriber, beside other ways to do it.

All players run at once and take turns, so that what else this machine does falls on all alike; a turn is long enough
for the one before to have finished its work, its sync included. In each round the turns have another order, and all
processes and the unit's spool are new.
"""

import random
import subprocess
import sys
from contextlib import ExitStack

from ear import Ear, Heard
from stage import Player, Stage, mqtt_io_python, said, soon_ns, stage
from table import medians, percentile, show

from edge.records import Change, Event
from edge.wire import decode

ROUNDS = 5
EVENTS = 300
WARM_UP = 20  # movements before, not counted
SETTLE_MS = 5  # the least that door.settle_ms takes; the only part of the latency that is a setting
TURN_MS = (5, 11)
MS = 1_000_000
RAW, PLAIN, MQTT_IO, OURS, RAW_TLS, OURS_TLS = "raw", "plain", "mqtt-io", "unit", "raw-tls", "unit-tls"
WORDS = {
    RAW: "raw paho, publish only",
    PLAIN: "plain script, gpiozero + paho",
    MQTT_IO: "mqtt-io 2.7.0, QoS 0",
    OURS: "doorunit, each event synced",
    RAW_TLS: "raw paho, TLS",
    OURS_TLS: "doorunit, each event synced, TLS",
}


def main() -> None:
    """Five rounds, one table."""
    notes = [
        f"Medians of {ROUNDS} rounds of {EVENTS} movements; doorunit's settle time of {SETTLE_MS} ms is taken out."
    ]
    try:
        python = mqtt_io_python()
    except (subprocess.SubprocessError, OSError) as err:
        python = ""
        notes.append(f"mqtt-io could not be installed here: {err}.")
    dice = random.Random(1)
    rounds: dict[str, list[tuple[float, float, float]]] = {}
    for number in range(ROUNDS):
        with stage("latency") as on, ExitStack() as closing:
            for name, took_ms in one_round(on, closing, dice, number, python).items():
                rounds.setdefault(name, []).append((percentile(took_ms, 50), percentile(took_ms, 99), max(took_ms)))
        sys.stderr.write(f"round {number + 1} of {ROUNDS}\n")
    base = {name: medians(rounds[name]) for name in rounds}
    rows = []
    for name, (p50, p99, worst) in base.items():
        raw = base[RAW_TLS if name == OURS_TLS else RAW][0]
        rows.append([WORDS[name], f"{p50:.2f}", f"{p99:.2f}", f"{worst:.1f}", f"{p50 / raw:.2f}"])
    show(said(), "Latency, pin edge to subscriber", ["", "p50 ms", "p99 ms", "max ms", "p50 / raw"], rows, notes)


def one_round(on: Stage, closing: ExitStack, dice: random.Random, number: int, python: str) -> dict[str, list[float]]:
    """Each player's latencies in ms."""
    clear, tls = on.broker("broker"), on.broker("broker-tls", tls=True)
    ears = {False: Ear(clear.port), True: Ear(tls.port, on.receiver())}
    for ear in ears.values():
        closing.callback(ear.close)
    port = str(clear.port)
    players = {RAW: on.play("play_raw.py", RAW, port), PLAIN: on.play("play_plain.py", PLAIN, port)}
    if python:
        players[MQTT_IO] = on.play("play_mqttio.py", MQTT_IO, port, python=python)
    players[OURS] = on.play("play_unit.py", str(on.unit(OURS, clear, SETTLE_MS)))
    players[RAW_TLS] = on.play("play_raw.py", RAW_TLS, str(tls.port), *on.member(RAW_TLS))
    players[OURS_TLS] = on.play("play_unit.py", str(on.unit(OURS_TLS, tls, SETTLE_MS)))
    for player in players.values():
        player.ready()
    for name in (OURS, OURS_TLS):
        ears[name == OURS_TLS].wait(lambda one: one.topic.endswith("/online"), 1, 10)
    moved_ns = take_turns(players, dice)
    heard = {name: listen(ears[name in (RAW_TLS, OURS_TLS)], name) for name in players}
    return {name: latencies(name, moved_ns[name], heard[name]) for name in players}


def take_turns(players: dict[str, Player], dice: random.Random) -> dict[str, list[int]]:
    """When each player moved its door."""
    order = list(players)
    dice.shuffle(order)
    due_ns: dict[str, list[int]] = {name: [] for name in players}
    at_ns = soon_ns(1)
    for _ in range(WARM_UP + EVENTS):
        for name in order:
            due_ns[name].append(at_ns)
            at_ns += int(dice.uniform(*TURN_MS) * MS) + (SETTLE_MS * MS if name in (OURS, OURS_TLS) else 0)
    for name, player in players.items():
        player.go(due_ns[name])
    return {name: player.moved_ns() for name, player in players.items()}


def listen(ear: Ear, name: str) -> list[Heard]:
    """What was heard of its movements, in order of arrival. Raises RuntimeError where one is missing or told twice."""
    count = WARM_UP + EVENTS + (name == MQTT_IO)  # mqtt-io also says how it found the door
    topic = f"door/v1/{name}/" + ("input/door" if name == MQTT_IO else "event")
    ours = name in (OURS, OURS_TLS)
    heard = ear.wait(lambda one: one.topic == topic and (not ours or is_movement(name, one)), count, 5)
    if len(heard) != count:
        raise RuntimeError(f"{name}: {len(heard)} messages; want {count}")
    return heard


def is_movement(unit: str, one: Heard) -> bool:
    """Whether this is the record of a door that was moved: not its unit's start, nor how the door was found then."""
    record = decode(unit, one.payload).data.record
    return isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)


def latencies(name: str, moved_ns: list[int], heard: list[Heard]) -> list[float]:
    """In ms, the settle time and the warm-up taken out."""
    settle_ms = SETTLE_MS if name in (OURS, OURS_TLS) else 0
    pairs = zip(moved_ns[-EVENTS:], heard[-EVENTS:], strict=True)
    return [(one.arrived_ns - at_ns) / MS - settle_ms for at_ns, one in pairs]


main()
