"""The enrolment port as strangers meet it: real TLS, a served app, and everything that is not the station."""

import asyncio
import base64
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from edge import config
from edge.clock import FLOOR_NS, SECOND, Quality, SystemClock
from edge.errors import DistrustError, RefusedError, ServerError
from edge.health import Health
from edge.identity import certificate_life
from edge.onsite import bootfile, enrol, forms, keys, renew
from edge.onsite.bootfile import BootFile
from edge.secret import Secret
from edge.sim.proxy import SimProxy
from edge.sim.time import SimClock
from edge.station.ca import DAY_NS, Authority
from edge.station.desk import Desk
from edge.station.enrolapi import ADDRESSES_MAX, BURST, PER_S, Limiter, enrol_app
from edge.station.frames import FrameStore
from edge.station.ledger import Ledger
from edge.station.server import Server, enrol_server, unit_server
from edge.station.unitapi import unit_app
from edge.uplink.desk import HttpsDesk
from edge.uplink.tunnel import proxy as proxy_in

WITHIN_S = 10


class Served:
    """A server of ours in a thread of its own."""

    def __init__(self, make: Callable[[int], Server]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._server = make(self.port)
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),), daemon=True)
        self._thread.start()
        for _ in range(WITHIN_S * 100):
            if self._server.started:
                break
            self._thread.join(0.01)

    def close(self) -> None:
        self._server.end()
        self._thread.join(WITHIN_S)


