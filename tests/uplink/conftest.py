"""A real broker with TLS, a unit that it knows, and links whose facts can be waited for."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from edge.clock import Clock, SystemClock
from edge.identity import Identity
from edge.parts import Fact
from edge.station.broker import open_broker
from edge.station.ca import Authority
from edge.station.ledger import Ledger
from edge.uplink.mqtt import Broker, MqttLink
from edge.uplink.talk import Server
from tests.station.talker import Client
from tests.uplink import webside

WITHIN_S = 15
UNIT = "unit-a"
F = TypeVar("F", bound=Fact)
Tls = tuple[str, str, str]


def files(who: Identity) -> Tls:
    return str(who.ca_file), str(who.cert_file), str(who.key_file)


class Line(MqttLink):
    """An MqttLink whose facts wait in a queue."""

    def __init__(self, broker: Broker, clock: Clock, connect_s: float) -> None:
        self.facts: queue.Queue[object] = queue.Queue()
        super().__init__(broker, self.facts.put, clock, connect_s)

    def next(self, kind: type[F], within_s: float = WITHIN_S) -> F:
        """The next fact, which must be of this kind."""
        fact = self.facts.get(timeout=within_s)
        assert type(fact) is kind, fact
        return fact

    def dial(self, kind: type[F]) -> F:
        """Connect, and the answer to that."""
        self.connect()
        return self.next(kind)


Dial = Callable[..., Line]


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uplink")


@pytest.fixture(scope="package")
def ca(home: Path) -> Authority:
    return Authority.open(home / "ca")


@pytest.fixture(scope="package")
def unit(home: Path, ca: Authority) -> Identity:
    return ca.issue(UNIT, home / UNIT)


@pytest.fixture(scope="package")
def broker(home: Path, ca: Authority) -> Iterator[Any]:
    with closing(open_broker(home / "broker", ca)) as opened:
        yield opened


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Any]:
    """A mosquitto of this test's own, in clear."""
    with closing(open_broker(tmp_path / "broker", None)) as opened:
        yield opened


@pytest.fixture
def station(ca: Authority, broker: Any) -> Iterator[Client]:
    """An independent receiver of everything."""
    with closing(Client(broker, "station", files=(ca.ca_file, *ca.client_files())).up("door/v1/#")) as client:
        yield client


@pytest.fixture
def line(unit: Identity, broker: Any) -> Iterator[Dial]:
    """Make links of the unit to the TLS broker, or to wherever else a test says."""
    made: list[Line] = []
    to = Broker(
        host="localhost",
        port=broker.port,
        client_id=UNIT,
        keepalive_s=20,
        tls=files(unit),
        subscribe=(f"door/v1/{UNIT}/receipt",),
        will=(f"door/v1/{UNIT}/online", b'{"online":false}'),
    )

    def make(clock: Clock | None = None, connect_s: float = 10.0, **changes: object) -> Line:
        made.append(Line(msgspec.structs.replace(to, **changes), clock or SystemClock(assume_synced=True), connect_s))
        return made[-1]

    yield make
    for link in made:
        link.close()


class Rogue:
    """Something that listens in clear and does with each connection what `act` does, in a thread of its own."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._act = act
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._open.append(connection)
                with suppress(OSError):
                    self._act(connection)

    def close(self) -> None:
        for each in (self._server, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(WITHIN_S)


@pytest.fixture
def rogue() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Start something else than a broker; its port."""
    made: list[Rogue] = []

    def start(act: Callable[[socket.socket], None]) -> int:
        made.append(Rogue(act))
        return made[-1].port

    yield start
    for each in made:
        each.close()


# --- by HTTPS


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def web_ledger(tmp_path: Path, opened: ExitStack) -> Ledger:
    return opened.enter_context(closing(Ledger(tmp_path / "ledger")))


@pytest.fixture(scope="package")
def served(home: Path, ca: Authority) -> Iterator[webside.Side]:
    with closing(Ledger(home / "ledger")) as ledger, closing(webside.Side(home / "side", ledger, ca)) as opened:
        yield opened


@pytest.fixture
def web_side(served: webside.Side, web_ledger: Ledger) -> webside.Side:
    served.office.begin(web_ledger)
    served.mailbox.leave(UNIT)
    return served


@pytest.fixture
def web_line(unit: Identity, opened: ExitStack) -> webside.Dial:
    def make(
        port: int, *, name: str = UNIT, clock: Any = None, host: str = "localhost", **changes: Any
    ) -> webside.Line:
        server = Server(f"https://{host}:{port}", files(unit), **{"answer_s": WITHIN_S, **changes})
        return opened.enter_context(closing(webside.Line(server, name, clock or SystemClock(assume_synced=True), 20)))

    return make


@pytest.fixture
def played(ca: Authority, opened: ExitStack) -> webside.Play:
    def make(answer: Callable[[str, str, bytes], bytes | None]) -> webside.Played:
        return opened.enter_context(closing(webside.Played(ca, answer)))

    return make
