"""Whatever a hub sends: a receipt is for what was asked and answered well, a command is a text, and nothing raises.

An input is one payload, and comes in on each topic that a hub's profile listens to.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.clock import Known
from edge.records import Change, Event
from edge.uplink import profile
from edge.uplink.hub import Hub
from edge.uplink.other import Heard
from tests.fuzz.bend import Pick, bend_json
from tests.fuzz.player import Play, Target
from tests.spool.samples import stamp

NOW_NS = 1_800_000_000_000_000_000
DEVICE = {"unit": "door-1", "version": "1", "device_id": "d", "product_id": "p"}
ASKED = 5
FIRST = NOW_NS // 10**9 % 10**8 * 10 + 1  # the ids that a hub of this instant gives


def asked(name: str) -> Hub:
    """A hub that was told ASKED records."""
    hub = Hub(profile.load(name), DEVICE, lambda: NOW_NS)
    for seq in range(1, ASKED + 1):
        event = Event(epoch="e", seq=seq, at=stamp(), change=Change.OPENED, door="open")
        hub.tell(event, lambda at: Known(at.wall_ns, at.clock, at.error_ms))
    return hub


@contextmanager
def opened(_folder: Path) -> Iterator[Play]:
    """All of our profiles."""
    hubs = {name: asked(name) for name in profile.names()}

    def play(data: bytes) -> None:
        for name, hub in hubs.items():
            for topic in hub.subscribe:
                heard = hub.hear(topic.replace("+", "7").replace("#", "request_id=7"), data)
                assert name in ("aliyun-iot", "onenet") or (heard.receipt, heard.refused) == (None, None)
                judge(heard, data)

    yield play


def judge(heard: Heard, data: bytes) -> None:
    """What was heard is in the payload, and is of what was asked."""
    if heard.receipt is not None:
        ((low, high),) = heard.receipt.stored
        assert (heard.receipt.epoch, low) == ("e", high)
        assert str(json.loads(data)["id"]) == str(FIRST + low - 1)
    if heard.refused is not None:
        assert heard.refused[0] in {("e", seq) for seq in range(1, ASKED + 1)}
    if heard.command is not None:
        assert heard.command.decode() in json.dumps(json.loads(data), ensure_ascii=False) or b"\\" in data


def bend(raw: bytes, pick: Pick) -> bytes:
    """JSON bent, or another id and code."""
    if pick((True, False)):
        return bend_json(raw, pick)
    ids = [*range(FIRST - 1, FIRST + ASKED + 1), str(FIRST), f"{FIRST}.0", float(FIRST), None, True, [FIRST]]
    return json.dumps(
        {"id": pick(ids), "code": pick((200, 200, "200", 200.0, True, 460, None)), "message": "m"}
    ).encode()


REAL = (
    json.dumps({"id": str(FIRST), "code": 200, "data": {}, "message": "success", "version": "1.0"}).encode(),
    json.dumps({"id": FIRST + 1, "err_code": 4003, "err_msg": "full"}).encode(),
    json.dumps({"object_device_id": "d", "command_name": "c", "paras": {"command": "{}"}}).encode(),
    json.dumps({"method": "m", "params": {"command": '{"command": "x", "signature": "y"}'}}).encode(),
)
TARGET = Target("hubs", opened, REAL, bend)
