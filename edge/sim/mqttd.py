"""A small MQTT broker, 5 and 3.1.1, QoS 0 and 1, over TLS: the shipped fake platform's, so that it can be wrong.

Whether a client may, what is kept and what is passed on are asked of its owner. Nothing is queued for who is away.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
BAD_VERSION_311, NOT_AUTHORIZED_311, NOT_AUTHORIZED = 1, 5, 0x87
_BACKLOG = 64
_GREET_S = 5.0  # for a handshake; who says nothing must not keep a thread


class Manners(msgspec.Struct, kw_only=True):
    """How the broker behaves."""

    speaks_5: bool = True
    retains: bool = True
    wills: bool = True
    admits: bool = True
    may: Callable[[str, str], bool] = lambda _name, _topic: True  # (common name, topic) -> may it write or read


class Session:
    """One client, in a thread of its own. name: its certificate's common name, "" where it showed none."""

    def __init__(self, broker: "Mqttd", sock: ssl.SSLSocket) -> None:
        self._broker = broker
        self._sock = sock
        self._lock = threading.Lock()
        self.name = _common_name(sock)
        self.topics: list[str] = []
        self.v5 = False
        self._will: tuple[str, bytes, bool] | None = None
        self._next = 0

    def serve(self) -> None:
        """Until the client goes. A connection that breaks leaves its will."""
        with suppress(OSError, EOFError, struct.error, IndexError):
            if self._greet(*self._packet()):
                while self._step(*self._packet()):
                    pass
                self._will = None
        self._broker.leave(self, self._will)
        with suppress(OSError):
            self._sock.close()

    def tell(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """A message for this client, QoS 1."""
        self._next = self._next % 65_535 + 1
        head = _text(topic) + struct.pack(">H", self._next) + (b"\0" if self.v5 else b"")
        self._send(PUBLISH << 4 | 2 | retained, head + payload)

    def end(self) -> None:
        """Put it off."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _greet(self, kind: int, _flags: int, body: bytes) -> bool:
        if kind != CONNECT:
            return False
        self.v5, flags, at = body[6] == 5, body[7], 10
        if self.v5 and not self._broker.manners.speaks_5:
            self._send(CONNACK << 4, bytes((0, BAD_VERSION_311)))
            return False
        if not self._broker.manners.admits:
            self._send(CONNACK << 4, bytes((0, NOT_AUTHORIZED, 0) if self.v5 else (0, NOT_AUTHORIZED_311)))
            return False
        at = _after_properties(body, at) if self.v5 else at
        _, at = _string(body, at)
        if flags & 4:
            at = _after_properties(body, at) if self.v5 else at
            topic, at = _string(body, at)
            payload, at = _string(body, at)
            self._will = (topic.decode(), payload, bool(flags & 0x20))
        self._broker.enter(self)
        self._send(CONNACK << 4, bytes((0, 0)) + self._properties())
        return True

    def _properties(self) -> bytes:
        if not self.v5:
            return b""
        return b"\0" if self._broker.manners.retains else bytes((2, 0x25, 0))

    def _step(self, kind: int, flags: int, body: bytes) -> bool:
        if kind == PUBLISH:
            self._published(flags, body)
        elif kind == SUBSCRIBE:
            self._subscribed(body)
        elif kind == PINGREQ:
            self._send(PINGRESP << 4, b"")
        return kind != DISCONNECT

    def _published(self, flags: int, body: bytes) -> None:
        topic, at = _string(body, 0)
        qos = flags >> 1 & 3
        mid, at = (body[at : at + 2], at + 2) if qos else (b"", at)
        at = _after_properties(body, at) if self.v5 else at
        allowed = self._broker.manners.may(self.name, topic.decode())
        if qos:  # 3.1.1 has no word for no: it acknowledges what it throws away
            self._send(PUBACK << 4, mid + (b"" if allowed or not self.v5 else bytes((NOT_AUTHORIZED,))))
        if allowed:
            self._broker.take(topic.decode(), body[at:], retain=bool(flags & 1), session=self)

    def _subscribed(self, body: bytes) -> None:
        mid, at = body[:2], 2
        at = _after_properties(body, at) if self.v5 else at
        codes, topics = b"", []
        while at < len(body):
            topic, at = _string(body, at)
            at += 1
            topics.append(topic.decode())
            codes += b"\x01"  # as mosquitto: granted, and nothing that is not allowed comes of it
        self.topics += topics
        self._send(SUBACK << 4, mid + (b"\0" if self.v5 else b"") + codes)
        self._broker.remember(self, topics)

    def _packet(self) -> tuple[int, int, bytes]:
        first = self._read(1)[0]
        size, shift = 0, 0
        while True:
            byte = self._read(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return first >> 4, first & 15, self._read(size)

    def _read(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = self._sock.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def _send(self, first: int, body: bytes) -> None:
        size, head = len(body), bytes((first,))
        while True:
            size, byte = size >> 7, size & 127
            head += bytes((byte | 128 if size else byte,))
            if not size:
                break
        with suppress(OSError), self._lock:
            self._sock.sendall(head + body)


class Mqttd:
    """Listens on a port of loopback from its making until `close`. `on_message` is called in the sender's thread."""

    def __init__(
        self, context: ssl.SSLContext, manners: Manners, on_message: Callable[[str, str, bytes], None]
    ) -> None:
        self.manners = manners
        self._on_message = on_message
        self._context = context
        self._sessions: list[Session] = []
        self._kept: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []
        self._door = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.port = int(self._door.getsockname()[1])
        self._thread = threading.Thread(target=self._listen, name="mqttd", daemon=True)
        self._thread.start()

    def publish(self, topic: str, payload: bytes) -> None:
        """To whoever subscribed and may read it."""
        for session in self._listeners(topic):
            session.tell(topic, payload, retained=False)

    def put_off(self, name: str) -> None:
        """End the connections of this common name."""
        for session in [each for each in self._sessions if each.name == name]:
            session.end()

    def close(self) -> None:
        """Listen no more and put everybody off; safe to repeat."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for session in list(self._sessions):
            session.end()
        for thread in (self._thread, *self._threads):
            thread.join(5)

    # For sessions

    def enter(self, session: Session) -> None:
        """It is connected."""
        with self._lock:
            self._sessions.append(session)

    def leave(self, session: Session, will: tuple[str, bytes, bool] | None) -> None:
        """It is gone."""
        with self._lock:
            if session not in self._sessions:
                return
            self._sessions.remove(session)
        if will is not None and self.manners.wills:
            self.take(will[0], will[1], retain=will[2], session=session)

    def take(self, topic: str, payload: bytes, *, retain: bool, session: Session) -> None:
        """It said this, and may."""
        if retain and self.manners.retains:
            with self._lock:
                self._kept[topic] = payload
        self.publish(topic, payload)
        self._on_message(session.name, topic, payload)

    def remember(self, session: Session, topics: list[str]) -> None:
        """Tell it what is kept of these."""
        with self._lock:
            kept = [
                (topic, payload) for topic, payload in self._kept.items() if any(_fits(one, topic) for one in topics)
            ]
        for topic, payload in kept:
            if self.manners.may(session.name, topic):
                session.tell(topic, payload, retained=True)

    def _listeners(self, topic: str) -> list[Session]:
        with self._lock:
            found = [each for each in self._sessions if any(_fits(one, topic) for one in each.topics)]
        return [each for each in found if self.manners.may(each.name, topic)]

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._door.accept()
                thread = threading.Thread(target=self._welcome, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _welcome(self, sock: socket.socket) -> None:
        sock.settimeout(_GREET_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tls = self._context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        tls.settimeout(None)
        Session(self, tls).serve()


def _common_name(sock: ssl.SSLSocket) -> str:
    peer: dict[str, Any] = dict(sock.getpeercert() or {})
    return next((str(value) for rdn in peer.get("subject", ()) for key, value in rdn if key == "commonName"), "")


def _fits(wanted: str, topic: str) -> bool:
    """Whether a subscription covers a topic."""
    ours, theirs = wanted.split("/"), topic.split("/")
    for n, word in enumerate(ours):
        if word == "#":
            return True
        if n >= len(theirs) or word not in ("+", theirs[n]):
            return False
    return len(ours) == len(theirs)


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + size], at + 2 + size


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _after_properties(body: bytes, at: int) -> int:
    size, shift = 0, 0
    while True:
        byte = body[at]
        at += 1
        size |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return at + size
