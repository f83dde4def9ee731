"""One station: broker, authority, ledger, receiver, and the servers, opened together and closed in reverse."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from edge.clock import SystemClock
from edge.errors import DoorunitError, PartError
from edge.station import views
from edge.station.broker import Broker, open_broker
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.embedded import EmbeddedBroker
from edge.station.enrolapi import enrol_app
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger, Picture
from edge.station.orders import Orders
from edge.station.pageapi import Bench, page_app
from edge.station.receiver import News, Receiver
from edge.station.server import Server, enrol_server, page_server, unit_server
from edge.station.unitapi import unit_app

log = logging.getLogger(__name__)

Tls = tuple[str, str, str]
CONNECT_S = 10
LOOK_S = 2  # how soon the broker takes up what `doorunit station revoke` did beside it


class Ports(msgspec.Struct, frozen=True):
    """Where the station listens; 0 picks a free port. Units reach `host`, the page is on loopback."""

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ("localhost", "127.0.0.1")  # what units call it, for the certificate
    mqtt: int = 8883
    frames: int = 8443
    page: int = 8080
    enrol: int = 8444


class Station:
    """Everything that receives. `bench`: the demo's simulated unit, or None. `embedded`: amqtt, in clear, loopback."""

    def __init__(self, folder: Path, ports: Ports, *, embedded: bool = False) -> None:
        self.ports = ports
        self.hub = Hub()
        self.bench: Bench | None = None
        self.news = threading.Event()  # set whenever a unit has said something, after it is in the ledger
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Server] = []
        self._closing = ExitStack()
        clock = SystemClock()
        try:
            self.ca = Authority.open(folder / "ca", clock)
            self.desk = Desk(folder / "enrol", self.ca, clock)
            self.ledger = Ledger(folder)
            self._closing.callback(self.ledger.close)
            self.broker: Broker
            if embedded:
                self.broker = EmbeddedBroker(ports.host, ports.mqtt)
            else:
                self.broker = open_broker(
                    folder / "broker", self.ca, host=ports.host, port=ports.mqtt, names=ports.names
                )
            self._closing.callback(self.broker.close)
            self.orders = Orders(self.ca, clock, lambda topic, payload: self.receiver.publish(topic, payload))
            self.receiver = self._receiver(clock)
            self._closing.callback(self.receiver.close)
            self.receiver.on_reply = self.orders.heard
        except BaseException:  # whatever it was, what has been opened is closed
            self._closing.close()
            raise
        self.frames = FrameStore(folder / "frames", self.ledger, self.ca, clock, self._frame_came)
        self._clock = clock

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until `end`; `ready` is called once all servers listen. Closes everything in reverse."""
        self._loop = asyncio.get_running_loop()
        try:
            page = page_app(self.ledger, self.frames, self.hub, self._clock, self.bench, self.orders)
            certificate, key = self.ca.server_files(self.ports.names)
            tls = (str(self.ca.ca_file), str(certificate), str(key))
            self._servers = [
                page_server(page, "127.0.0.1", self.ports.page),
                unit_server(unit_app(self.frames, self.desk), self.ports.host, self.ports.frames, tls),
                enrol_server(enrol_app(self.desk, self._clock), self.ports.host, self.ports.enrol, tls[1:]),
            ]
            for port in (self.ports.page, self.ports.frames, self.ports.enrol):
                _require_free(port)
            tasks = [asyncio.create_task(server.serve()) for server in self._servers]
            await asyncio.gather(*(server.up.wait() for server in self._servers))
            looking = asyncio.create_task(self._look())
            ready()
            try:
                await asyncio.gather(*tasks)
            finally:
                looking.cancel()
        finally:
            await asyncio.to_thread(self._closing.close)

    async def _look(self) -> None:
        """Tell the broker of units that have been revoked, or enrolled again, by whatever process."""
        told = await asyncio.to_thread(self.ca.known.verdicts)
        while True:
            await asyncio.sleep(LOOK_S)  # clock: a look at one file's date; no other process could wake this one
            with contextlib.suppress(DoorunitError):  # a garbled list is told by whoever reads it for a unit
                now = await asyncio.to_thread(self.ca.known.verdicts)
                if now != told:
                    await asyncio.to_thread(self.broker.refresh)
                    told = now

    def end(self) -> None:
        """Stop serving; in the asyncio loop's thread."""
        self.hub.close()
        for server in self._servers:
            server.end()

    def _receiver(self, clock: SystemClock) -> Receiver:
        certificate, key = self.ca.client_files()
        return Receiver(
            self.ledger,
            clock,
            self._news,
            host="localhost" if self.broker.tls else self.broker.host,
            port=self.broker.port,
            tls=(str(self.ca.ca_file), str(certificate), str(key)) if self.broker.tls else None,
            v5=self.broker.kind == "mosquitto",
        )

    # From other threads to the pages

    def _news(self, news: News) -> None:
        self.news.set()
        entries = [
            views.entry(self.ledger, stored, self.orders.genuine) for stored in self.ledger.numbered(news.records)
        ]
        entries += [
            entry for new in list(entries) if new["kind"] == "anchor" for entry in views.mended(self.ledger, new)
        ]
        doors = [views.door(self.ledger, unit) for unit in sorted(news.units)]
        self._push([("record", entry) for entry in entries] + [("door", door) for door in doors if door])

    def _frame_came(self, picture: Picture) -> None:
        self._push([("frame", views.picture(picture))])

    def _push(self, messages: Sequence[tuple[str, object]]) -> None:
        if self._loop is None:
            return  # nobody can listen yet; a page that comes later reads the ledger
        for event, data in messages:
            self._loop.call_soon_threadsafe(self.hub.push, event, data)


def _require_free(port: int) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as err:
            raise PartError(
                f"port {port}", found=err.strerror or err, wanted="a free port", remedy="Choose another; see --help."
            ) from err
