"""Many units' records through one connection, as fast as the broker takes them, and the receipts that come for them."""

import threading
import time

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge import wire
from edge.clock import Quality, Stamp
from edge.records import Change, Event

WALL_NS = 1_795_000_000_000_000_000


class Feed:
    """Records of `units` units, `each` of them, ready as bytes: turn by turn, as a city's doors open."""

    def __init__(self, units: int, each: int) -> None:
        self._left = {f"bench{i:05d}": set(range(1, each + 1)) for i in range(units)}
        self.messages = [
            (wire.topic(unit, "event"), wire.encode(unit, _opening(seq), {}))
            for seq in range(1, each + 1)
            for unit in self._left
        ]
        self._owed = len(self.messages)
        self._done, self._listening = threading.Event(), threading.Event()

    def play(self, port: int, within_s: float) -> float:
        """Seconds from the first publish to the last receipt. Raises RuntimeError where some are missing by then."""
        client = Client(CallbackAPIVersion.VERSION2, "feed", protocol=MQTTProtocolVersion.MQTTv5)
        client.on_message = self._heard
        client.on_subscribe = lambda *_: self._listening.set()
        client.max_inflight_messages_set(1000)  # of which each waits for the broker's answer, not for a receipt
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe(f"{wire.ROOT}/+/receipt", 1)
        self._listening.wait(10)
        try:
            began_s = time.monotonic()
            for topic, payload in self.messages:
                client.publish(topic, payload, qos=1)
            if not self._done.wait(within_s):
                raise RuntimeError(f"{self._owed} of {len(self.messages)} records have no receipt after {within_s} s")
            return time.monotonic() - began_s
        finally:
            client.disconnect()
            client.loop_stop()

    def _heard(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        left = self._left[message.topic.split("/")[2]]
        for low, high in wire.read_receipt(message.payload).stored:
            before = len(left)
            left.difference_update(range(low, high + 1))
            self._owed -= before - len(left)
        if not self._owed:
            self._done.set()


def _opening(seq: int) -> Event:
    at = Stamp("6f9619ff-8b86-d011-b42d-00c04fc964ff", seq * 10**9, WALL_NS + seq * 10**9, Quality.SYNCED, 2)
    return Event(epoch="0123456789abcdef", seq=seq, at=at, change=Change.OPENED, door="open", edges=3, settle_us=1800)
