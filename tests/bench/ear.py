"""An MQTT 3.1.1 subscriber on a bare socket: notes when each message arrived, and gives receipts like a platform.

It owes nothing to paho or to doorunit, so that what it measures is not measured with the thing itself.
"""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from beat import now_ns

# Not door/v1/#: it would hear its own receipts. The third is mqtt-io's, the last one ThingsBoard's gateway's.
TOPICS = (b"door/v1/+/event", b"door/v1/+/online", b"door/v1/+/input/+", b"v1/gateway/#")
_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _DISCONNECT = 0x10, 0x30, 0x40, 0x82, 0xE0  # MQTT 3.1.1, table 2.1


class Heard(NamedTuple):
    """One message, and when the kernel gave it to this process."""

    topic: str
    arrived_ns: int
    payload: bytes


class Ear:
    """Subscribed to TOPICS at QoS 1 from its making until `close`; tls: CA, certificate and key as file paths."""

    def __init__(self, port: int, tls: tuple[str, str, str] | None = None) -> None:
        self.heard: list[Heard] = []
        self._owed: dict[tuple[str, str], list[int]] = {}
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        if tls:
            context = ssl.create_default_context(cafile=tls[0])
            context.load_cert_chain(*tls[1:])
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send(_CONNECT, _text(b"MQTT") + b"\x04\x02\x00\x00" + _text(b"station"))  # clean session, no keep-alive
        self._send(_SUBSCRIBE, b"\x00\x01" + b"".join(_text(topic) + b"\x01" for topic in TOPICS))
        self._subscribed = threading.Event()
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if not self._subscribed.wait(10):
            raise RuntimeError(f"ear on port {port}: no SUBACK within 10 s")

    def wait(self, wanted: Callable[[Heard], bool], count: int, within_s: float) -> list[Heard]:
        """All that are wanted, once there are `count`. Raises RuntimeError where fewer come within that time."""
        deadline_s = time.monotonic() + within_s
        while True:
            found = [one for one in list(self.heard) if wanted(one)]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline_s:
                topics = sorted({one.topic for one in self.heard})
                raise RuntimeError(f"{len(found)} messages of {count} within {within_s} s; heard {topics}")
            time.sleep(0.01)

    def close(self) -> None:
        """Leave the broker."""
        with suppress(OSError):  # the broker may be quicker to end it
            self._send(_DISCONNECT, b"")
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = self._socket.recv(65_536)
            except OSError:
                return
            arrived_ns = now_ns()
            if not data:
                return
            rest += data
            with suppress(OSError):  # it ended while this was on its way
                while (packet := _packet(rest)) is not None:
                    kind, body, rest = packet
                    self._take(kind, body, arrived_ns)
                self._receipts()

    def _take(self, kind: int, body: bytes, arrived_ns: int) -> None:
        if kind & 0xF0 != _PUBLISH:
            if kind == 0x90:  # SUBACK
                self._subscribed.set()
            return
        end = 2 + int.from_bytes(body[:2])
        topic, body = body[2:end].decode(), body[end:]
        if kind & 0x06:
            self._send(_PUBACK, body[:2])
            body = body[2:]
        self.heard.append(Heard(topic, arrived_ns, body))
        if topic.endswith("/event") and body.startswith(b'{"id"'):
            record = json.loads(body)["data"]["record"]
            self._owed.setdefault((topic, record["epoch"]), []).append(record["seq"])

    def _receipts(self) -> None:
        """One for all that came at once, as a station gives it for what it has committed together."""
        for (topic, epoch), seqs in self._owed.items():
            stored: list[list[int]] = []
            for seq in seqs:
                if stored and stored[-1][1] + 1 == seq:
                    stored[-1][1] = seq
                else:
                    stored.append([seq, seq])
            to = topic.removesuffix("event") + "receipt"
            told = json.dumps({"epoch": epoch, "stored": stored})
            self._send(_PUBLISH | 0x02, _text(to.encode()) + b"\x00\x07" + told.encode())
        self._owed.clear()

    def _send(self, kind: int, body: bytes) -> None:
        length, head = len(body), bytes([kind])
        while True:
            length, digit = divmod(length, 128)
            head += bytes([digit | (0x80 if length else 0)])
            if not length:
                break
        self._socket.sendall(head + body)


def _text(raw: bytes) -> bytes:
    return struct.pack(">H", len(raw)) + raw


def _packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """(first byte, body, what follows) of the first packet in `data`; None where it is not whole yet."""
    length = 0
    for i in range(1, 5):
        if len(data) <= i:
            return None
        length |= (data[i] & 0x7F) << 7 * (i - 1)
        if not data[i] & 0x80:
            whole = i + 1 + length
            return (data[0], data[i + 1 : whole], data[whole:]) if len(data) >= whole else None
    raise RuntimeError("ear: a packet whose length takes more than 4 bytes")
