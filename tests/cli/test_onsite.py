"""status, doctor, net and explain: with the agent alive, dead and hanging; exit codes, JSON, both languages."""

import socket
from pathlib import Path

import pytest

from edge.cli import MISUSED, UNWELL, WELL
from edge.onsite.rows import ALL
from edge.onsite.scene import plug_ins
from tests.cli.conftest import Answer, Doorunit
from tests.whole.conftest import until
from tests.whole.flat import Flat, InProcess

PLUG_IN = """
from edge.onsite.check import Check, wrong
from edge.warnings import Row

ROW = Row("water.high", "There is water in the cellar", "地下室进水", remedy="Pump.", remedy_zh="请抽水。")
CHECK = Check("water", {}, lambda scene: iter((wrong("water.high", "water", "30 cm", "none"),)), rows=(ROW,))
"""


def causes(answer: Answer) -> set[str]:
    """Those that do not depend on the machine on which the tests run."""
    return set(answer.json["causes"]) - {"clock.unsynced", "memory.low", "service.restarts"}


@pytest.mark.parametrize("verb", ["status", "doctor", "net"])
def test_without_settings_identity_or_agent_it_says_what_is_wrong_and_does_not_break(doorunit, tmp_path, verb: str):
    answer = doorunit(verb, "--config", tmp_path / "gone.toml", "--json")
    assert answer.err == ""
    assert answer.json["schema"] == 1
    assert answer.code == (WELL if answer.json["well"] else UNWELL)
    if verb != "net":
        assert causes(answer) == {"config.wrong"}


def test_a_dead_agent_is_told_with_what_waits_on_the_card(doorunit: Doorunit, settings: Path):
    answer = doorunit("status", "--config", settings, "--json")
    assert answer.code == UNWELL
    assert causes(answer) == {"service.down"}
    assert (answer.json["unit"], answer.json["agent"]) == ("door-1", None)
    text = doorunit("status", "--config", settings).out
    assert text.startswith("UNWELL: The unit's agent does not run")


def test_with_a_dead_agent_doctor_looks_for_the_broker_itself(doorunit: Doorunit, flat: Flat, settings: Path):
    assert causes(doorunit("doctor", "--config", settings, "--json")) == {"service.down", "link.server"}
    flat.listen()
    told = doorunit("net", "--config", settings, "--json")
    assert (told.code, told.json["causes"]) == (WELL, [])
    (broker,) = (one for one in told.json["checks"] if one["name"] == "broker")
    assert broker["found"] == "it accepts this unit"


def test_a_living_agent_answers_in_both_languages_and_its_link_is_left_alone(doorunit, flat: Flat, settings: Path):
    ear = flat.listen()
    with InProcess(flat):
        until(lambda: ear.pulse().get("link") == "5")
        until(lambda: doorunit("status", "--config", settings, "--json").code == WELL)
        until(lambda: doorunit("status", "--config", settings, "--json").json["agent"]["pulse"]["door"] == "shut")
        assert doorunit("status", "--config", settings).out.startswith("WELL: everything is as it should be\n")
        assert doorunit("status", "--config", settings, "--lang", "zh").out.startswith("正常: 一切正常\n")
        checks = doorunit("doctor", "--config", settings, "--json").json["checks"]
        (broker,) = (one for one in checks if one["name"] == "broker")
        assert broker["found"] == "MQTT 5, says the agent"
    assert causes(doorunit("status", "--config", settings, "--json")) == {"service.down"}


def test_an_agent_that_hangs_is_told_in_time(doorunit: Doorunit, flat: Flat, settings: Path):
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(flat.state / "unit.sock"))
        hanging.listen()
        assert causes(doorunit("status", "--config", settings, "--json")) == {"service.silent"}


def test_doctor_is_read_only_and_mends_what_is_safe_only_when_told_to(doorunit: Doorunit, flat: Flat, settings: Path):
    left = flat.state / "spool.db.part"
    left.touch()
    (flat.state / "identity").chmod(0o755)
    first = doorunit("doctor", "--config", settings, "--json")
    assert "identity.open" in first.json["causes"]
    assert left.exists()
    assert first.json["fixed"] == []
    second = doorunit("doctor", "--config", settings, "--json", "--fix")
    assert sorted(second.json["fixed"]) == ["closed to others: identity", "removed spool.db.part"]
    assert "identity.open" not in second.json["causes"]
    assert not left.exists()
    assert (flat.state / "identity").stat().st_mode & 0o777 == 0o700


# Plug-ins


def test_a_plug_in_is_one_small_file_with_words_of_its_own(tmp_path: Path):
    (tmp_path / "water.py").write_text(PLUG_IN, encoding="utf-8")
    (check,) = plug_ins(tmp_path)
    assert (check.name, check.rows[0].zh) == ("water", "地下室进水")


@pytest.mark.parametrize("text", ["", "CHECK = 17", "this is no Python", "raise SystemError('no')"])
def test_a_plug_in_that_cannot_be_used_is_skipped_with_its_reason(tmp_path: Path, text: str):
    (tmp_path / "odd.py").write_text(text, encoding="utf-8")
    (check,) = plug_ins(tmp_path)
    (found,) = check.run(None)
    assert found.state == "skipped"
    assert "odd.py: " in found.found


def test_a_plug_in_that_others_may_change_is_not_run(tmp_path: Path):
    (tmp_path / "water.py").write_text(PLUG_IN, encoding="utf-8")
    (tmp_path / "water.py").chmod(0o666)
    (check,) = plug_ins(tmp_path)
    (found,) = check.run(None)
    assert "others may change it" in found.found
    assert plug_ins(tmp_path / "gone") == ()


# explain


@pytest.mark.parametrize("code", ALL)
def test_every_warning_is_explained_in_both_languages(doorunit: Doorunit, code: str):
    row = ALL[code]
    assert doorunit("explain", code).out == f"{code}: {row.en}\n    {row.remedy}\n"
    assert doorunit("explain", code, "--lang", "zh").out == f"{code}: {row.zh}\n    {row.remedy_zh}\n"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_of_all_warnings_is_made_from_the_table(doorunit: Doorunit, lang: str):
    lines = doorunit("explain", "--lang", lang).out.splitlines()
    assert len(lines) == 2 + len(ALL)
    assert {line.count("|") - line.count("\\|") for line in lines} == {6}


def test_an_unknown_warning_offers_the_nearest_and_ends_in_what_to_try(doorunit: Doorunit):
    answer = doorunit("explain", "link.netwrk")
    assert (answer.code, answer.out) == (MISUSED, "")
    assert answer.err == "doorunit: warning: found link.netwrk; want link.network? Try: doorunit explain\n"
