"""A real mosquitto, spoken to by real paho: who may say what, what is kept waiting, and how it begins and ends."""

import os
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.clock import FLOOR_NS, SECOND, SystemClock
from edge.errors import PartError
from edge.identity import Identity
from edge.station.broker import MosquittoBroker, open_broker
from edge.station.ca import Authority
from tests.station.talker import V5, V311, WITHIN_S, Client
from tests.whole.conftest import until

NO_MOSQUITTO = "no-such-broker"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("station")


@pytest.fixture(scope="module")
def ca(home: Path) -> Authority:
    return Authority.open(home / "ca")


@pytest.fixture(scope="module")
def units(home: Path, ca: Authority) -> dict[str, Identity]:
    return {name: ca.issue(name, home / name) for name in ("unit-a", "unit-b")}


@pytest.fixture(scope="module")
def broker(home: Path, ca: Authority) -> Iterator[Any]:
    with closing(open_broker(home / "broker", ca)) as broker:
        assert (broker.kind, broker.tls) == ("mosquitto", True)
        yield broker


@pytest.fixture
def dial(ca: Authority, units: dict[str, Identity], broker: Any) -> Iterator[Callable[..., Client]]:
    """Make clients of the TLS broker by name: station, unit-a, unit-b; closed at the test's end."""
    clients: list[Client] = []

    def make(who: str, **kwargs: Any) -> Client:
        files = ca.client_files() if who == "station" else (units[who].cert_file, units[who].key_file)
        kwargs = {"files": (ca.ca_file, *files)} | kwargs
        clients.append(Client(broker, **kwargs))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_a_unit_and_the_station_hear_each_other(dial: Callable[..., Client]) -> None:
    station = dial("station").up("door/v1/#")
    unit = dial("unit-a").up("door/v1/unit-a/receipt", "door/v1/unit-a/command")
    for leaf in ("event", "state", "online", "pulse", "reply"):
        assert unit.say(f"door/v1/unit-a/{leaf}", b"1") == 0
        assert station.hear() == (f"door/v1/unit-a/{leaf}", b"1")
    for leaf in ("receipt", "command"):
        station.say(f"door/v1/unit-a/{leaf}", b"2")
        assert unit.hear() == (f"door/v1/unit-a/{leaf}", b"2")


@pytest.mark.parametrize(("protocol", "reason"), [(V5, 0x87), (V311, 0)], ids=["5", "3.1.1"])
def test_a_unit_cannot_speak_as_another_and_only_mqtt_5_tells_it_so(
    dial: Callable[..., Client], protocol: Any, reason: int
) -> None:
    station = dial("station").up("door/v1/#")
    unit = dial("unit-a", protocol=protocol).up()
    for topic in ("door/v1/unit-b/event", "door/v1/unit-a/receipt", "door/v1/unit-a/command", "door/v1/unit-a"):
        assert unit.say(topic, b"forged") == reason
    assert unit.say("door/v1/unit-a/event", b"own") == 0  # it is still connected, and this comes after the others
    assert station.hear() == ("door/v1/unit-a/event", b"own")


def test_a_unit_hears_only_what_is_meant_for_it(dial: Callable[..., Client]) -> None:
    station = dial("station").up()
    station.say("door/v1/unit-b/state", b"open", retain=True)
    unit = dial("unit-a").up("door/v1/unit-b/command", "door/v1/unit-b/state", "#", "$share/all/door/v1/+/event")
    for leaf in ("command", "receipt", "event"):
        station.say(f"door/v1/unit-b/{leaf}", b"another's")
    station.say("door/v1/unit-a/command", b"own")
    assert unit.hear() == ("door/v1/unit-a/command", b"own")
    station.say("door/v1/unit-b/state", b"", retain=True)


def test_a_unit_under_anothers_client_id_puts_off_nobody_but_itself(dial: Callable[..., Client]) -> None:
    station = dial("station").up("door/v1/#")
    victim = dial("unit-a").up()
    first = dial("unit-b").up()
    dial("unit-b", name="unit-a").up()
    assert first.down.wait(WITHIN_S)
    assert victim.say("door/v1/unit-a/event", b"still here") == 0
    assert station.hear() == ("door/v1/unit-a/event", b"still here")


def test_a_unit_cannot_leave_a_last_will_for_another(dial: Callable[..., Client]) -> None:
    station = dial("station").up("door/v1/#")
    liar = dial("unit-b")
    answer = liar.connect(will="door/v1/unit-a/online")
    if answer == "Success":  # a broker may also refuse the connection
        liar.cut()
        assert liar.down.wait(WITHIN_S)
    dial("unit-b").up().say("door/v1/unit-b/event", b"later")
    assert station.hear() == ("door/v1/unit-b/event", b"later")


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
def test_no_certificate_is_no_connection(ca: Authority, dial: Callable[..., Client], protocol: Any) -> None:
    assert dial("unit-a", files=(ca.ca_file,), protocol=protocol).connect() == "closed"


