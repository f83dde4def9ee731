"""An MQTT client that asks and waits for the answer, to find out what a broker does. Never part of a running unit.

Any one thread; each call blocks for the time that it is given at most.
"""

import queue
import socket
import ssl
import threading
from contextlib import suppress

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

DENIED = 128  # reason codes from here on say no
KEEPALIVE_S = 30
_WINDOW = 10  # without an answer at a time; a broker's own limit is hardly ever less


class Tls(msgspec.Struct, frozen=True):
    """PEM files; without a certificate none is shown."""

    ca: str
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Trust `ca` alone. Raises OSError, ValueError as ssl does."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context


class Heard(msgspec.Struct, frozen=True):
    """A message that came. retained: it was kept for whoever subscribes later."""

    topic: str
    payload: bytes
    retained: bool


class Answer(msgspec.Struct, frozen=True):
    """What the broker said: its reason code (None: nothing in time, or the connection ended) and its words."""

    code: int | None
    words: str

    @property
    def well(self) -> bool:
        """Whether it said yes."""
        return self.code is not None and self.code < DENIED


class Probe:
    """One connection. `inbox` holds what came, in order; `retains`: the broker keeps retained messages, it says."""

    def __init__(self, host: str, port: int, tls: Tls, name: str, *, v5: bool = True, will: str = "") -> None:
        self.inbox: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.retains = True
        self._host, self._port = host, port
        self._context = tls.context()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._acks: queue.SimpleQueue[tuple[int, Answer]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._v5 = v5
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            name,
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(_WINDOW)
        client.max_queued_messages_set(0)  # a thousand records are handed over at once
        client.tls_set_context(self._context)
        if will:
            client.will_set(will, b'{"online":false}', qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect

    def connect(self, within_s: float) -> Answer:
        """The broker's answer to CONNECT. Raises OSError, ValueError for what ends before there is one."""
        with (
            socket.create_connection((self._host, self._port), timeout=within_s) as sock,
            self._context.wrap_socket(sock, server_hostname=self._host),
        ):
            self._client.connect_timeout = within_s  # paho leaves the socket open where the handshake ends
        self._client.connect(self._host, self._port, KEEPALIVE_S)
        ours = self._client.socket()
        if isinstance(ours, socket.socket):
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a question takes 40 ms
        self._client.loop_start()
        return self._wait(within_s)

    def subscribe(self, topic: str, within_s: float) -> Answer:
        """The broker's answer to one subscription, QoS 1."""
        self._client.subscribe(topic, 1)
        return self._wait(within_s)

    def publish(self, topic: str, payload: bytes, within_s: float, *, retain: bool = False) -> Answer:
        """The broker's answer to a message of QoS 1; where it ends the connection instead, code is None."""
        info = self._client.publish(topic, payload, 1, retain, self._properties(topic))
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return Answer(None, "the connection has ended")
        with suppress(queue.Empty):
            while True:
                mid, answer = self._acks.get(timeout=within_s)
                if mid == info.mid:
                    return answer
        return Answer(None, "the connection has ended" if self._ended.is_set() else f"nothing within {within_s:g} s")

    def hand(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish without waiting for the answer."""
        self._client.publish(topic, payload, qos, properties=self._properties(topic))

    def cut(self) -> None:
        """End the connection without a word, as a power cut does."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    @property
    def up(self) -> bool:
        """Whether the connection still stands."""
        return not self._ended.is_set()

    def close(self) -> None:
        """Say good-bye; safe to repeat."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, within_s: float) -> Answer:
        try:
            return self._answers.get(timeout=within_s)
        except queue.Empty:
            return Answer(None, f"nothing within {within_s:g} s")

    def _properties(self, topic: str) -> Properties | None:
        if not self._v5 or not topic.endswith("/event"):
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own lacks it
        properties.ContentType = "application/cloudevents+json"
        return properties

    # In paho's thread

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.retains = bool(getattr(properties, "RetainAvailable", 1))
        self._answers.put(Answer(reason.value, str(reason)))

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._answers.put(Answer(reasons[0].value, str(reasons[0])))

    def _on_publish(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._acks.put((mid, Answer(reason.value, str(reason))))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.inbox.put(Heard(message.topic, bytes(message.payload), message.retain))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._ended.set()
        self._answers.put(Answer(None, f"the connection ended: {reason}"))
