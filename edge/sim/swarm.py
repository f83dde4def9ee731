"""Thousands of MQTT connections in one thread: one epoll, a paho client each, and not one blocking call.

Each is a parts.Link of its own. Only for many units played at once: a unit on a Pi has uplink.mqtt's.
"""

import os
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.clock import SECOND
from edge.errors import LinkError
from edge.loop import Loop
from edge.parts import Acked, Fact, Incoming, LinkDown, LinkUp
from edge.uplink.client import ReadAhead

CONNECT_NS = 10 * SECOND  # TCP, TLS and CONNACK together
CARE_NS = 5 * SECOND  # how often a connection's keep-alive is looked after
_AT_ONCE_MS = 5  # the longest wait in epoll while others may post
_NO_LIMIT = 65_535


class Door(msgspec.Struct, frozen=True):
    """Where all of them connect. `contexts`: by unit, its certificate, loaded beforehand; None without TLS."""

    host: str
    port: int
    keepalive_s: int
    contexts: Mapping[str, ssl.SSLContext] | None = None


class Swarm:
    """The epoll. `turn` belongs into the same thread as the loop's."""

    def __init__(self, loop: Loop, door: Door) -> None:
        self.loop = loop
        self.door = door
        self.bytes_out = self.bytes_in = 0
        self.address = socket.getaddrinfo(door.host, door.port, type=socket.SOCK_STREAM)[0]
        self._epoll = select.epoll()
        self._links: dict[int, SwarmLink] = {}

    def run(self, until: Callable[[], bool]) -> None:
        """Turn loop and sockets until `until()`."""
        while not until():
            wait_ns = self.loop.turn()
            wait_ms = _AT_ONCE_MS if wait_ns is None else min(_AT_ONCE_MS, wait_ns / 1_000_000)
            for fd, events in self._epoll.poll(wait_ms / 1000, 512):
                link = self._links.get(fd)
                if link is not None:  # else an earlier one of this batch ended it
                    link.ready(events)

    def watch(self, fd: int, link: "SwarmLink", *, write: bool) -> None:
        """From now on for reading, and for writing where asked."""
        mask = select.EPOLLIN | (select.EPOLLOUT if write else 0)
        if self._links.get(fd) is link:
            self._epoll.modify(fd, mask)
        else:
            self._epoll.register(fd, mask)
        self._links[fd] = link

    def leave(self, fd: int, link: "SwarmLink") -> None:
        """No more; safe to repeat. Paho may have closed the socket, and another link may have its number by now."""
        if self._links.get(fd) is link:
            del self._links[fd]
            with suppress(OSError):
                self._epoll.unregister(fd)

    def close(self) -> None:
        """End every connection without a word."""
        for link in list(self._links.values()):
            link.drop()
        self._epoll.close()