class Office:
    """A station's enrolment and its units' side, served."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        clock = SystemClock()
        self.ca = Authority.open(folder / "ca")
        self.desk = Desk(folder / "enrol", self.ca, clock)
        files = tuple(map(str, self.ca.server_files()))
        self.enrol = Served(lambda port: enrol_server(enrol_app(self.desk, clock), "127.0.0.1", port, files))
        frames = FrameStore(folder / "frames", ledger, self.ca, clock, lambda _: None)
        tls = (str(self.ca.ca_file), *files)
        self.units = Served(lambda port: unit_server(unit_app(frames, self.desk), "127.0.0.1", port, tls))
        self.pem = self.ca.ca_file.read_text()

    def close(self) -> None:
        self.enrol.close()
        self.units.close()

    def unit(self, folder: Path, *, token: str = "", url: str = "", ca: str = "", clock=None) -> enrol.Enrolment:
        path = folder / bootfile.NAME
        folder.mkdir(exist_ok=True)
        secret = Secret(token.encode()) if token else None
        station = url or f"https://localhost:{self.enrol.port}"
        boot = BootFile(station=station, ca=ca or self.pem, unit=folder.name, token=secret)
        path.write_text(bootfile.text(boot))
        clock = clock or SystemClock()
        post = HttpsDesk(boot.station, boot.ca, clock, floor_ns=FLOOR_NS, within_s=WITHIN_S)
        return enrol.Enrolment(bootfile.read(path), path, folder / "state", post, clock, Health())

    def certificate(self, folder: Path) -> HttpsDesk:
        who = enrol.identity.load(folder / "state/identity")
        tls = (str(who.cert_file), str(who.key_file))
        return HttpsDesk(f"https://localhost:{self.units.port}", self.pem, SystemClock(), floor_ns=FLOOR_NS, tls=tls)

    def post(self, body: bytes, path: str = forms.ENROL, method: str = "POST") -> tuple[int, bytes]:
        context = ssl.create_default_context(cadata=self.pem)
        connection = http.client.HTTPSConnection("localhost", self.enrol.port, timeout=WITHIN_S, context=context)
        with closing(connection):
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture
def office(tmp_path: Path, ledger: Ledger) -> Iterator[Office]:
    with closing(Office(tmp_path / "office", ledger)) as opened:
        yield opened


def asking(**changes: object) -> dict[str, object]:
    key, seed = keys.make_tls_key(), keys.make_sign_seed()
    csr = keys.make_request("door-1", key)
    told = forms.Asking(
        unit="door-1",
        csr=csr.decode(),
        verify_key=base64.b64encode(keys.verify_key_of(seed)).decode(),
        proof=base64.b64encode(keys.sign(seed, csr)).decode(),
    )
    return msgspec.to_builtins(told) | changes


def test_a_unit_enrols_over_https_without_a_certificate_and_renews_with_it(office: Office, tmp_path: Path):
    who = office.unit(tmp_path / "door-1", token=office.desk.tokens(["door-1"])["door-1"]).attempt()
    assert who is not None
    before = who.cert_file.read_bytes()
    renew.renew(tmp_path / "door-1/state", office.certificate(tmp_path / "door-1"))
    after = enrol.identity.load(tmp_path / "door-1/state/identity")
    assert after.cert_file.read_bytes() != before
    assert (after.unit, after.sign_seed, after.token_id) == (who.unit, who.sign_seed, who.token_id)
    assert len(office.ca.known.valid("door-1")) == 2  # the old one counts until it ends: its answer might be lost


def test_a_renewal_whose_answer_was_lost_is_answered_with_the_same(office: Office, tmp_path: Path):
    office.unit(tmp_path / "door-1", token=office.desk.tokens(["door-1"])["door-1"]).attempt()
    for _ in range(3):
        renew.renew(tmp_path / "door-1/state", office.certificate(tmp_path / "door-1"))
    assert len(office.ca.known.certificates("door-1")) == 2


def test_a_revoked_unit_neither_renews_nor_brings_pictures(office: Office, tmp_path: Path):
    office.unit(tmp_path / "door-1", token=office.desk.tokens(["door-1"])["door-1"]).attempt()
    way = office.certificate(tmp_path / "door-1")
    assert office.desk.revoke("door-1") == 1
    with pytest.raises(RefusedError, match="renewal at"):
        renew.renew(tmp_path / "door-1/state", way)
    status, body = way.post("/v1/units/door-1/certificate", b"{}", 1000)
    assert (status, json.loads(body)["error"]) == (403, "this certificate of door-1 is revoked")


def test_a_unit_renews_for_itself_alone(office: Office, tmp_path: Path):
    for unit in ("door-1", "door-2"):
        office.unit(tmp_path / unit, token=office.desk.tokens([unit])[unit]).attempt()
    status, _ = office.certificate(tmp_path / "door-1").post("/v1/units/door-2/certificate", b"{}", 1000)
    assert status == 403


def test_another_stations_file_sends_nothing_to_this_one(office: Office, tmp_path: Path):
    other = Authority.open(tmp_path / "other")
    unit = office.unit(tmp_path / "door-1", token="secret", ca=other.ca_file.read_text())
    with pytest.raises(DistrustError, match="not from this unit's CA; want the station that wrote"):
        unit.attempt()
    assert office.desk.standing() == []


def test_a_station_under_another_name_than_its_own_is_not_believed(office: Office, tmp_path: Path):
    files = tuple(map(str, office.ca.server_files(("station.example",))))
    app = enrol_app(office.desk, SystemClock())
    with closing(Served(lambda port: enrol_server(app, "127.0.0.1", port, files))) as misnamed:
        unit = office.unit(tmp_path / "door-1", token="t", url=f"https://localhost:{misnamed.port}")
        with pytest.raises(DistrustError, match="it is for another name"):
            unit.attempt()
    assert office.desk.standing() == []


def test_a_plain_http_portal_in_the_stations_place_is_no_station(office: Office, tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=_hotel, args=(server,), daemon=True)
        thread.start()
        unit = office.unit(tmp_path / "door-1", token="t", url=f"https://localhost:{server.getsockname()[1]}")
        with pytest.raises(RefusedError, match="want a TLS"):
            unit.attempt()
        thread.join(WITHIN_S)


def _hotel(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://hotel.example/\r\n\r\n")
        connection.recv(4096)


def test_a_certificate_that_ended_before_the_floor_is_refused_whatever_the_clock_shows(office: Office):
    """The check that OpenSSL cannot make by a clock in 1970: against the time this software or the card was made."""
    ends_ns = certificate_life(office.ca.server_files()[0])[1]
    url, asked = f"https://localhost:{office.enrol.port}", json.dumps(asking()).encode()
    for floor_ns, believed in ((ends_ns - SECOND, True), (ends_ns, False)):
        way = HttpsDesk(url, office.pem, SystemClock(), floor_ns=floor_ns)
        if believed:
            assert way.post(forms.ENROL, asked, 1000)[0] == 202
        else:
            with pytest.raises(DistrustError, match="before this unit's software or file was made"):
                way.post(forms.ENROL, asked, 1000)
    assert len(office.desk.standing()) == 1


def test_enrolment_goes_through_the_proxy_that_the_settings_name(office: Office):
    url, asked = f"https://localhost:{office.enrol.port}", json.dumps(asking()).encode()
    with closing(SimProxy("door:4c1f")) as proxy:
        settings = config.parse({"uplink": {"proxy": proxy.url, "proxy_login": "door:4c1f"}}).uplink
        way = HttpsDesk(url, office.pem, SystemClock(), floor_ns=FLOOR_NS, proxy=proxy_in(settings))
        assert way.post(forms.ENROL, asked, 1000)[0] == 202
        assert proxy.asked == [f"localhost:{office.enrol.port}"]
        proxy.login = "door:another"
        with pytest.raises(RefusedError, match="proxy 127.0.0.1:.*407") as caught:
            way.post(forms.ENROL, asked, 1000)
        assert "4c1f" not in str(caught.value)


def test_a_station_that_is_down_is_waited_for(office: Office, tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(ServerError, match="nothing listens"):
        office.unit(tmp_path / "door-1", token="t", url=f"https://localhost:{port}").attempt()


def test_a_question_that_is_none_is_answered_with_why(office: Office):
    told = {
        b"": 400,
        b"\xff": 400,
        b"[" * 5000: 400,
        b"x" * (forms.ASKING_MAX_BYTES + 1): 413,
        json.dumps(asking(schema=2)).encode(): 400,
        json.dumps(asking(csr="-----BEGIN CERTIFICATE REQUEST-----")).encode(): 400,
        json.dumps(asking(verify_key="AAAA")).encode(): 400,
        json.dumps(asking(verify_key="not base64")).encode(): 400,
        json.dumps(asking(proof="AAAA")).encode(): 400,
        json.dumps(asking(token="guess")).encode(): 403,
        json.dumps(asking(unit="../../etc")).encode(): 202,
    }
    assert [office.post(body)[0] for body in told] == list(told.values())
    assert office.ca.known.units() == {}
    assert [one.unit for one in office.desk.standing()] == [""]


def test_nothing_else_is_served_on_the_enrolment_port(office: Office):
    assert [office.post(b"", path)[0] for path in ("/", "/v1/units/door-1/certificate", "/api/doors")] == [404] * 3
    assert office.post(b"", method="GET")[0] == 405


def test_an_address_that_asks_too_often_is_told_so(office: Office):
    answers = [office.post(b"{}")[0] for _ in range(BURST + 10)]
    assert answers[:BURST] == [400] * BURST
    assert answers[-1] == 429


def test_a_box_of_fifty_behind_one_address_is_let_through_and_a_flood_is_not():
    clock = SimClock()
    limiter = Limiter(clock)
    assert all(limiter.allows("gate") for _ in range(BURST))
    assert not limiter.allows("gate")
    assert limiter.allows("other")
    clock.turn(SECOND)
    assert [limiter.allows("gate") for _ in range(PER_S + 1)] == [True] * PER_S + [False]
    for number in range(3 * ADDRESSES_MAX):
        limiter.allows(str(number))
    assert len(limiter._left) == ADDRESSES_MAX


def test_a_certificate_is_looked_at_in_the_light_of_the_clock(tmp_path: Path, office: Office):
    office.unit(tmp_path / "door-1", token=office.desk.tokens(["door-1"])["door-1"]).attempt()
    state = tmp_path / "door-1/state"
    first_ns, last_ns = certificate_life(state / "identity/unit.crt")
    assert renew.left_ns(state, SimClock(wall_ns=last_ns - DAY_NS)) == DAY_NS
    assert renew.left_ns(state, SimClock(wall_ns=0, quality=Quality.UNSYNCED)) is None
    assert first_ns < last_ns
    about = state / "identity" / "identity.json"
    assert json.loads(about.read_text())["ends_ns"] == last_ns
    about.write_text(json.dumps(json.loads(about.read_text()) | {"ends_ns": 0}))  # as older software left it
    assert renew.left_ns(state, SimClock(wall_ns=last_ns - DAY_NS)) == DAY_NS
