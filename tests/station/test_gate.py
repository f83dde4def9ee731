"""What the page gives to whom: nothing to strangers, to each role its own, and nothing to another site's page."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from edge.clock import SECOND
from edge.spool.seal import Sealer, frame_name
from edge.station.audit import Act
from edge.station.gate import ALL, NEEDS, RIGHTS, Gate, Who
from edge.station.pageapi import CHECK_NS, live_stream, shown
from edge.station.people import LIFE_NS, Role
from tests.station.conftest import stamp
from tests.station.desk import MORNING, PASSWORD, Desk, opened, see, term

READS = {
    "/api/doors": "doors",
    "/api/health": "doors",
    "/api/events": "events",
    "/api/frames/abc.jpg": "pictures",
    "/api/team": "team",
    "/api/installations": "install",
    "/api/audit/door-1": "audit",
    "/api/export/today.csv": "team",
    "/api/export/openings.csv": "team",
    "/api/export/week.csv": "team",
    "/api/export/audit.csv": "audit",
}


@pytest.fixture
def desk(tmp_path: Path, authority) -> Iterator[Desk]:
    with closing(Desk(tmp_path / "station", authority)) as made:
        see(made.ledger, "door-1", term("2026-11-20 12:00", "2026-12-04 12:00"))
        opened(made.ledger, "door-1", 1, MORNING - 600 * SECOND)
        for role in Role:
            made.person(role.value, role)
        yield made


ATTEND = {"unit": "door-1", "epoch": "e1", "seq": "1", "note": ""}


def test_a_stranger_is_shown_where_to_sign_in_and_no_data(desk):
    stranger = desk.browser()
    for path in READS:
        assert stranger.get(path).status_code == 401
    for path in ("/", "/team", "/team/audit/door-1", "/app.js", "/index.html", "/team.html"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/signin")
    assert stranger.get("/signin").status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reads_what_it_is_for_and_nothing_more(desk, role: Role):
    browser = desk.browser(role.value)
    allowed = {path for path in READS if browser.get(path).status_code != 403}
    assert allowed == {path for path, need in READS.items() if need in RIGHTS[role]}


def test_every_address_of_the_api_has_a_right_of_its_own(desk):
    paths = [route.path for route in desk.app.routes if isinstance(route, Route) and route.path.startswith("/api/")]
    assert len(paths) >= 15
    for path in paths:
        if "{what" in path and "export" in path:
            continue  # each of its lists has its own, in READS
        need = next(need for start, need in NEEDS if path.startswith(start))
        assert need in ALL | {"", "fresh", "bench"}, path
    assert isinstance(desk.app.routes[-1], Mount)


def test_the_cookie_is_kept_from_scripts_and_from_other_sites_and_over_tls_from_the_clear(desk):
    wish = {"name": "worker", "password": PASSWORD}
    plain = desk.browser().post("/api/signin", json=wish).headers["set-cookie"]
    assert all(word in plain for word in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={LIFE_NS // SECOND}"))
    assert "Secure" not in plain
    assert "Secure" in desk.browser(base="https://station").post("/api/signin", json=wish).headers["set-cookie"]


def test_a_wrong_password_and_a_wrong_name_are_told_alike(desk):
    wrong = desk.browser().post("/api/signin", json={"name": "worker", "password": "wrong"})
    nobody = desk.browser().post("/api/signin", json={"name": "nobody", "password": "wrong"})
    assert (wrong.status_code, wrong.json()) == (nobody.status_code, nobody.json())
    assert "set-cookie" not in wrong.headers


def test_a_locked_account_is_told_how_long_and_the_right_password_does_not_help(desk):
    browser = desk.browser()
    for _ in range(5):
        browser.post("/api/signin", json={"name": "worker", "password": "wrong"})
    answer = browser.post("/api/signin", json={"name": "worker", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["wait_s"]) == (429, "60", 60)


def test_the_session_of_a_removed_person_opens_nothing(desk):
    browser = desk.browser("worker")
    assert browser.get("/api/events").status_code == 200
    desk.office.people.remove("worker", MORNING, "(test)")
    assert browser.get("/api/events").status_code == 401
    assert browser.post("/api/attend", json=ATTEND).status_code == 401


def test_a_session_that_has_expired_opens_nothing(desk):
    browser = desk.browser("worker")
    desk.clock.wall_ns += LIFE_NS + SECOND
    assert browser.get("/api/events").status_code == 401


def test_signing_out_ends_the_session_also_for_who_kept_its_cookie(desk):
    browser = desk.browser("worker")
    kept = dict(browser.cookies)
    assert browser.post("/api/signout", json={}).status_code == 200
    browser.cookies.update(kept)
    assert browser.get("/api/events").status_code == 401


def test_a_first_password_opens_nothing_but_the_choice_of_another(desk):
    first = desk.office.people.add("new", (Role.WORKER,), MORNING, "(test)")
    browser = desk.browser("new", first)
    assert browser.get("/api/events").status_code == 403
    assert browser.get("/").headers["location"].startswith("/signin")
    poor = browser.post("/api/password", json={"old": first, "new": "short"})
    assert (poor.status_code, "characters" in poor.json()["error"]) == (400, True)
    assert browser.post("/api/password", json={"old": first, "new": PASSWORD}).status_code == 200
    assert desk.browser("new").get("/api/events").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"X-Doorunit-Csrf": ""},
        {"X-Doorunit-Csrf": "a word that was guessed"},
        {"X-Doorunit-Csrf": "\u00e9"},
    ],
)
def test_another_sites_page_changes_nothing_with_the_cookie_of_a_worker(desk, headers: dict[str, str]):
    browser = desk.browser("worker")
    answer = browser.post("/api/attend", json=ATTEND, headers={k: v.encode("latin-1") for k, v in headers.items()})
    assert answer.status_code == 403
    assert desk.office.book.attend(("door-1", "e1", 1), "nobody else", "", MORNING)[0].person == "nobody else"


def test_another_site_cannot_sign_a_browser_in(desk):
    wish = {"name": "worker", "password": PASSWORD}
    answer = desk.browser().post("/api/signin", json=wish, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("path", ["/api/attend", "/api/label", "/api/signin", "/api/password"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"unit": {}}', b"x" * 30_000])
def test_a_body_that_is_no_wish_is_refused_with_a_sentence(desk, path: str, body: bytes):
    browser = desk.browser("worker")
    answer = browser.post(path, content=body)
    assert (answer.status_code, "want a" in answer.json()["error"]) == (400, True)


def test_attending_twice_is_once_and_two_people_are_both_kept_in_their_order(desk):
    desk.person("other", Role.WORKER)
    first, second = desk.browser("worker"), desk.browser("other")
    assert first.post("/api/attend", json=ATTEND | {"note": "seen to"}).status_code == 200
    desk.clock.wall_ns -= 60 * SECOND  # the clock was set back meanwhile
    first.post("/api/attend", json=ATTEND | {"note": "once more"})
    attended = second.post("/api/attend", json=ATTEND).json()["attended"]
    assert [(one["person"], one["note"]) for one in attended] == [("worker", "seen to"), ("other", "")]
    (entry,) = first.get("/api/events").json()["events"]
    assert entry["attended"] == attended
    assert [row.person for row in desk.office.trail.rows() if row.what == Act.ATTENDED] == ["other", "worker"]


@pytest.mark.parametrize("key", [{"unit": "door-9"}, {"epoch": "e9"}, {"seq": "2"}, {"seq": "-1"}, {"seq": "9" * 30}])
def test_an_opening_that_never_was_cannot_be_attended(desk, key: dict[str, str]):
    answer = desk.browser("worker").post("/api/attend", json=ATTEND | key)
    assert answer.status_code == 400
    assert desk.ledger.read("SELECT count(*) FROM attended") == [(0,)]


def test_a_label_is_bound_changed_and_taken_away_and_each_is_in_the_audit(desk):
    browser = desk.browser("installer")
    for label in ("3-2-501", " 3-2-502  东 ", ""):
        assert browser.post("/api/label", json={"unit": "door-1", "label": label}).status_code == 200
        assert browser.get("/api/doors").json()["doors"][0]["label"] == " ".join(label.split())
    rows = [(r.subject, r.detail) for r in desk.office.trail.rows() if r.what == Act.LABELLED]
    assert rows == [("3-2-502 东", ""), ("3-2-501", "3-2-502 东"), ("", "3-2-501")]


@pytest.mark.parametrize(("unit", "label"), [("door-9", "x"), ("door-1", "x" * 61), ("door-1", "a\x00b"), ("", "x")])
def test_a_label_that_cannot_be_is_refused(desk, unit: str, label: str):
    answer = desk.browser("worker").post("/api/label", json={"unit": unit, "label": label})
    assert answer.status_code == 400
    assert desk.ledger.read("SELECT count(*) FROM label") == [(0,)]


def test_a_technician_may_not_attend_and_an_installer_may_not_either(desk):
    for role in ("technician", "installer"):
        assert desk.browser(role).post("/api/attend", json=ATTEND).status_code == 403


def test_the_numbers_of_a_units_health_are_the_technicians(desk):
    with desk.ledger.batch() as into:
        into.unit("door-1", MORNING, pulse=b'{"backlog": 2, "temp_c": 51, "warnings": []}')
    pulse = {
        role: desk.browser(role).get("/api/doors").json()["doors"][0]["pulse"] for role in ("worker", "technician")
    }
    assert pulse == {"worker": {"backlog": 2}, "technician": {"backlog": 2, "temp_c": 51, "warnings": []}}


def test_the_live_stream_shows_each_role_what_its_requests_would(desk):
    technician, worker = (Who("x", RIGHTS[role]) for role in (Role.TECHNICIAN, Role.WORKER))
    door = {"unit": "door-1", "pulse": {"backlog": 1, "temp_c": 50}}
    assert shown(technician, "record", {"n": 1}) is None
    assert shown(technician, "frame", {"name": "a"}) is None
    assert shown(technician, "door", door) == door
    assert shown(worker, "door", door)["pulse"] == {"backlog": 1}
    assert shown(worker, "record", {"n": 1}) == {"n": 1}
    assert shown(worker, "bench", {}) is None
    assert shown(worker, "something new", {}) is None


def test_a_look_at_a_picture_is_written_down_once_and_not_at_every_redraw(desk, authority, tmp_path):
    who = authority.issue("door-1", tmp_path / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(b"\xff\xd8 a picture", epoch="e1", event=1, at=stamp())
    name = frame_name(sealed)
    desk.frames.put("door-1", name, sealed)
    browser = desk.browser("worker")
    for _ in range(3):
        assert browser.get(f"/api/frames/{name}.jpg").status_code == 200
    desk.clock.wall_ns += 3600 * SECOND
    browser.get(f"/api/frames/{name}.jpg")
    looks = [row for row in desk.office.trail.rows(unit="door-1") if row.what == Act.LOOKED]
    assert [(row.person, row.subject) for row in looks] == [("worker", name)] * 2
    told = desk.browser("technician").get("/api/audit/door-1").json()
    assert told["rows"][0]["time"] == "2026-11-24T02:30:00.000000Z"


def test_a_picture_whose_look_cannot_be_written_down_is_not_shown(desk, authority, tmp_path):
    who = authority.issue("door-1", tmp_path / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(b"\xff\xd8 a picture", epoch="e1", event=1, at=stamp())
    desk.frames.put("door-1", frame_name(sealed), sealed)
    browser = desk.browser("worker")
    desk.ledger.store.db.execute("DROP TABLE audit")
    answer = browser.get(f"/api/frames/{frame_name(sealed)}.jpg")
    assert (answer.status_code, b"a picture" in answer.content) == (503, False)


def test_reading_and_exporting_the_audit_are_in_the_audit_themselves(desk):
    browser = desk.browser("technician")
    browser.get("/api/audit/door-1")
    answer = browser.get("/api/export/audit.csv?unit=door-1&lang=en")
    assert "technician,read this list" in answer.content.decode("utf-8-sig")
    assert re.search(
        r"attachment; filename\*=UTF-8''audit-door-1-20261124-0930\.csv", answer.headers["content-disposition"]
    )
    assert desk.office.trail.rows()[0].what == Act.EXPORTED


def test_a_station_without_accounts_says_so_and_shows_nothing(tmp_path: Path, authority):
    with closing(Desk(tmp_path / "empty", authority)) as desk:
        see(desk.ledger, "door-1")
        stranger = desk.browser()
        assert stranger.get("/api/me").json()["people"] is False
        assert stranger.get("/api/doors").status_code == 401
        assert stranger.get("/").status_code == 303


def test_an_open_bench_asks_nobody_and_still_writes_looks_down(tmp_path: Path, authority):
    with closing(Desk(tmp_path / "open", authority, open_=True)) as desk:
        opened(desk.ledger, "door-1", 1, MORNING)
        browser = desk.browser()
        assert [browser.get(path).status_code for path in ("/", "/team", "/api/events", "/api/team")] == [200] * 4
        assert browser.post("/api/attend", json=ATTEND).json()["attended"][0]["person"] == "(bench)"
        assert browser.post("/api/password", json={"old": "a", "new": "b"}).status_code == 403
        elsewhere = browser.post("/api/attend", json=ATTEND, headers={"Origin": "https://elsewhere.example"})
        assert elsewhere.status_code == 403
        for host in ("elsewhere.example:8080", "127.0.0.1.elsewhere.example", "[::", ""):
            assert browser.get("/api/events", headers={"Host": host}).status_code == 403
        assert browser.get("/api/events", headers={"Host": "localhost:8080"}).status_code == 200


def test_a_live_stream_ends_soon_after_its_person_was_removed(desk):
    people = desk.office.people
    session = people.session(people.sign_in("worker", PASSWORD, "here", MORNING) or "", MORNING)
    assert session is not None
    who = Who("worker", RIGHTS[Role.WORKER], session)

    async def listen() -> list[str]:
        stream = live_stream(desk.hub, Gate(desk.office, desk.clock), desk.clock, who)
        heard = [await anext(stream)]
        desk.hub.push("record", {"n": 1})
        heard.append(await anext(stream))
        people.remove("worker", MORNING, "(test)")
        desk.clock.wall_ns += CHECK_NS + SECOND
        desk.hub.push("record", {"n": 2})
        return heard + [message async for message in stream]

    assert asyncio.run(listen()) == ["retry: 1000\n\n", 'event: record\ndata: {"n": 1}\n\n']
