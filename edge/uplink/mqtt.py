"""One MQTT connection at a time; the only file of the unit that knows paho.

A new paho client is made for every connection, so nothing is ever queued behind our back. The network thread reads
and connects; `publish` writes to the socket straight from the deciding thread (non-blocking), which saves a thread
switch on the live path. One lock keeps the two apart. The courier decides when to connect again.
"""

import logging
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.clock import SECOND, Clock
from edge.errors import DoorunitError, LinkError, RefusedError
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.uplink.client import QuickClient, ReadAhead
from edge.uplink.refusal import answered, dumb, explain, silence, unheard
from edge.uplink.tunnel import show_certificate

log = logging.getLogger(__name__)

UNANSWERED = 2
CONNECT_S = 10.0  # TCP, TLS and CONNACK, each
_UNSUPPORTED_VERSION = 132  # MQTT 5 reason code; paho maps 3.1.1's return code 1 to it
_NO_SUBSCRIBERS = 16
_UNSPECIFIED = 128  # what paho says where the socket ended without a word
_NO_LIMIT = 65_535  # MQTT 5 receive maximum where the broker names none
_WINDOW_311 = 20  # 3.1.1 brokers name no limit; 20 is what mosquitto and most others take at once
_ALIASES = {"event": 1, "pulse": 2}  # MQTT 5 topic alias of what is sent often, where the broker takes aliases
_TIMED_OUT = "Keep alive timeout"  # paho's word for silence, also before the connection was accepted
_PAHOS_PREFIX = "failed to receive on socket: "  # what it puts before each error of reading and of writing


class Broker(msgspec.Struct, frozen=True):
    """Where to connect and as whom. tls: (CA, certificate, key) as file paths, or None for a loopback broker.

    A CA "" is the machine's own; without a certificate `login` says who this is, for each connection anew: client id,
    user name, password. plain: what is published is of no type of ours.
    """

    host: str
    port: int
    client_id: str
    keepalive_s: int
    tls: tuple[str, str, str] | None
    subscribe: tuple[str, ...]
    will: tuple[str, bytes] | None  # topic, payload; QoS 1, retained
    login: Callable[[], tuple[str, str, str]] | None = None
    only_311: bool = False
    plain: bool = False