def test_a_certificate_of_a_foreign_authority_is_no_connection(
    ca: Authority, dial: Callable[..., Client], tmp_path: Path
) -> None:
    forged = Authority.open(tmp_path / "other").issue("unit-a", tmp_path / "unit-a")
    assert dial("unit-a", files=(ca.ca_file, forged.cert_file, forged.key_file)).connect() == "closed"


def test_a_certificate_before_or_after_its_time_is_no_connection(
    home: Path, dial: Callable[..., Client], tmp_path: Path
) -> None:
    now_ns = SystemClock().read().wall_ns
    ca = Authority.open(home / "ca")
    expired = ca.issue("unit-c", tmp_path / "c", not_before_ns=FLOOR_NS, not_after_ns=now_ns - SECOND)
    early = ca.issue("unit-d", tmp_path / "d", not_before_ns=now_ns + 3600 * SECOND)
    for unit in (expired, early):
        assert dial("unit-a", files=(unit.ca_file, unit.cert_file, unit.key_file)).connect() == "closed"


def test_a_second_receiver_has_its_own_name_and_both_hear(
    home: Path, ca: Authority, units: dict[str, Identity], tmp_path: Path
) -> None:
    names = ("station", "station-2")
    unit = units["unit-a"]
    with closing(open_broker(tmp_path / "broker", ca, receivers=names)) as broker:
        ears = [Client(broker, files=(ca.ca_file, *ca.client_files(name))).up("door/v1/#") for name in names]
        with closing(Client(broker, files=(ca.ca_file, unit.cert_file, unit.key_file)).up()) as client:
            client.say("door/v1/unit-a/event", b"1")
            for ear in ears:
                assert ear.hear() == ("door/v1/unit-a/event", b"1")
                ear.close()


def test_a_cut_unit_is_told_to_be_offline_and_latecomers_are_told_too(dial: Callable[..., Client]) -> None:
    station = dial("station").up("door/v1/unit-a/online")
    unit = dial("unit-a").up(will="door/v1/unit-a/online")
    unit.say("door/v1/unit-a/online", b"online", retain=True)
    assert station.hear() == ("door/v1/unit-a/online", b"online")
    unit.cut()
    assert station.hear() == ("door/v1/unit-a/online", b"offline")
    station.close()
    assert dial("station").up("door/v1/+/online").hear() == ("door/v1/unit-a/online", b"offline")


def test_three_thousand_records_wait_for_a_receiver_that_is_away_and_none_is_dropped(
    dial: Callable[..., Client],
) -> None:
    station = dial("station", name="station", protocol=V311, clean=False).up("door/v1/+/event")
    station.close()
    unit = dial("unit-a").up()
    for n in range(3000):
        unit.paho.publish("door/v1/unit-a/event", b"%d" % n, qos=1)
    assert {unit.acks.get(timeout=WITHIN_S) for _ in range(3000)} == {0}
    back = dial("station", name="station", protocol=V311, clean=False).up()
    assert [int(back.hear()[1]) for _ in range(3000)] == list(range(3000))
    back.close()
    dial("station").up()  # a clean session forgets the other


