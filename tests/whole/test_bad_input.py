"""The whole unit on a bad day: each trouble has its own sentence, and the door is reported wherever it can be."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from edge.clock import FLOOR_NS, SECOND, Quality, Stamp, SystemClock
from edge.spool.store import SqliteStore
from edge.station.ca import Authority
from tests.spool.card import Card
from tests.spool.samples import event
from tests.whole.conftest import until
from tests.whole.flat import UNIT, Ear, Flat, InProcess


class NeverSet(SystemClock):
    """A machine without a battery clock that no network has told the time: it began to count in 1970."""

    def read(self) -> Stamp:
        now = super().read()
        return msgspec.structs.replace(now, wall_ns=now.boot_ns, clock=Quality.UNSYNCED, error_ms=None)


@pytest.fixture
def flat(tmp_path: Path) -> Iterator[Flat]:
    with closing(Flat(tmp_path)) as made:
        yield made


@pytest.fixture
def on_card(tmp_path: Path, card: Card) -> Iterator[Flat]:
    """A flat whose unit keeps everything on a real card."""
    with closing(Flat(tmp_path, card.folder / "state")) as made:
        yield made


def open_and_shut(unit: Flat | InProcess, ear: Ear) -> None:
    """Move the door, which the unit has found shut, and wait until the ear has heard of it."""
    until(ear.changes)
    begun = len(ear.changes())
    unit.move("open")
    until(lambda: "opened" in ear.changes()[begun:])
    unit.move("shut")
    until(lambda: "shut" in ear.changes()[begun:])


def move_unheard(flat: Flat) -> None:
    """Open and shut the door of a unit that reaches nobody, and wait until both are on its card."""
    until(lambda: spooled(flat) == ["found"])
    flat.move("open")
    until(lambda: spooled(flat) == ["found", "opened"])
    flat.move("shut")
    until(lambda: spooled(flat) == ["found", "opened", "shut"])


def spooled(flat: Flat) -> list[str]:
    """The changes of the door on the unit's card, as another process may look at them while it runs."""
    if not (flat.state / "spool.db").exists():
        return []
    reader = sqlite3.connect(f"file:{flat.state}/spool.db?mode=ro", uri=True)
    try:
        rows = reader.execute("SELECT body FROM record ORDER BY n").fetchall()
    finally:
        reader.close()
    found = [re.search(rb'"change":"(\w+)"', body) for (body,) in rows]
    return [match[1].decode() for match in found if match]


# --- no way to the platform


def test_without_a_broker_all_is_kept_and_delivered_in_order_once_there_is_one(flat: Flat) -> None:
    flat.start()
    flat.says("link.server", "nothing listens on that port", "The server is down or uplink.port is wrong")
    move_unheard(flat)
    ear = flat.listen()
    until(lambda: ear.changes() == ["found", "opened", "shut"])
    assert [record["seq"] for record in ear.records()] == [1, 2, 3, 4]
    open_and_shut(flat, ear)
    until(lambda: "link.server" not in ear.warnings())
    assert flat.stop() == 0


@pytest.mark.parametrize("trouble", ["foreign", "expired"])
def test_a_unit_whose_certificate_is_not_taken_says_why_and_delivers_all_once_it_is_enrolled_again(
    flat: Flat, tmp_path: Path, trouble: str
) -> None:
    identity = flat.state / "identity"
    if trouble == "foreign":
        Authority.open(tmp_path / "another").issue(UNIT, identity)
        (identity / "ca.crt").write_bytes(flat.ca.ca_file.read_bytes())
    else:
        past_ns = SystemClock().read().wall_ns - 3600 * SECOND
        flat.ca.issue(UNIT, identity, not_before_ns=FLOOR_NS, not_after_ns=past_ns)
    ear = flat.listen()
    flat.start()
    why = "does not trust this unit's certificate" if trouble == "foreign" else "refused this unit's certificate as exp"
    flat.says("link.refused", why, "Enrol the unit again")
    move_unheard(flat)
    assert ear.records() == []
    assert flat.stop() == 0
    flat.ca.issue(UNIT, identity)
    flat.start()
    until(lambda: ear.changes()[:3] == ["found", "opened", "shut"])
    open_and_shut(flat, ear)


def test_a_unit_that_does_not_believe_its_broker_says_so_and_tells_it_nothing(flat: Flat, tmp_path: Path) -> None:
    foreign = Authority.open(tmp_path / "another")
    (flat.state / "identity" / "ca.crt").write_bytes(foreign.ca_file.read_bytes())
    ear = flat.listen()
    flat.start()
    flat.says("link.distrust", "it is not from this unit's CA", "The platform's keeper must renew it")
    move_unheard(flat)
    assert ear.records() == []


