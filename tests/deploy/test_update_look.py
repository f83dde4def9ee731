"""What the updater knows of the unit without importing it is what the unit says: its answer and its settings."""

import socket
from pathlib import Path

import pytest

from deploy.ota import look, settings
from deploy.ota.manifest import Refusal
from deploy.ota.settings import Settings
from deploy.ota.trial import Seen, missing
from edge import config
from edge.onsite import ask
from edge.onsite.desk import Desk
from edge.sim.time import SimClock
from edge.station.ca import Authority
from edge.unit.answers import questions
from tests.unit.rig import Rig

HOME = "/var/lib/doorunit-update/a"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path, SimClock())
    made.link.accept()
    made.live(0.5)
    return made


def test_a_unit_that_is_well_owes_nothing_by_its_own_answer_over_its_own_socket(rig: Rig, tmp_path: Path):
    desk = Desk(tmp_path / ask.NAME, questions(rig.unit), lambda act: act())
    desk.open()
    try:
        answer = look.ask(tmp_path / ask.NAME)
    finally:
        desk.close()
    assert missing(Seen(HOME, 0, answer), HOME, {"watched": True}) == ([], [])
    assert (look.SCHEMA, look.SOCKET) == (ask.SCHEMA, ask.RUNTIME / ask.NAME)


def test_a_unit_without_a_link_owes_link_and_receipt_and_what_waits_makes_an_update_wait(tmp_path: Path):
    rig = Rig(tmp_path, SimClock())
    rig.live(0.5)
    told: list[dict] = []
    questions(rig.unit)["status"]({}, told.append)
    rig.live(0.5)
    (answer,) = told
    assert missing(Seen(HOME, 0, answer), HOME, {"watched": True})[1] == [
        "there is no link",
        "no receipt since its start",
    ]
    assert "records wait to be sent" in look.busy(answer)
    assert look.busy(None) == ""


def test_nobody_at_the_socket_or_somebody_who_says_nonsense_is_no_answer(tmp_path: Path):
    assert look.ask(tmp_path / "none.sock") is None
    desk = Desk(tmp_path / "d.sock", {"status": lambda _, answer: answer({"pulse": 5})}, lambda act: act())
    desk.open()
    try:
        assert look.ask(tmp_path / "d.sock") is None
    finally:
        desk.close()


def test_the_home_of_a_process_is_where_its_python_is_and_of_none_nowhere(tmp_path: Path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cmdline").write_bytes(f"{HOME}/bin/python\0-I\0-m\0edge.cli\0".encode())
    (tmp_path / "8").mkdir()
    (tmp_path / "8/cmdline").write_bytes(b"/bin/sh\0/usr/lib/doorunit/ota/launch\0")
    assert [look.home_of(pid, tmp_path) for pid in ("7", "8", "0", "")] == [HOME, "", "", ""]


def test_defaults_are_those_that_the_unit_declares(tmp_path: Path):
    own, known = config.Config(), settings.read(tmp_path / "none.toml")
    assert known == Settings()
    assert (known.enabled, known.channel) == (own.update.enabled, own.update.channel)
    assert (known.host, known.port, known.tls) == (own.uplink.host, own.uplink.port, own.uplink.tls)
    assert (known.url, str(known.state)) == (own.uplink.frames_url, own.unit.state_dir)


@pytest.mark.parametrize(
    "text",
    [
        '[update]\nchannel = "../up"',
        '[update]\nenabled = "no"',
        "[uplink]\nhost = 1",
        "[uplink]\nport = 70000",
        "[update]\nchannel = 5",
        '[uplink]\nframes_url = "http://x"',
        "[uplink]\nframes_url=1",
    ],
)
def test_settings_that_say_nonsense_are_refused(tmp_path: Path, text: str):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(Refusal):
        settings.read(tmp_path / "c.toml")


def test_settings_that_cannot_be_read_leave_the_defaults(tmp_path: Path):
    (tmp_path / "c.toml").write_bytes(b"[update\nenabled = false")
    assert settings.read(tmp_path / "c.toml") == Settings()
    (tmp_path / "c.toml").write_text('update = 1\n[uplink]\nhost = "here"')
    assert settings.read(tmp_path / "c.toml").host == "here"


def test_a_platform_is_reached_by_the_identity_that_the_unit_keeps_or_not_at_all(tmp_path: Path):
    Authority.open(tmp_path / "ca").issue("door-1", tmp_path / "state/identity")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert look.reachable(Settings(host="127.0.0.1", port=port, tls=False))
        assert Settings(state=tmp_path / "state").context().verify_mode.name == "CERT_REQUIRED"
    assert not look.reachable(Settings(host="127.0.0.1", port=port, tls=False))
    assert not look.reachable(Settings(host="127.0.0.1", port=port, state=tmp_path / "nowhere"))
