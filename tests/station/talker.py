"""A client of paho, for tests of brokers: its callbacks become queues that a test can wait on."""

import queue
import socket
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

WITHIN_S = 30
V5, V311 = mqtt.MQTTv5, mqtt.MQTTv311


class Client:
    """One connection by paho, its callbacks turned into queues that a test can wait on."""

    def __init__(
        self, broker: Any, name: str = "", *, files: tuple[Path, ...] = (), protocol: Any = V5, clean: bool = True
    ) -> None:
        self.inbox: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.acks: queue.Queue[int] = queue.Queue()
        self.answers: queue.Queue[str] = queue.Queue()  # to CONNECT: its reason, or "closed" where there was none
        self.subscribed: queue.Queue[None] = queue.Queue()
        self.down = threading.Event()
        self.broker = broker
        session = {} if protocol == V5 else {"clean_session": clean}
        self.paho = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, name, protocol=protocol, reconnect_on_failure=False, **session
        )
        self.paho.max_inflight_messages_set(5000)
        self.paho.on_connect = lambda _c, _u, _f, reason, _p: self.answers.put(str(reason))
        self.paho.on_message = lambda _c, _u, message: self.inbox.put((message.topic, message.payload))
        self.paho.on_publish = lambda _c, _u, _mid, reason, _p: self.acks.put(reason.value)
        self.paho.on_subscribe = lambda *_: self.subscribed.put(None)
        self.paho.on_disconnect = self._ended
        if files:
            self.paho.tls_set(*map(str, files))

    def _ended(self, *_: object) -> None:
        self.down.set()
        self.answers.put("closed")

    def connect(self, *, will: str = "") -> str:
        """What the broker answered."""
        if will:
            self.paho.will_set(will, b"offline", qos=1, retain=True)
        try:
            self.paho.connect(self.broker.host, self.broker.port, keepalive=60)
        except OSError:  # the other end closed it within the handshake
            return "closed"
        self.paho.loop_start()
        return self.answers.get(timeout=WITHIN_S)

    def up(self, *topics: str, will: str = "") -> "Client":
        assert self.connect(will=will) == "Success"
        if topics:
            self.paho.subscribe([(topic, 1) for topic in topics])
            self.subscribed.get(timeout=WITHIN_S)
        return self

    def say(self, topic: str, payload: bytes = b"", *, retain: bool = False) -> int:
        """Publish, and return the broker's reason code once it has answered."""
        self.paho.publish(topic, payload, qos=1, retain=retain)
        return self.acks.get(timeout=WITHIN_S)

    def hear(self) -> tuple[str, bytes]:
        return self.inbox.get(timeout=WITHIN_S)

    def cut(self) -> None:
        """The connection breaks, with no word of farewell."""
        self.paho.socket().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()