class MqttLink:
    """parts.Link over paho."""

    def __init__(
        self, broker: Broker, post: Callable[[object], None], clock: Clock, connect_s: float = CONNECT_S
    ) -> None:
        self._broker = broker
        self._connect_s = connect_s
        self._post = post
        self._clock = clock
        self._where = f"{broker.host}:{broker.port}"
        self._lock = threading.RLock()
        self._wanted = threading.Event()
        self._closing = False
        self._only_311 = broker.only_311  # or once the broker says so
        self._version = MQTTProtocolVersion.MQTTv311 if broker.only_311 else MQTTProtocolVersion.MQTTv5
        self._accepted = False  # this unit, on this connection
        self._unanswered = 0  # connections running that ended without one word of the broker
        self._client: Client | None = None
        self._up = False
        self._window = _NO_LIMIT
        self._tokens: dict[int, int] = {}  # QoS 1 without an answer so far: paho's mid -> our token, or 0
        self._held: deque[tuple[str, bytes, bool, int]] = deque()  # beyond the window: they go as the broker answers
        self._aliases = 0  # MQTT 5 topic alias maximum of the broker
        self._known: set[int] = set()  # aliases that it was told on this connection
        self._packed: dict[tuple[str, int], _Packed] = {}
        self._said = ""  # paho's last words on this connection
        self._refused: DoorunitError | None = None
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown. Never blocks."""
        self._wanted.set()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket now; False where there is no connection. Never blocks."""
        with self._lock:
            if not self._up or self._client is None:
                return False
            if qos and len(self._tokens) >= self._window:
                self._held.append((topic, payload, retain, token))
                return True
            return self._send(self._client, topic, payload, qos, retain, token)

    def _send(self, client: Client, topic: str, payload: bytes, qos: int, retain: bool, token: int) -> bool:
        """Under the lock."""
        topic, properties = self._addressed(topic)
        info = client.publish(topic, payload, qos, retain, properties)
        sent = info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN)
        if qos and sent:
            self._tokens[info.mid] = token
        if not sent or client.want_write():  # it ended, or its buffer is full: the network thread does the rest
            self._wake()
        return sent

    def _addressed(self, topic: str) -> "tuple[str, _Packed | None]":
        """Topic and properties as they go into the packet: once the broker knows a topic's alias, it is left out."""
        leaf = topic.rpartition("/")[2]
        if self._version != MQTTProtocolVersion.MQTTv5 or self._broker.plain or leaf not in _ALIASES:
            return topic, None
        alias = _ALIASES[leaf] if _ALIASES[leaf] <= self._aliases else 0
        if (leaf, alias) not in self._packed:
            self._packed[leaf, alias] = _Packed(leaf, alias)
        if alias in self._known:
            return "", self._packed[leaf, alias]
        if alias:
            self._known.add(alias)
        return topic, self._packed[leaf, alias]

    def abandon(self) -> None:
        """End a connection over which nothing is answered, as if it had broken; LinkDown follows. Never blocks."""
        with self._lock:
            if self._up:
                self._up = False
                self._refused = dumb(self._where)
        self._wake()

    def close(self) -> None:
        """Say good-bye, so that the broker keeps the last will; ends the thread within 5 s. Safe to repeat."""
        with self._lock:
            self._closing = True
            if self._client is not None and self._up:
                self._client.disconnect()
            self._up = False
        self._wanted.set()
        self._wake()
        self._thread.join(timeout=5)
        if not self._thread.is_alive():
            self._wake_in.close()
            self._wake_out.close()

    # The network thread

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            trouble: DoorunitError | None = None
            try:
                trouble = self._session()
            except RefusedError as err:
                trouble = err
            except (OSError, ValueError) as err:  # ValueError: ssl says it so for a certificate it cannot read
                trouble = explain(err, self._where, self._clock.read())
            with self._lock:
                self._up = False
                self._client = None
                self._tokens.clear()
                self._held.clear()
                if self._accepted and not self._only_311:  # 3.1.1 was tried because of a silence that is over
                    self._version = MQTTProtocolVersion.MQTTv5
            if not self._closing:
                self._post(LinkDown(trouble or explain(self._said, self._where, self._clock.read())))

    def _session(self) -> DoorunitError | None:
        """One connection from beginning to end; returns why it ended, or None where only paho's log said it."""
        self._said = ""
        self._refused = None
        self._accepted = False
        client = self._new_client()
        # Paho asks after one keep-alive of silence and waits another: with a second less, and the pace below, silence
        # is noticed within two of ours.
        client.connect(self._broker.host, self._broker.port, max(1, self._broker.keepalive_s - 1))
        sock = client.socket()
        if not isinstance(sock, ReadAhead):  # None: paho closed it again
            return None
        with self._lock:
            self._client = client
        connack_by = self._clock.now() + int(self._connect_s * SECOND)
        pace_s = min(1.0, self._broker.keepalive_s / 8)
        while not self._closing:
            was_up = self._up
            pending = sock.pending() > 0
            writers = [sock] if client.want_write() else []
            readers: list[ReadAhead | socket.socket] = [sock, self._wake_in]
            readable, _, _ = select.select(readers, writers, [], 0 if pending else pace_s)
            if self._wake_in in readable:
                self._wake_in.recv(64)
            with self._lock:
                going = self._step(client, read=pending or sock in readable)
            if not going or sock.fileno() < 0:  # paho may have closed it without a word
                self._note_unanswered()
                return self._refused or (silence(self._where) if self._said == _TIMED_OUT and not was_up else None)
            if not self._up and self._clock.now() > connack_by:  # some old brokers answer MQTT 5 with silence
                was_5 = self._version == MQTTProtocolVersion.MQTTv5
                old = was_5 or self._only_311
                self._version = MQTTProtocolVersion.MQTTv311 if old else MQTTProtocolVersion.MQTTv5
                return silence(self._where)
        return None

    def _note_unanswered(self) -> None:
        """RabbitMQ before 3.13 ends an MQTT 5 connection without an answer; so does a balancer with nothing behind it.

        Twice running, and 3.1.1 is tried; once, and MQTT 5 again.
        """
        if self._accepted or self._refused is not None or self._said:
            self._unanswered = 0
            return
        self._unanswered += 1
        if self._unanswered >= UNANSWERED and not self._only_311:
            self._version, self._unanswered = MQTTProtocolVersion.MQTTv311, 0
        elif not self._only_311:
            self._version = MQTTProtocolVersion.MQTTv5

    def _step(self, client: Client, *, read: bool) -> bool:
        """Write what waits, read what came, keep alive; False once the connection is over. Under the lock."""
        if client.want_write() and client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        if read and client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        return client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS and self._refused is None

    def _new_client(self) -> Client:
        b = self._broker
        v5 = self._version == MQTTProtocolVersion.MQTTv5
        client_id, user_name, password = b.login() if b.login else (b.client_id, "", "")
        client = QuickClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if v5 else True,
            protocol=self._version,
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._connect_s
        client.max_inflight_messages_set(_NO_LIMIT)  # the courier keeps the window; paho must not queue
        if b.tls:
            client.tls_set_context(show_certificate(*b.tls))
        if user_name:
            client.username_pw_set(user_name, password or None)
        if b.will:
            client.will_set(*b.will, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        client.enable_logger(_PahoLog(self._hear))
        return client

    # Called by paho in the network thread, under the lock

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refuse(reason)
            return
        if self._broker.subscribe:
            client.subscribe([(topic, 1) for topic in self._broker.subscribe])
        self._up = self._accepted = True
        v5 = self._version == MQTTProtocolVersion.MQTTv5
        self._window = getattr(properties, "ReceiveMaximum", _NO_LIMIT) if v5 else _WINDOW_311
        self._aliases = getattr(properties, "TopicAliasMaximum", 0) if v5 else 0
        self._known.clear()
        self._post(LinkUp("5" if v5 else "3.1.1", self._window))

    def _refuse(self, reason: ReasonCode) -> None:
        if reason.value != _UNSUPPORTED_VERSION or self._version != MQTTProtocolVersion.MQTTv5:
            self._refused = answered(str(reason), self._where)
            return
        self._version = MQTTProtocolVersion.MQTTv311
        self._only_311 = True
        self._refused = LinkError(
            self._where, found="it does not speak MQTT 5", wanted="MQTT 5 or 3.1.1", remedy="3.1.1 is tried next."
        )

    def _on_publish(
        self, client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        token = self._tokens.pop(mid, 0)
        if token:
            self._post(Acked(token, not reason.is_failure, str(reason), reason.value != _NO_SUBSCRIBERS))
        while self._held and len(self._tokens) < self._window:
            topic, payload, retain, held = self._held.popleft()
            self._send(client, topic, payload, 1, retain, held)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _p: Properties | None
    ) -> None:
        """A unit that is not heard by its own subscriptions would send for ever: a cluster in an election does that."""
        for topic, reason in zip(self._broker.subscribe, reasons, strict=False):
            if reason.is_failure:
                self._refused = unheard(topic, str(reason), self._where)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._post(Incoming(message.topic, bytes(message.payload)))

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._up = False
        if reason.is_failure and flags.is_disconnect_packet_from_server:
            self._refused = answered(str(reason), self._where)
        elif reason.is_failure and reason.value != _UNSPECIFIED and not self._said:
            self._said = str(reason)

    def _on_socket_close(self, _client: Client, _data: object, sock: object) -> None:
        """A broker that refuses our certificate says so and closes: a write that finds it closed must not hide that."""
        if isinstance(sock, ReadAhead) and isinstance(sock.under, ssl.SSLSocket):
            try:
                sock.under.recv(1)
            except (ssl.SSLWantReadError, ssl.SSLEOFError):
                return
            except ssl.SSLError as err:
                self._said = str(err)
            except OSError:
                return

    def _hear(self, error: str) -> None:
        self._said = error.removeprefix(_PAHOS_PREFIX)

    def _wake(self) -> None:
        with suppress(OSError):  # its buffer is full, so the thread will wake; or it has ended
            self._wake_out.send(b".")


class _PahoLog(logging.Logger):
    """paho's own log: its errors go to `hear`, for nowhere else does it tell why a socket failed; the rest is detail.

    Not Client.on_log: for that one paho writes out every line, properties and all, whether it is read or not.
    """

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__("paho")
        self._hear = hear

    def log(self, level: int, msg: object, *args: object, **_kwargs: object) -> None:
        """What paho calls."""
        if level >= logging.ERROR:
            self._hear(str(msg) % args)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("paho: %s", str(msg) % args)


class _Packed(Properties):
    """MQTT 5 properties of a message, packed once: paho's own `pack` goes through all 27 names at every publish."""

    def __init__(self, leaf: str, alias: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        if leaf == "event":
            self.ContentType = "application/cloudevents+json"
        if alias:
            self.TopicAlias = alias
        self.__dict__["packed"] = super().pack()  # type: ignore[no-untyped-call]  # paho leaves it untyped

    def pack(self) -> bytes:
        """What goes into the packet."""
        return bytes(self.__dict__["packed"])
