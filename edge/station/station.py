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

from edge import wire
from edge.clock import Quality, SystemClock
from edge.config import is_loopback
from edge.errors import ConfigError, DoorunitError, PartError
from edge.station import views
from edge.station.broker import Broker, open_broker
from edge.station.ca import Authority
from edge.station.desk import Desk
from edge.station.embedded import EmbeddedBroker
from edge.station.enrolapi import enrol_app
from edge.station.frames import FrameStore
from edge.station.hub import Hub
from edge.station.ledger import Ledger, Picture
from edge.station.mailbox import Mailbox
from edge.station.office import Habits, Office
from edge.station.orders import Orders
from edge.station.pageapi import Bench, page_app
from edge.station.postapi import post_routes
from edge.station.posts import Poster, Posts
from edge.station.receiver import News, Receiver
from edge.station.releaseapi import release_routes
from edge.station.releases import Releases
from edge.station.resident import resident_routes
from edge.station.server import Server, enrol_server, page_server, unit_server
from edge.station.teller import Teller
from edge.station.unitapi import unit_app

log = logging.getLogger(__name__)

Tls = tuple[str, str, str]
CONNECT_S = 10
POST_S = 20
LOOK_S = 2  # how soon the broker takes up what `doorunit station revoke` did beside it


class Ports(msgspec.Struct, frozen=True):
    """Where the station listens; 0 picks a free port. Units reach `host`, people `page_host`."""

    host: str = "127.0.0.1"
    names: tuple[str, ...] = ("localhost", "127.0.0.1")  # what units call it, for the certificate
    mqtt: int = 8883
    frames: int = 8443
    page: int = 8080
    enrol: int = 8444
    page_host: str = "127.0.0.1"  # elsewhere than on loopback the page is served with TLS


