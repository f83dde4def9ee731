"""why, events, spool, test, mark, identify, snap and log: with the agent alive and dead, in both languages."""

import json
from pathlib import Path

import pytest

from edge.cli import MISUSED, UNWELL, WELL
from tests.cli.conftest import Doorunit
from tests.whole.conftest import until
from tests.whole.flat import Flat, InProcess

VERBS = (("why",), ("events",), ("spool", "ls"))


@pytest.mark.parametrize("words", VERBS)
def test_with_neither_agent_nor_spool_nothing_is_known_and_nothing_breaks(doorunit, settings: Path, words):
    answer = doorunit(*words, "--config", settings, "--json")
    assert (answer.json["schema"], answer.err) == (1, "")
    assert answer.code == (UNWELL if words == ("why",) else WELL)


@pytest.mark.parametrize("verb", ["test", "identify", "snap"])
def test_a_dead_agent_can_be_asked_for_nothing_and_that_is_said(doorunit: Doorunit, settings: Path, verb: str):
    answer = doorunit(verb, "--config", settings)
    assert (answer.code, answer.out) == (UNWELL, "")
    assert "found nobody answers" in answer.err


@pytest.mark.parametrize("words", [("why", "yesterday"), ("why", "1/"), ("spool", "show"), ("spool", "show", "x")])
def test_what_names_no_record_is_a_misuse(doorunit: Doorunit, settings: Path, words):
    answer = doorunit(*words, "--config", settings)
    assert (answer.code, answer.out) == (MISUSED, "")


def test_an_opening_is_told_step_by_step_and_outlives_the_agent_in_the_spool(doorunit, flat: Flat, settings: Path):
    ear = flat.listen()  # which gives no receipts
    with InProcess(flat) as unit:
        until(lambda: ear.pulse().get("door") == "shut")
        unit.move("open")
        until(lambda: "opened" in ear.changes())
        until(lambda: doorunit("why", "--config", settings, "--json").json["life"]["acked_ms"])
        told = doorunit("why", "--config", settings, "--json").json
        assert (told["alive"], told["waits"], told["life"]["what"]) == (True, True, "opened")
        assert told["life"]["edges_us"][0] == 0
        assert 0 < told["life"]["made_ms"] <= told["life"]["sent_ms"] <= told["life"]["acked_ms"]
        key = told["life"]["key"]
        (last,) = doorunit("events", "--config", settings, "--json", "--limit", "1").json["events"]
        assert last["key"] == key
        waiting = doorunit("spool", "ls", "--config", settings, "--json").json
    dead = doorunit("why", key, "--config", settings, "--json").json
    assert (dead["alive"], dead["waits"], dead["record"]["change"]) == (False, True, "opened")
    assert doorunit("spool", "ls", "--config", settings, "--json").json["records"] == waiting["records"]
    assert doorunit("spool", "show", key, "--config", settings, "--json").json["row"]["record"]["change"] == "opened"
    out = flat.folder / "out.jsonl"
    assert doorunit("spool", "export", out, "--config", settings).code == WELL
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["seq"] for line in lines] == [row["record"]["seq"] for row in waiting["rows"]]
    assert out.stat().st_mode & 0o777 == 0o600
    assert doorunit("spool", "export", out, "--config", settings).code == UNWELL  # nothing is written over


def test_a_test_without_a_receipt_names_whose_silence_it_is_and_a_mark_carries_its_author(doorunit, flat, settings):
    with InProcess(flat):
        until(lambda: doorunit("status", "--config", settings, "--json").json["agent"] is not None)
        answer = doorunit("test", "--config", settings, "--json", "--wait", "0")
        assert (answer.code, answer.json["cause"], answer.json["receipt_ms"]) == (UNWELL, "down", None)
        ear = flat.listen()
        until(lambda: [one["what"] for one in ear.records("audit")] == ["test"])
        answer = doorunit("test", "--config", settings, "--wait", "0.5")
        assert "the broker took it; no platform answers" in answer.out
        assert doorunit("mark", "glued the magnet", "--config", settings).code == WELL
        until(lambda: ear.records("audit")[-1]["what"] == "mark")
        mark = ear.records("audit")[-1]
        assert mark["detail"]["note"] == "glued the magnet"
        assert mark["detail"]["person"].startswith("wang ")
        assert doorunit("mark", "x" * 201, "--config", settings).code == UNWELL
        assert "no picture" in doorunit("snap", "--config", settings).err
        assert "neither lamp nor buzzer" in doorunit("identify", "--config", settings).err


def test_where_there_is_no_systemd_log_says_where_to_look(doorunit: Doorunit, settings: Path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert doorunit("log", "--config", settings).code == UNWELL
    assert "stderr" in doorunit("log", "--config", settings, "--json").json["said"]
    assert "标准错误" in doorunit("log", "--config", settings, "--lang", "zh").out


# bundle


def test_a_bundle_can_be_seen_before_it_is_made_and_is_nobody_elses_to_read(doorunit, flat: Flat, settings: Path):
    out = flat.folder / "bundle.tar.gz"
    words = ("bundle", "--config", settings, "--out", out)
    assert "blackbox.json" in doorunit(*words, "--preview").out
    assert '"unit": "door-1"' in doorunit(*words, "--preview", "about.json").out
    assert doorunit(*words, "--preview", "nonsense").code == MISUSED
    assert not out.exists()
    made = doorunit(*words, "--json").json
    assert (made["schema"], made["size_bytes"]) == (1, out.stat().st_size)
    assert out.stat().st_mode & 0o777 == 0o600
    assert doorunit(*words).code == UNWELL  # nothing is written over


def test_an_agents_start_and_end_are_in_its_black_box(doorunit, flat: Flat, settings: Path):
    with InProcess(flat):
        until(lambda: doorunit("status", "--config", settings, "--json").json["agent"] is not None)
        until(lambda: (flat.state / "blackbox.json").exists())
    box = json.loads((flat.state / "blackbox.json").read_text(encoding="utf-8"))
    assert (box["running"], [start["after"] for start in box["starts"]]) == (False, ["first"])


# watch


def test_the_live_screen_shows_the_door_and_goes_on_when_the_agent_does_not(doorunit, flat: Flat, settings: Path):
    assert doorunit("watch", "--config", settings, "--times", "1").code == UNWELL
    with InProcess(flat):
        until(lambda: doorunit("status", "--config", settings, "--json").json["agent"] is not None)
        answer = doorunit("watch", "--config", settings, "--times", "1")
        assert (answer.code, "door-1" in answer.out) == (WELL, True)
        told = doorunit("watch", "--config", settings, "--times", "1", "--json").json
        assert (told["schema"], told["agent"]["unit"]) == (1, "door-1")


def test_a_simulated_door_is_moved_from_the_command_line_and_none_that_is_not_there(doorunit, flat, settings: Path):
    ear = flat.listen()
    assert doorunit("simulate", "open", "--config", settings).code == UNWELL
    flat.start()
    until(lambda: ear.pulse().get("door") == "shut")
    answer = doorunit("simulate", "open", "--wave", "rattle", "--config", settings)
    assert answer.code == WELL, answer.err
    until(lambda: "opened" in ear.changes())
    assert doorunit("simulate", "sideways", "--config", settings).code == MISUSED