class SwarmLink:
    """parts.Link. Facts go to `post`, through the loop's inbox."""

    def __init__(
        self,
        swarm: Swarm,
        unit: str,
        subscribe: tuple[str, ...],
        will: tuple[str, bytes],
        post: Callable[[Fact], None],
    ) -> None:
        self._swarm = swarm
        self._unit = unit
        self._subscribe = subscribe
        self._will = will
        self._post = post
        self._sock: socket.socket | None = None
        self._fd = -1
        self._watched: bool | None = None  # whether for writing too; None: not watched
        self._shaking = False  # TLS
        self._client: _Given | None = None
        self._up = False
        self._window = _NO_LIMIT
        self._tokens: dict[int, int] = {}
        self._held: deque[tuple[str, bytes, bool, int]] = deque()
        self._number = 0  # of the connection: an alarm of an earlier one is void

    def connect(self) -> None:
        """Begin to connect; answered by LinkUp or LinkDown."""
        family, kind, proto, _, address = self._swarm.address
        sock = socket.socket(family, kind, proto)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock, self._fd, self._client, self._shaking = sock, sock.fileno(), None, False
        self._number += 1
        number = self._number
        self._swarm.loop.after(CONNECT_NS, lambda: self._too_late(number))
        with suppress(BlockingIOError):
            error = sock.connect_ex(address)
            if error not in (0, 115):  # EINPROGRESS
                self._end(os.strerror(error))
                return
        self._watch(write=True)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, token: int = 0) -> bool:
        """Hand a message to the socket now; False where there is no connection."""
        if not self._up or self._client is None:
            return False
        if qos and len(self._tokens) >= self._window:
            self._held.append((topic, payload, retain, token))
            return True
        return self._send(self._client, topic, payload, qos, retain, token)

    def abandon(self) -> None:
        """End it as if it had broken; LinkDown follows."""
        self._end("given up")

    def drop(self) -> None:
        """The power is gone: nothing is said to the broker, and no fact follows."""
        self._number += 1
        self._up = False
        self._leave()

    def close(self) -> None:
        """Say good-bye; safe to repeat."""
        if self._client is not None and self._up:
            self._client.disconnect()
        self.drop()

    # What epoll says

    def ready(self, events: int) -> None:
        """The socket can be read or written."""
        if self._client is not None:
            self._turn(self._client, events)
            return
        assert self._sock is not None  # noqa: S101 - it is watched
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._end(os.strerror(error))
        elif self._swarm.door.contexts is None:
            self._speak()
        else:
            self._shake(self._swarm.door.contexts[self._unit])

    def _shake(self, context: ssl.SSLContext) -> None:
        if not self._shaking:
            assert self._sock is not None  # noqa: S101 - as above
            try:
                self._sock = context.wrap_socket(
                    self._sock, server_hostname=self._swarm.door.host, do_handshake_on_connect=False
                )
            except OSError as err:
                self._end(str(err))
                return
            self._shaking = True
        sock = self._sock
        assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 - wrapped above
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(write=False)
        except ssl.SSLWantWriteError:
            self._watch(write=True)
        except OSError as err:
            self._end(str(err))
        else:
            self._speak()

    def _speak(self) -> None:
        assert self._sock is not None  # noqa: S101 - it is connected
        client = _Given(self._sock, self._unit)
        client.max_inflight_messages_set(_NO_LIMIT)
        client.will_set(*self._will, qos=1, retain=True)
        client.on_connect, client.on_publish = self._on_connect, self._on_publish
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect
        self._client = client
        door = self._swarm.door
        client.connect(door.host, door.port, door.keepalive_s)
        self._rest(client)
        number = self._number
        self._swarm.loop.after(CARE_NS, lambda: self._care(number))

    def _turn(self, client: "_Given", events: int) -> None:
        going = True
        if events & select.EPOLLOUT:
            going = client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS
        if going and events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            going = self._read(client)
        if self._client is not client:
            return
        if going:
            self._rest(client)
        else:
            self._end("the connection ended")

    def _read(self, client: "_Given") -> bool:
        while client.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if self._client is not client:
                return True
            if client.given.fileno() < 0 or not client.given.pending():
                return client.given.fileno() >= 0
        return False

    def _rest(self, client: "_Given") -> None:
        """Wait for what is to be waited for."""
        sock = self._sock
        if sock is None or sock.fileno() < 0:
            self._end("the connection ended")
            return
        self._watch(write=bool(client.want_write()))

    def _care(self, number: int) -> None:
        client = self._client
        if number != self._number or client is None:
            return
        if client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end("nothing was answered")
            return
        self._rest(client)
        self._swarm.loop.after(CARE_NS, lambda: self._care(number))

    def _too_late(self, number: int) -> None:
        if number == self._number and not self._up:
            self._end("no answer in time")

    def _send(self, client: "_Given", topic: str, payload: bytes, qos: int, retain: bool, token: int) -> bool:
        info = client.publish(topic, payload, qos, retain)
        sent = info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN)
        if qos and sent:
            self._tokens[info.mid] = token
        if self._client is client:
            self._rest(client)
        return sent

    def _end(self, why: str) -> None:
        """Once for each connection: it is over, and the courier is told."""
        if self._sock is None:
            return
        self._number += 1
        self._up = False
        self._leave()
        door = self._swarm.door
        error = LinkError(f"{door.host}:{door.port}", found=why, wanted="a connection", remedy="It is tried again.")
        self._tell(LinkDown(error))

    def _leave(self) -> None:
        sock, self._sock, self._client = self._sock, None, None
        self._tokens.clear()
        self._held.clear()
        if sock is not None:
            self._swarm.leave(self._fd, self)
            self._watched = None
            sock.close()

    def _watch(self, *, write: bool) -> None:
        if self._watched != write:
            self._watched = write
            self._swarm.watch(self._fd, self, write=write)

    def _tell(self, fact: Fact) -> None:
        self._swarm.loop.call(self._post, fact)

    # What paho says

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._swarm.loop.call(self._end, str(reason))
            return
        client.subscribe([(topic, 1) for topic in self._subscribe])
        self._up = True
        self._window = getattr(properties, "ReceiveMaximum", _NO_LIMIT)
        self._tell(LinkUp("5", self._window))

    def _on_publish(
        self, client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        token = self._tokens.pop(mid, 0)
        if token:
            self._tell(Acked(token, not reason.is_failure, str(reason)))
        while self._held and len(self._tokens) < self._window and self._client is client:
            topic, payload, retain, held = self._held.popleft()
            self._send(self._client, topic, payload, 1, retain, held)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._tell(Incoming(message.topic, bytes(message.payload)))

    def _on_disconnect(
        self, client: Client, _data: object, _flags: DisconnectFlags, reason: ReasonCode, _p: Properties | None
    ) -> None:
        if self._client is client:
            self._swarm.loop.call(self._end, str(reason))


class _Given(Client):
    """A paho client on a socket that is connected already: its own way of connecting blocks."""

    def __init__(self, sock: socket.socket, unit: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=unit,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self.given = ReadAhead(sock)

    def _create_socket(self) -> ReadAhead:
        return self.given