class Station:
    """Everything that receives. `bench`: the demo's simulated unit, or None. `embedded`: amqtt, in clear, loopback.

    open_: the page asks nobody to sign in; for a workshop bench, on loopback only. poster: where scheduled posts go.
    Raises ConfigError, PartError.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        embedded: bool = False,
        open_: bool = False,
        habits: Habits | None = None,
        poster: Poster | None = None,
    ) -> None:
        _require_bench(ports, open_=open_)
        self.ports = ports
        self._poster = poster
        self._folder = folder
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
            self.office = Office(self.ledger, open_=open_, habits=habits, enrolled=self._enrolled)
            self.broker: Broker
            if embedded:
                self.broker = EmbeddedBroker(ports.host, ports.mqtt)
            else:
                self.broker = open_broker(
                    folder / "broker", self.ca, host=ports.host, port=ports.mqtt, names=ports.names
                )
            self._closing.callback(self.broker.close)
            self.orders = Orders(self.ca, clock, self._tell)
            self.mailbox = Mailbox(clock)
            self._teller = Teller(
                self.ledger,
                self.orders.genuine,
                lambda: self.hub.listening,
                self._push,
                lambda: self._call(self.hub.close),
            )
            self._closing.callback(self._teller.close)
            self.receiver = self._receiver(clock)
            self._closing.callback(self.receiver.close)
            self.receiver.on_reply = self.orders.heard
            self.receiver.elsewhere, self.receiver.on_mqtt = self.mailbox.present, self.mailbox.leave
            self.mailbox.on_present = self._present
        except BaseException:  # whatever it was, what has been opened is closed
            self._closing.close()
            raise
        self.frames = FrameStore(folder / "frames", self.ledger, self.ca, clock, self._frame_came)
        self._clock = clock

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until `end`; `ready` is called once all servers listen. Closes everything in reverse."""
        self._loop = asyncio.get_running_loop()
        try:
            doorstep = resident_routes(self.ca, self.orders, self.office, self._clock)
            page = page_app(
                self.ledger, self.frames, self.hub, self._clock, self.bench, self.office, self.orders, doorstep
            )
            certificate, key = self.ca.server_files(self.ports.names)
            tls = (str(self.ca.ca_file), str(certificate), str(key))
            posts = post_routes(self.receiver, self.mailbox, self.desk)
            more = [*posts, *release_routes(Releases(self._folder / "releases"), self.desk)]
            self._servers = [
                page_server(page, self.ports.page_host, self.ports.page, None if self._on_loopback else tls[1:]),
                unit_server(unit_app(self.frames, self.desk, more), self.ports.host, self.ports.frames, tls),
                enrol_server(enrol_app(self.desk, self._clock), self.ports.host, self.ports.enrol, tls[1:]),
            ]
            for port in (self.ports.page, self.ports.frames, self.ports.enrol):
                _require_free(port)
            tasks = [asyncio.create_task(server.serve()) for server in self._servers]
            await asyncio.gather(*(server.up.wait() for server in self._servers))
            beside = [asyncio.create_task(self._look()), asyncio.create_task(self._post())]
            ready()
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in beside:
                    task.cancel()
        finally:
            await asyncio.to_thread(self._closing.close)

    async def _look(self) -> None:
        """Tell the broker of units that have been revoked, or enrolled again, by whatever process; miss silent ones."""
        told = await asyncio.to_thread(self.ca.known.verdicts)
        while True:
            await asyncio.sleep(LOOK_S)  # clock: a look at one file's date; no other process could wake this one
            await asyncio.to_thread(self.mailbox.look)
            with contextlib.suppress(DoorunitError):  # a garbled list is told by whoever reads it for a unit
                now = await asyncio.to_thread(self.ca.known.verdicts)
                if now != told:
                    await asyncio.to_thread(self.broker.refresh)
                    told = now

    def end(self) -> None:
        """Stop serving; in the asyncio loop's thread."""
        self.hub.close()
        self.mailbox.close()
        for server in self._servers:
            server.end()

    @property
    def page(self) -> str:
        """The page's address for people."""
        everywhere = self.ports.page_host in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on
        host = self.ports.names[-1] if everywhere else self.ports.page_host
        return f"http{'' if self._on_loopback else 's'}://{host}:{self.ports.page}/"

    @property
    def _on_loopback(self) -> bool:
        return is_loopback(self.ports.page_host)

    def _enrolled(self) -> dict[str, str]:
        return {unit: known.issued for unit, known in self.ca.known.units().items() if not known.revoked}

    async def _post(self) -> None:
        """What goes out by schedule; not while nobody knows what day it is."""
        if self._poster is None:
            return
        posts = Posts(self.office, self._poster)
        while True:
            now = self._clock.read()
            if now.clock is not Quality.UNSYNCED:
                try:
                    await asyncio.to_thread(posts.tick, now.wall_ns)
                except DoorunitError as err:
                    log.error("scheduled posts: %s", err)  # noqa: TRY400 - the sentence says it all
            await asyncio.sleep(POST_S)  # clock: posts are due at minutes, and tick is given the time

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

    def _tell(self, topic: str, payload: bytes) -> None:
        """A command, by whichever way its unit is here; it obeys once."""
        self.receiver.publish(topic, payload)
        self.mailbox.put(topic.split("/")[2], payload)

    def _present(self, unit: str, present: bool) -> None:
        self.receiver.told(unit, "online", wire.to_json({"online": present}))

    # From other threads to the pages

    def _news(self, news: News) -> None:
        self.news.set()
        self._teller.tell(news)

    def _frame_came(self, picture: Picture) -> None:
        self._push([("frame", views.picture(picture))])

    def _push(self, messages: Sequence[tuple[str, object]]) -> None:
        for event, data in messages:
            self._call(self.hub.push, event, data)

    def _call(self, act: Callable[..., None], *args: object) -> None:
        if self._loop is not None:  # else nobody can listen yet; a page that comes later reads the ledger
            self._loop.call_soon_threadsafe(act, *args)


def _require_bench(ports: Ports, *, open_: bool) -> None:
    if open_ and not is_loopback(ports.page_host):
        raise ConfigError(
            "--open",
            found=f"a page on {ports.page_host}",
            wanted="a page on 127.0.0.1: whoever reaches an open page sees all pictures",
            remedy="Leave --open out, and make accounts: doorunit station people add NAME --role worker",
        )


def _require_free(port: int) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as err:
            raise PartError(
                f"port {port}", found=err.strerror or err, wanted="a free port", remedy="Choose another; see --help."
            ) from err
