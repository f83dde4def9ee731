"""The page's server: who gets in, what each step's failure says, and that nothing is left of it after sign-off."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import PartError
from edge.health import Health
from edge.onsite import commission
from edge.onsite.gate import Gate
from edge.onsite.site import ASKED, BODY_MAX_BYTES, CONNECTIONS_MAX, Site
from edge.onsite.visit import Visit
from edge.secret import Secret
from edge.sim.time import SimClock
from tests.onsite.phone import CODE, Phone, StillHands, site, visit


@pytest.fixture
def clock() -> SimClock:
    return SimClock()


@pytest.fixture
def served(tmp_path: Path, clock: SimClock) -> Iterator[Site]:
    opened = site(tmp_path, clock, visit(tmp_path, clock, enabled=False))
    yield opened
    opened.close()


@pytest.fixture
def phone(served: Site) -> Phone:
    return Phone(served.port)


def steps(phone: Phone) -> dict[str, dict[str, object]]:
    return {step["name"]: step for step in phone.live()["steps"]}


def test_nothing_is_told_before_the_code(phone: Phone):
    assert phone.ask("/api/hello") == (200, {"inside": False})
    for path in ("/api/live", "/api/view.jpg", "/api/view.jpg?as=sent", "/api/else"):
        assert phone.ask(path) == (401, {"refused": "gate.out"})
    assert phone.ask("/api/do/sign", {}) == (401, {"refused": "gate.out"})
    assert phone.enter("WRONGONE") == (403, {"refused": "gate.wrong"})


@pytest.mark.parametrize("path", ["/", "/app.js", "/aim.js", "/report.js", "/words.js", "/words.json", "/style.css"])
def test_the_page_s_own_files_are_served_to_whoever_comes(phone: Phone, path: str):
    assert phone.ask(path)[0] == 200


@pytest.mark.parametrize("path", ["/../site.py", "/%2e%2e/site.py", "/site.py", "//etc/passwd", "/page/"])
def test_no_other_file_is_served(phone: Phone, path: str):
    assert phone.ask(path)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"X-Doorunit": ""}, {"Origin": "null"}],
    ids=["another site", "an empty header of ours is ours", "a sandbox"],
)
def test_another_site_s_script_cannot_use_the_session(phone: Phone, headers: dict[str, str]):
    phone.enter()
    status, told = phone.ask("/api/do/identify", {}, headers=headers)
    allowed = "X-Doorunit" in headers
    assert (status, told) == ((409, {"refused": "page.enrolling"}) if allowed else (403, {"refused": "gate.foreign"}))


def test_a_form_of_another_site_cannot_use_it_either(served: Site, phone: Phone):
    phone.enter()
    connection = phone.open()
    connection.request("POST", "/api/do/identify", "{}", {"Cookie": phone.cookie})
    assert connection.getresponse().status == 403
    connection.close()
    assert served.visit.board.step("identify").state == "open"


@pytest.mark.parametrize("raw", [b"[1]", b"{", b"\xff", b"[" * 20_000])
def test_a_body_that_is_no_wish_is_refused(phone: Phone, raw: bytes):
    connection = phone.open()
    connection.request("POST", "/api/enter", raw, {ASKED: "1"})
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("length", [str(BODY_MAX_BYTES + 1), "-1", "x", "²", ""])
def test_a_body_of_no_fit_length_is_not_waited_for(phone: Phone, length: str):
    connection = phone.open()
    connection.putrequest("POST", "/api/enter")
    connection.putheader("Content-Length", length.encode())
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_second_installer_is_told_who_is_in_and_the_first_is_told_of_the_take_over(phone: Phone, served: Site):
    phone.enter()
    second = Phone(served.port)
    assert second.enter(name="Wang Fang")[1] == {"refused": "gate.busy", "name": "Li Wei", "since_s": 0}
    assert second.enter(name="Wang Fang", take_over=True)[0] == 200
    assert phone.ask("/api/hello") == (200, {"inside": False})
    assert phone.ask("/api/do/identify", {}) == (401, {"refused": "gate.out"})
    assert second.live()["person"] == "Wang Fang"


def test_a_phone_that_was_locked_goes_on_by_its_cookie(phone: Phone, served: Site):
    phone.enter()
    again = Phone(served.port)
    again.cookie = phone.cookie
    assert again.ask("/api/hello") == (200, {"inside": True})
    assert again.live()["unit"] == "door-1"


@pytest.mark.parametrize("code", ["link.distrust", "link.server", "link.network", "enrol.refused", "clock.floor"])
def test_what_stands_in_the_way_of_enrolment_is_shown_before_there_is_a_unit(
    phone: Phone, served: Site, clock: SimClock, code: str
):
    health = Health()
    health.on_change = lambda: served.visit.enrolling(health, "")
    phone.enter()
    health.set(code, clock.now(), "as a station, a portal or a clock may cause it")
    assert steps(phone)["enrol"]["code"] == code
    assert phone.ask("/api/do/walk", {}) == (409, {"refused": "page.enrolling"})


def test_a_unit_that_waits_for_a_person_shows_its_code(phone: Phone, served: Site, clock: SimClock):
    health = Health()
    health.on_change = lambda: served.visit.enrolling(health, "ABCD-EFGH")
    phone.enter()
    health.set("enrol.pending", clock.now())
    assert steps(phone)["enrol"]["found"] == {"code": "ABCD-EFGH"}


def test_a_silent_connection_and_a_crowd_hold_up_nobody_for_ever(phone: Phone, served: Site):
    crowd = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(CONNECTIONS_MAX + 8)]
    for sock in crowd:
        sock.close()
    for _ in range(100):
        try:
            assert phone.ask("/api/hello")[0] == 200
            break
        except (OSError, ConnectionError):
            continue
    assert phone.enter()[0] == 200


def test_a_port_that_another_program_has_is_named(tmp_path: Path, clock: SimClock, served: Site):
    gate, pem = Gate("", Secret(b"A")), tmp_path / "page.pem"
    with pytest.raises(PartError, match=r"install\.port"):
        Site(visit(tmp_path, clock), gate, clock, pem, served.port, "127.0.0.1")


def everything_well(of: Visit) -> None:
    for name in of.board.missing():
        of.board.put(name, "well")


def test_after_sign_off_the_marker_and_the_report_are_on_the_card_and_nothing_listens(
    phone: Phone, served: Site, clock: SimClock, tmp_path: Path
):
    hands = StillHands(clock)
    served.visit._hands = hands
    phone.enter()
    status, told = phone.ask("/api/do/sign", {})
    assert (status, told["refused"]) == (409, "sign.missing")
    everything_well(served.visit)
    hands.receipts = False
    assert phone.ask("/api/do/sign", {}) == (409, {"refused": "sign.receipt"})
    assert not commission.is_commissioned(tmp_path / "state")
    hands.receipts = True
    status, told = phone.ask("/api/do/sign", {})
    assert status == 200
    (installed,) = (audit for audit in hands.audits if audit.what == "installed")  # the second try made no second one
    assert told["signed"]["report"] == installed.detail["report"]
    assert json.loads(told["signed"]["report"])["installer"] == "Li Wei"
    assert commission.is_commissioned(tmp_path / "state")
    assert json.loads((tmp_path / "state" / commission.REPORT).read_bytes()) == told["signed"]
    served.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port))
    assert not [t for t in threading.enumerate() if t.name == "install"]
    assert CODE not in (tmp_path / "state" / commission.REPORT).read_text()
