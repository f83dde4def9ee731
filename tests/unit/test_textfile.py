"""Health without SSH: Prometheus finds the pulse in a file, Home Assistant finds the unit; neither unless asked for."""

import json
import re

import pytest

from edge import config, wire
from edge.errors import ConfigError
from edge.warnings import ROWS
from tests.unit.rig import UNIT


def test_the_pulse_is_written_for_prometheus_with_the_link_down_too(start, tmp_path):
    path = tmp_path / "doorunit.prom"
    rig = start(settings={"metrics": {"textfile": str(path)}})
    rig.live(1)
    text = path.read_text()
    assert f'doorunit_backlog{{unit="{UNIT}"}} ' in text
    assert f'doorunit_armed{{unit="{UNIT}"}} 1' in text
    for line in text.splitlines():
        assert re.fullmatch(r"# TYPE doorunit_[a-z_]+ gauge|doorunit_[a-z_]+\{[^}]*\} -?[0-9.e+-]+", line), line
    path.unlink()
    rig.link.drop()
    rig.unit.crew.health.set("contact.chatter", rig.clock.now())
    rig.live(25)
    assert f'doorunit_warning{{unit="{UNIT}",code="contact.chatter"}} 1' in path.read_text()
    assert [one.name for one in tmp_path.iterdir() if "prom" in one.name] == ["doorunit.prom"]


def test_a_folder_that_is_not_there_is_told_once_and_costs_nothing_else(start, tmp_path, caplog):
    rig = start(settings={"metrics": {"textfile": str(tmp_path / "gone" / "doorunit.prom")}})
    rig.live(90)
    assert caplog.text.count("metrics: ") == 1
    rig.play("clean", closed=False)
    rig.live(1)
    assert rig.changes()[-1] == "opened"


def test_home_assistant_is_told_once_a_connection_where_that_is_asked_for(start):
    rig = start(settings={"home_assistant": {"prefix": "homeassistant"}})
    (told,) = [p for p in rig.link.sent if p.topic == f"homeassistant/device/{UNIT}/config"]
    assert told.retain
    parts = json.loads(told.payload)["cmps"]
    assert parts["door"]["state_topic"] == wire.topic(UNIT, "state")
    assert {part["device_class"] for part in parts.values() if "device_class" in part} >= {"door", "tamper", "problem"}
    pulse = rig.unit.pulse([])
    for key in re.findall(r"value_json\.([a-z_]+)", told.payload.decode()):
        assert key in {*pulse, "door", "armed", "camera", "online", "supply_mv"}, key
    assert [code for code in ROWS if code.startswith("tamper")], "what its template looks for"


def test_nobody_is_told_unless_that_is_asked_for(start):
    rig = start()
    assert [p.topic for p in rig.link.sent if not p.topic.startswith(wire.ROOT)] == []


@pytest.mark.parametrize(
    "settings",
    [
        {"metrics": {"textfile": "doorunit.prom"}},
        {"metrics": {"textfile": "/x/y.txt"}},
        {"home_assistant": {"prefix": "a/#"}},
    ],
)
def test_a_path_or_a_prefix_that_cannot_be_is_refused(settings):
    with pytest.raises(ConfigError):
        config.parse(settings)
