"""A release over a bad link: it goes on where it broke, and whoever sends other bytes is not believed."""

import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.ota import fetch
from deploy.ota.fetch import Later, Way, download, offer
from deploy.ota.manifest import Manifest, Refusal
from deploy.ota.settings import Settings
from edge.station.ca import Authority
from tests.deploy import shop
from tests.deploy.shop import Quick

DATA = random.Random(7).randbytes(3_000_000)
TOLD = shop.told(5, DATA, unpacked=0)
WHOLE = f"{TOLD.sha256}.deb"


class Station(ThreadingHTTPServer):
    """A server that does as it is told. `script`: what becomes of each request, then `last` of all others."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.data = DATA
        self.offer = b""
        self.script: list[str] = []
        self.last = "serve"
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A client that went away."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Station

    def do_GET(self) -> None:
        station, first = self.server, 0
        how = station.script.pop(0) if station.script else station.last
        said = self.headers.get("Range", "")
        station.asked.append(said)
        if said and how != "ignore":
            first = int(said.removeprefix("bytes=").removesuffix("-"))
        status = {"404": 404, "500": 500, "416": 416}.get(how, 206 if first else 200)
        whole = station.offer if self.path.endswith(".json") else station.data
        body = whole[first:] if status in (200, 206) else b"no"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header(
                "Content-Range", f"bytes {first + (how == 'shift')}-{len(station.data)}/{len(station.data)}"
            )
        self.end_headers()
        self.wfile.write(body[:700_000] if how == "cut" else body[:10] if how == "dead" else body)
        if how in ("cut", "dead"):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def station(authority: Authority) -> Iterator[Station]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, authority.server_files()))
    with closing(Station(context)) as made:
        yield made


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def way(station: Station, authority: Authority, waits: list[float]) -> Way:
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    settings = Settings(url=f"https://localhost:{station.server_port}")
    return Way(settings, context, sleep=waits.append, dice=random.Random(1))


@pytest.fixture
def fetched(way: Way, tmp_path: Path) -> Callable[..., bytes]:
    def get(told: Manifest = TOLD, card: Quick | None = None) -> bytes:
        return download(way, told, tmp_path, card or Quick()).read_bytes()

    return get


def test_a_download_that_breaks_again_and_again_goes_on_where_it_broke(station, fetched, waits):
    station.script = ["cut", "dead", "dead", "cut", "cut"]
    assert fetched() == DATA
    firsts = [int(said.removeprefix("bytes=").removesuffix("-") or 0) for said in station.asked if said]
    assert firsts == sorted(firsts)
    assert firsts[0] == 700_000
    assert len(waits) == 5
    assert 1.0 <= min(waits) <= max(waits) <= max(fetch.PAUSES_S)


def test_a_part_of_an_earlier_time_is_gone_on_with(station, fetched, tmp_path: Path):
    (tmp_path / (WHOLE + ".part")).write_bytes(DATA[:1_234_567])
    assert fetched() == DATA
    assert station.asked == ["bytes=1234567-"]


def test_a_part_that_is_whole_already_asks_for_nothing(station, fetched, tmp_path: Path):
    (tmp_path / (WHOLE + ".part")).write_bytes(DATA)
    assert fetched() == DATA
    assert station.asked == []


@pytest.mark.parametrize("how", ["ignore", "416", "shift"])
def test_a_server_that_knows_no_ranges_or_counts_otherwise_is_asked_for_all_of_it(station, fetched, tmp_path, how: str):
    (tmp_path / (WHOLE + ".part")).write_bytes(DATA[:1_000_000])
    station.script = [how]
    assert fetched() == DATA


@pytest.mark.parametrize("harm", [b"\0" * 1000, DATA + b"more"])
def test_a_part_with_other_bytes_is_found_at_the_end_and_begun_anew_the_next_time(fetched, tmp_path: Path, harm: bytes):
    (tmp_path / (WHOLE + ".part")).write_bytes(harm)
    if len(harm) < len(DATA):
        with pytest.raises(Refusal, match="another sha256"):
            fetched()
    assert fetched() == DATA


def test_more_bytes_than_the_manifest_says_are_not_taken(station, fetched, tmp_path: Path):
    station.data = DATA + b"x"
    with pytest.raises(Refusal, match="more bytes than its manifest says"):
        fetched()
    assert (tmp_path / (WHOLE + ".part")).stat().st_size == 0


def test_other_bytes_of_the_same_length_are_not_taken(station, fetched, tmp_path: Path):
    station.data = DATA[:-1] + b"x"
    with pytest.raises(Refusal, match="another sha256"):
        fetched()
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_brings_nothing_is_given_up_for_this_time_and_keeps_its_part(station, fetched, tmp_path, waits):
    station.script, station.last = ["cut"], "dead"
    with pytest.raises(Later, match="cannot be reached"):
        fetched()
    assert len(waits) == fetch.TRIES
    assert (tmp_path / (WHOLE + ".part")).stat().st_size >= 700_000


def test_a_full_card_takes_no_download(fetched, station):
    card = Quick()
    card.left = fetch.ROOM_LEFT
    with pytest.raises(Refusal, match="want 103 MB"):
        fetched(TOLD, card)
    assert station.asked == []


def test_what_is_left_of_another_release_goes(fetched, tmp_path: Path):
    (tmp_path / ("0" * 64 + ".deb.part")).write_bytes(b"x" * 1000)
    fetched()
    assert [path.name for path in tmp_path.iterdir()] == [WHOLE]


def test_a_door_that_opens_in_between_ends_the_download_for_this_time(way, tmp_path: Path):
    said = iter(["", "", "the door is open"])
    busy = Way(way.settings, way.context, lambda: next(said), way.sleep, way.dice)
    with pytest.raises(Later, match="the door is open"):
        download(busy, TOLD, tmp_path, Quick())
    assert 1_000_000 <= (tmp_path / (WHOLE + ".part")).stat().st_size < len(DATA)


def test_no_offer_is_none_and_a_server_in_trouble_is_told(station, way):
    station.script = ["404"]
    assert offer(way, "arm64-py3.11.json") is None
    station.script = ["500"]
    with pytest.raises(Refusal, match="status 500"):
        offer(way, "arm64-py3.11.json")


def test_a_station_of_a_foreign_authority_is_not_believed(station, tmp_path: Path, waits):
    foreign = Authority.open(tmp_path / "foreign")
    settings = Settings(url=f"https://localhost:{station.server_port}")
    way = Way(settings, ssl.create_default_context(cafile=str(foreign.ca_file)), sleep=waits.append)
    with pytest.raises(Later, match="CERTIFICATE_VERIFY_FAILED"):
        offer(way, "x.json")


def test_a_check_downloads_installs_and_asks_no_more_while_on_trial(station, way, tmp_path: Path):
    site = shop.site(tmp_path)
    data = shop.package(shop.entries(4))
    made = shop.told(4, data)
    site.way, site.settings = lambda settings, busy: Way(settings, way.context, busy, way.sleep), way.settings
    station.data, station.offer = data, shop.signed(made)
    assert site.updater.check() == "0.4 runs on trial in slot a"
    assert site.updater.check() == "a version is on trial; it is judged first"
    site.watch(300)
    assert site.updater.check() == "0.4 is no newer than what runs"


def test_a_check_waits_for_the_day_that_the_manifest_names_and_for_settings_that_allow_it(station, way, tmp_path: Path):
    site = shop.site(tmp_path)
    site.way, site.settings = lambda settings, busy: Way(settings, way.context, busy, way.sleep), way.settings
    station.offer = shop.signed(shop.told(4, b"", not_before=2_000_000_001))
    assert "not to be installed before 2000000001" in site.updater.check()
    site.settings = Settings(enabled=False)
    assert "are off" in site.updater.check()
