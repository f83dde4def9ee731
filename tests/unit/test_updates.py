"""How another version's trial ended reaches the platform once, and is a warning while it came back."""

import json
from pathlib import Path

import pytest

from edge.board import slots
from edge.board.slots import Ended, Slots
from edge.onsite.checks import update
from edge.onsite.probes import Probes
from tests.deploy import shop
from tests.onsite.scenery import found, scene

RETURNED = Slots(told=(Ended(3, "returned", "0.4", "0.3", "it crashed", 1_795_000_000),))
CONFIRMED = Ended(4, "confirmed", "0.5", "0.3", "", 1_795_000_900)


def audits(rig) -> list[str]:
    return [record["what"] for record in rig.records("audit") if record["what"].startswith("update.")]


def test_a_return_is_recorded_once_across_restarts_and_warned_of_until_another_is_confirmed(start):
    rig = start(slots=lambda: RETURNED)
    rig.live(5)
    (told,) = [record for record in rig.records("audit") if record["what"] == "update.returned"]
    assert told["detail"] == {"version": "0.4", "former": "0.3", "why": "it crashed", "ended_s": 1_795_000_000}
    assert "update.returned" in [w["code"] for w in rig.unit.pulse([])["warnings"]]
    rig.stop()
    rig = start(slots=lambda: RETURNED)
    rig.live(5)
    assert audits(rig) == []
    assert rig.unit.crew.health.active("update.returned")
    rig.stop()
    rig = start(slots=lambda: Slots(told=(*RETURNED.told, CONFIRMED)))
    rig.live(5)
    assert audits(rig) == ["update.confirmed"]
    assert not rig.unit.crew.health.active("update.returned")


def test_what_ended_while_the_unit_runs_is_told_within_ten_minutes_all_of_it_in_order(start):
    said: list[Slots | None] = [None]
    rig = start(slots=lambda: said[0])
    rig.live(5)
    said[0] = Slots(told=(*RETURNED.told, CONFIRMED))
    rig.live(601)
    assert audits(rig) == ["update.returned", "update.confirmed"]


def test_a_unit_that_was_never_updated_says_nothing(start):
    rig = start()
    rig.live(5)
    assert audits(rig) == []


# The updater's file


def test_what_the_updater_writes_is_what_the_unit_reads(tmp_path: Path):
    site = shop.site(tmp_path)
    site.install(tmp_path, 2)
    on_trial = slots.read(site.slots.root)
    assert on_trial is not None
    assert on_trial.trial == slots.Trial("0.2")
    site.restarts = 5
    site.watch(20)
    ended = slots.read(site.slots.root)
    assert ended is not None
    assert ended.trial is None
    assert [(one.what, one.version) for one in ended.told] == [("returned", "0.2")]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"told": [{"what": "eaten"}]}', b"\xff", b"[" * 200_000])
def test_a_file_that_is_none_of_its_own_is_as_none(tmp_path: Path, raw: bytes):
    (tmp_path / slots.NAME).write_bytes(raw)
    assert slots.read(tmp_path) is None


# Doctor


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (None, "skipped"),
        (Slots(), "well"),
        (Slots(trial=slots.Trial("0.2")), "well"),
        (Slots(told=(CONFIRMED,)), "well"),
        (RETURNED, "wrong"),
    ],
)
def test_doctor_tells_whether_a_version_is_on_trial_or_came_back(seen: Slots | None, state: str):
    one = found(update.CHECK, scene(slots=seen))["update"]
    assert one.state == state
    assert one.code == ("update.returned" if state == "wrong" else "")
    assert Probes().slots() is None


def test_the_state_file_says_no_more_than_json_to_whoever_reads_it(tmp_path: Path):
    site = shop.site(tmp_path)
    site.install(tmp_path, 2)
    kept = json.loads((site.slots.root / slots.NAME).read_text())
    assert {"floor", "bad", "trial", "told"} <= kept.keys()