def test_with_a_clock_in_1970_the_door_is_reported_live_and_no_time_is_claimed(
    flat: Flat, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.assemble.SystemClock", NeverSet)
    ear = flat.listen()
    with InProcess(flat) as unit:
        open_and_shut(unit, ear)
        until(lambda: ear.pulse().get("clock") == "unsynced")
        assert "The clock has not been set by the network" in caplog.text
    assert {(record["at"]["clock"], record["at"]["error_ms"]) for record in ear.records("event")} == {
        ("unsynced", None)
    }
    assert ear.times() == [None, None, None]


# --- a card that will not


def test_with_a_full_card_the_door_is_reported_live_and_kept_once_there_is_room(on_card: Flat, card: Card) -> None:
    ear = on_card.listen()
    card.fill()
    on_card.start()
    on_card.says("spool.full", "found a full card; want room for records")
    open_and_shut(on_card, ear)
    until(lambda: "spool.full" in ear.warnings())
    card.free()
    until(lambda: "spool.full" not in ear.warnings())
    on_card.says("spool.full: well again")
    open_and_shut(on_card, ear)
    assert on_card.stop() == 0
    assert spooled(on_card) == ["found", "opened", "shut", "opened", "shut"]


def test_with_a_read_only_card_the_door_is_reported_live_and_kept_once_it_is_writable(
    on_card: Flat, card: Card
) -> None:
    ear = on_card.listen()
    card.protect()
    on_card.start()
    on_card.says("spool.failing", "found a card that is read-only; want a card that can be written")
    open_and_shut(on_card, ear)
    until(lambda: "spool.failing" in ear.warnings())
    card.unprotect()
    until(lambda: "spool.failing" not in ear.warnings())
    open_and_shut(on_card, ear)
    assert on_card.stop() == 0
    assert spooled(on_card) == ["found", "opened", "shut", "opened", "shut"]


def test_a_simulated_unit_whose_door_has_no_room_for_its_socket_runs_all_the_same(
    on_card: Flat, card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    ear = on_card.listen()
    card.protect()
    with InProcess(on_card) as unit:
        open_and_shut(unit, ear)
    assert "simulated door: nobody can move it from outside" in caplog.text


def test_with_a_card_that_falls_ill_while_it_runs_the_door_is_reported_live(on_card: Flat, card: Card) -> None:
    ear = on_card.listen()
    on_card.start()
    open_and_shut(on_card, ear)
    card.fall_ill()
    open_and_shut(on_card, ear)
    on_card.says("spool.failing", "found a card that is read-only")
    until(lambda: "spool.failing" in ear.warnings())
    open_and_shut(on_card, ear)
    assert len(ear.changes()) == 7
    assert len({record["seq"] for record in ear.records()}) == len(ear.records())


@pytest.mark.parametrize("readable", [True, False], ids=["in part", "no more"])
def test_a_damaged_spool_is_set_aside_whole_and_its_loss_is_reported(flat: Flat, readable: bool) -> None:
    store = SqliteStore(flat.state, lambda: "the-old-epoch")
    store.open()
    store.commit([lambda s, n=n: s.put(n, event(n, "the-old-epoch", reason="x" * 300)) for n in range(1, 200)])
    store.close()
    spool = flat.state / "spool.db"
    with spool.open("r+b") as file:
        file.seek(5 * 4096 if readable else 0)
        file.write(b"\xa5" * 4096)
    damaged = spool.read_bytes()
    ear = flat.listen()
    flat.start()
    flat.says("spool.lost", str(flat.state / "spool.db.damaged-1"))
    (gap,) = until(lambda: ear.records("gap"))
    assert (gap["reason"], gap.get("records"), gap.get("of", "")) == ("corrupt", None, "the-old-epoch" * readable)
    assert gap["epoch"] != "the-old-epoch"
    open_and_shut(flat, ear)
    until(lambda: "spool.lost" in ear.warnings())
    assert (flat.state / "spool.db.damaged-1").read_bytes() == damaged


def test_the_loss_of_a_damaged_spool_is_told_once_and_not_at_every_start(flat: Flat) -> None:
    (flat.state / "spool.db").write_bytes(b"no database at all")
    ear = flat.listen()
    for boots in (1, 2):
        with InProcess(flat):
            until(lambda boots=boots: len(ear.records("boot")) == boots)
            until(lambda: ear.records("gap"))
            until(lambda boots=boots: len(ear.changes()) == boots)
    assert len(ear.records("gap")) == 1


# --- parts that are not there


def test_without_a_camera_the_door_is_reported_and_the_missing_pictures_are_explained(
    flat: Flat, caplog: pytest.LogCaptureFixture
) -> None:
    ear = flat.listen()
    with InProcess(flat, fault="absent", camera={"before_s": 0.0, "after_s": 0.1}) as unit:
        open_and_shut(unit, ear)
        (frames,) = until(lambda: ear.records("frames"))
        assert frames.get("frames", []) == []
        assert frames["missing"].startswith("simulated camera: found none; want a camera")
        assert "simulated camera: found none; want a camera" in caplog.text
        until(lambda: ear.pulse()["camera"] == "failed")
        unit.camera.fault = None
        until(lambda: ear.pulse()["camera"] == "on")


def test_a_contact_pin_that_something_else_has_is_reported_and_watched_once_it_is_free(
    flat: Flat, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.unit.doorkeeper.REOPEN_NS", SECOND // 2)
    ear = flat.listen()
    unit = InProcess(flat)
    let_go = unit.take_pin(17)
    with unit:
        until(lambda: "contact.unreadable" in ear.warnings())
        assert "GPIO17: found pin GPIO17 is already in use by another part; want a pin of its own" in caplog.text
        assert ear.changes() == [], "nothing is claimed of a door that cannot be read"
        let_go()
        until(lambda: ear.changes() == ["found"])
        until(lambda: "contact.unreadable" not in ear.warnings())
        open_and_shut(unit, ear)


def test_a_lamp_pin_that_something_else_has_keeps_the_camera_off_and_the_door_reported(
    flat: Flat, caplog: pytest.LogCaptureFixture
) -> None:
    ear = flat.listen()
    unit = InProcess(flat, camera={"led_pin": 22, "before_s": 0.0, "after_s": 0.1})
    unit.take_pin(22)
    with unit:
        open_and_shut(unit, ear)
        (frames,) = until(lambda: ear.records("frames"))
        assert frames["missing"].startswith("GPIO22: found pin GPIO22 is already in use by another part")
        until(lambda: ear.pulse()["camera"] == "failed")
        assert "Give door.contact_pin and camera.led_pin different numbers" in caplog.text