def test_a_port_in_use_is_said_to_be(ca: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for program in ("mosquitto", NO_MOSQUITTO):
            with pytest.raises(PartError, match=f"broker on 127.0.0.1:{port}: found another program.*ss -ltnp"):
                open_broker(tmp_path / "broker", ca, port=port, program=program)


def test_a_mosquitto_that_dies_is_quoted(tmp_path: Path, ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.station.broker._CONFIG", "not_a_setting 7\n")
    with pytest.raises(PartError, match=r"found exit \d+, and in its log: .*not_a_setting.*; want a broker on"):
        open_broker(tmp_path / "broker", ca)


def test_a_broker_can_be_opened_again_in_the_same_folder_and_keeps_the_last_log(home: Path, tmp_path: Path) -> None:
    ca = Authority.open(home / "ca")
    log = tmp_path / "broker" / "broker.log"
    for _ in range(2):
        with closing(open_broker(tmp_path / "broker", ca)):
            until(lambda: "running" in log.read_text())  # before that it knows no SIGTERM
    assert "terminating" in (tmp_path / "broker" / "broker.log.old").read_text()


def test_a_mosquitto_that_was_killed_is_seen_to_be_dead(tmp_path: Path) -> None:
    with closing(open_broker(tmp_path / "broker", None)) as broker, closing(Client(broker, "x").up()) as client:
        assert isinstance(broker, MosquittoBroker)
        os.kill(broker.pid, signal.SIGKILL)
        assert client.down.wait(WITHIN_S)
        os.waitid(os.P_PID, broker.pid, os.WEXITED | os.WNOWAIT)
        assert not broker.alive()


def test_a_mosquitto_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.station.broker.CLOSE_WITHIN_S", 0.05)
    broker = open_broker(tmp_path / "broker", None)
    assert isinstance(broker, MosquittoBroker)
    os.kill(broker.pid, signal.SIGSTOP)
    broker.close()
    assert not broker.alive()


def test_mosquitto_started_by_root_does_not_stay_root_where_it_need_not(
    ca: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="doorunit-"))  # tmp_path's parents are closed to other accounts
    try:
        for name, mode, owner in (
            ("open", 0o755, _mosquittos() if root else os.geteuid()),
            ("shut", 0o700, os.geteuid()),
        ):
            folder.chmod(mode)
            with closing(open_broker(folder / name, ca)) as broker:
                assert isinstance(broker, MosquittoBroker)
                assert Path(f"/proc/{broker.pid}").stat().st_uid == owner
                assert (folder / name / "server.key").stat().st_uid == os.geteuid()  # read, never written, by it
            assert ("mosquitto runs as root" in caplog.text) == (root and name == "shut")
    finally:
        shutil.rmtree(folder)


def _mosquittos() -> int:
    return pwd.getpwnam("mosquitto").pw_uid


def test_without_mosquitto_or_certificates_only_this_machine_is_served(ca: Authority, tmp_path: Path) -> None:
    with pytest.raises(PartError, match="no-such-broker is not installed.*apt install mosquitto"):
        open_broker(tmp_path / "broker", ca, host="0.0.0.0", program=NO_MOSQUITTO)
    with pytest.raises(PartError, match="no certificate authority"):
        open_broker(tmp_path / "broker", None, host="0.0.0.0")


def test_an_address_of_another_machine_cannot_be_served(ca: Authority, tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"broker on 192\.0\.2\.1:0: found .*address"):
        open_broker(tmp_path / "broker", ca, host="192.0.2.1")


def knock(broker: Any, files: tuple[Path, ...]) -> str:
    """What the broker answers to a client that only knocks."""
    with closing(Client(broker, files=files)) as client:
        return client.connect()


def test_a_revoked_unit_is_refused_and_one_that_is_connected_is_no_longer_heard(tmp_path: Path) -> None:
    ca = Authority.open(tmp_path / "ca")
    who = {name: ca.issue(name, tmp_path / name) for name in ("unit-a", "unit-b")}
    files = {name: (ca.ca_file, one.cert_file, one.key_file) for name, one in who.items()}
    with closing(open_broker(tmp_path / "broker", ca)) as broker:
        with closing(Client(broker, files=files["unit-a"]).up()) as connected:
            assert connected.say("door/v1/unit-a/event") in (0, 16)
            assert ca.known.revoke("unit-a", "2026-11-24T00:00:00.000000Z") == 1
            broker.refresh()
            until(lambda: knock(broker, files["unit-a"]) != "Success")
            assert connected.say("door/v1/unit-a/event") == 135  # not authorized
        with closing(Client(broker, files=files["unit-b"]).up()) as other:
            assert other.say("door/v1/unit-b/event") in (0, 16)
        again = ca.issue("unit-a", tmp_path / "again")
        broker.refresh()
        anew = (ca.ca_file, again.cert_file, again.key_file)
        until(lambda: knock(broker, anew) == "Success")
        for step in range(3):  # one list after another, each counts
            late = ca.issue(f"late-{step}", tmp_path / f"late-{step}")
            ca.known.revoke(f"late-{step}", "2026-11-24T00:00:00.000000Z")
            broker.refresh()
            late_files = (ca.ca_file, late.cert_file, late.key_file)
            until(lambda files=late_files: knock(broker, files) != "Success")
        assert knock(broker, anew) == "Success"


def test_a_broker_that_starts_later_knows_who_was_revoked(tmp_path: Path) -> None:
    ca = Authority.open(tmp_path / "ca")
    gone, here = (ca.issue(name, tmp_path / name) for name in ("unit-a", "unit-b"))
    ca.known.revoke("unit-a", "2026-11-24T00:00:00.000000Z")
    with closing(open_broker(tmp_path / "broker", ca)) as broker:
        assert knock(broker, (ca.ca_file, gone.cert_file, gone.key_file)) != "Success"
        with closing(Client(broker, files=(ca.ca_file, here.cert_file, here.key_file)).up()):
            broker.refresh()
            assert broker.alive()
