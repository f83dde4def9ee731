"""`doorunit config check` tells all that is wrong in a settings file, not only what comes first."""

from pathlib import Path

import pytest

from edge.cli import MISUSED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file to be written."""
    return tmp_path / "doorunit.toml"


def test_all_that_is_wrong_in_a_settings_file_is_told_at_once_each_with_what_to_do(doorunit, file: Path):
    file.write_text('[door]\nsettle_ms = 2\nsettel_ms = 5\n[dor]\n[uplink]\nport = "x"\n[camera]\n', encoding="utf-8")
    answer = doorunit("config", "check", file)
    assert (answer.code, answer.out) == (MISUSED, "")
    lines = answer.err.splitlines()
    assert [line.split(" in ")[0] for line in lines] == [
        "doorunit: door.settle_ms",
        "doorunit: door.settel_ms",
        "doorunit: dor",
        "doorunit: uplink.port",
    ]
    assert all(f" in {file}: found " in line and "; want " in line for line in lines)
    told = doorunit("config", "check", file, "--json").json
    assert [error["what"] for error in told["errors"]] == ["door.settle_ms", "door.settel_ms", "dor", "uplink.port"]
    assert told["error"] == told["errors"][0], "as every other verb tells one"
    assert {error["where"] for error in told["errors"]} == {str(file)}


def test_settings_that_do_not_fit_together_are_told_all_at_once_too(doorunit, file: Path):
    file.write_text(
        "[door]\nsettle_ms = 900\nchatter_ms = 1000\ncontact_pin = 17\n[camera]\nled_pin = 17\n"
        '[indicator]\nled_pin = 17\n[metrics]\ntextfile = "x"\n[home_assistant]\nprefix = "a/b"\n',
        encoding="utf-8",
    )
    answer = doorunit("config", "check", file, "--json")
    assert answer.code == MISUSED
    assert [error["what"] for error in answer.json["errors"]] == [
        "door.chatter_ms",
        "camera.led_pin",
        "indicator.led_pin",
        "metrics.textfile",
        "home_assistant.prefix",
    ]
    assert answer.json["errors"][2]["found"] == "17, which is door.contact_pin"
