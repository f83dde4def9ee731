"""Who is compared: how each is started, what stands for its pin, what it promises, and what it has delivered."""

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import proc
from ear import Heard
from stage import THINGSBOARD, Player, Stage, mqtt_io_python, node_red, own_python

from edge.records import Change, Event
from edge.station.broker import Broker
from edge.wire import decode

OURS = "doorunit"
SETTLE_MS = 5  # ours alone settles in software; taken out of its latencies


class Peer(NamedTuple):
    """One way from a door to a broker. install: what its player needs to be told, made where it is missing."""

    words: str
    script: str
    pin: str
    keeps: str  # its durability, as it is set here
    install: Callable[[], str] = str
    settle_ms: int = 0
    per_turn: bool = True  # False: its work goes on beyond its turn


PEERS = {
    OURS: Peer(
        OURS, "play_unit.py", "gpiozero's mock pin", "SQLite FULL: a commit each, until the receipt", str, SETTLE_MS
    ),
    "plain": Peer("plain script: gpiozero, paho", "play_plain.py", "gpiozero's mock pin", "RAM; QoS 1"),
    "mqtt-io": Peer("mqtt-io 2.7.0", "play_mqttio.py", "gpiozero's mock pin", "RAM; QoS 0", mqtt_io_python),
    "node-red": Peer("Node-RED 4.1", "play_nodered.py", "a line to its TCP node", "RAM; QoS 1", node_red),
    "thingsboard": Peer(
        "ThingsBoard gateway 3.8.5",
        "play_thingsboard.py",
        "a message to its MQTT connector",
        "SQLite NORMAL; QoS 1",
        lambda: own_python("thingsboard", *THINGSBOARD),
        per_turn=False,
    ),
}


def installed(wanted: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """(name -> what its player must be told, name -> why it is not there)."""
    there, missing = {}, {}
    for name in wanted:
        try:
            there[name] = PEERS[name].install()
        except (subprocess.SubprocessError, OSError) as err:
            missing[name] = f"not installed: {err}"
    return there, missing


def start(on: Stage, broker: Broker, name: str, told: str, feed: Broker | None = None) -> Player:
    """Its player; the same name on the same stage is the same installation, started again."""
    peer, port, folder = PEERS[name], str(broker.port), on.folder / name
    if name == OURS:
        settings = folder / "doorunit.toml"
        if not settings.exists():
            on.unit(name, broker, SETTLE_MS, uplink="[uplink]\nkeepalive_s = 5\nbackoff_max_s = 2")
        return on.play(name, peer.script, str(settings))
    if name == "mqtt-io":
        return on.play(name, peer.script, name, port, python=told)
    if name == "node-red":
        return on.play(name, peer.script, name, port, str(folder), told)
    if name == "thingsboard":
        return on.play(name, peer.script, name, port, str(folder), told, *([str(feed.port)] if feed else []))
    return on.play(name, peer.script, name, port)


def pid(name: str, player: Player) -> int:
    """Of the process that is measured: a player of what is no Python library has it for a child."""
    return proc.eldest(player.pid) if name in ("node-red", "thingsboard") else player.pid


def delivered(name: str, heard: list[Heard]) -> list[int]:
    """When each movement was first told, in order of the movements; what was told of no movement is left out."""
    first: dict[int, int] = {}
    for n, one in enumerate(heard):
        with suppress(ValueError, KeyError):
            for key in _movements(name, n, one):
                first.setdefault(key, one.arrived_ns)
    told = [at_ns for _, at_ns in sorted(first.items())]
    return told[1:] if name == "mqtt-io" else told  # its first message says how the door was found


def _movements(name: str, n: int, one: Heard) -> list[int]:
    if name == "thingsboard" and one.topic == "v1/gateway/telemetry":
        numbers = [entry["values"]["n"] for entry in json.loads(one.payload)["door"]]
        return [number for number in numbers if number > 0]
    if one.topic not in (f"door/v1/{name}/event", f"door/v1/{name}/input/door"):
        return []
    if name != OURS:
        return [n]
    record = decode(name, one.payload).data.record
    is_movement = isinstance(record, Event) and record.change in (Change.OPENED, Change.SHUT)
    return [record.seq] if is_movement else []


def log(on: Stage, name: str) -> Path:
    """Where its last words are."""
    return on.folder / f"{name}.log"
