"""Each check tells well, wrong and not to be had apart; net stops at the first layer that is wrong."""

import socket
import ssl
from pathlib import Path

import pytest

from edge.board.host import HostReading
from edge.clock import FLOOR_NS, SECOND, Quality, Stamp
from edge.errors import ConfigError, CorruptError, LinkError, PartError, RefusedError
from edge.identity import Identity, Secret
from edge.onsite.checks import board, card, clock, door, identity, net, service, spool
from edge.onsite.probes import Folder, Interface, Keys, Peer, Route, Service
from edge.spool.peek import Peek
from tests.onsite.scenery import answer, found, scene

DAY_NS = 86_400 * SECOND
NOW = Stamp("boot-1", 50 * SECOND, FLOOR_NS + 100 * DAY_NS, Quality.SYNCED, 3)
WHO = Identity(
    unit="door-1",
    seal_key=bytes(32),
    seal_key_id="k",
    command_key=bytes(32),
    sign_seed=Secret(bytes(32)),
    key_file=Path("key"),
    cert_file=Path("cert"),
    ca_file=Path("ca"),
)
KEYS = Keys(Path("identity"), WHO)
MISSING = ConfigError("identity folder", found="no such folder", wanted="an identity", remedy="Enrol.")
WELL_NET = {
    "interfaces": (Interface("eth0", up=True), Interface("wlan0", up=False)),
    "route": Route("eth0", "192.0.2.1", "192.0.2.17"),
    "answers": True,
    "resolve": ("198.51.100.7",),
    "dial": True,
    "keys": KEYS,
    "shake": Peer("TLSv1.3", FLOOR_NS),
    "clock": NOW,
    "portal": "",
}


def states(checked: dict) -> dict[str, str]:
    return {name: one.code or one.state for name, one in checked.items()}


# The Pi


def test_a_pi_that_is_well_is_told_with_its_numbers():
    host = HostReading(temperature_c=48.2, under_voltage=False, available_mb=312.0)
    seen = found(board.CHECK, _scene(answer(), host, 0))
    assert states(seen) == {"supply": "well", "heat": "well", "memory": "well"}
    assert seen["heat"].found == "48.2 C"
    assert seen["memory"].found == "312 MB free, the agent takes 40 MB"


def test_a_voltage_that_was_low_since_the_start_is_told_although_it_is_well_now():
    seen = found(board.CHECK, _scene(None, HostReading(under_voltage=False), 0x50000))
    assert seen["supply"].found == "well now, was below 4.63 V since the start"


def test_a_pi_in_trouble_names_each_trouble():
    host = HostReading(temperature_c=85.0, under_voltage=True, available_mb=12.0)
    seen = found(board.CHECK, _scene(None, host, None))
    assert states(seen) == {"supply": "power.low", "heat": "heat.high", "memory": "memory.low"}


def test_a_machine_that_tells_nothing_is_skipped_and_not_wrong():
    assert set(states(found(board.CHECK, _scene(None, HostReading(), None))).values()) == {"skipped"}


def _scene(agent, host, throttled):
    of = scene(agent, throttled=throttled)
    of.probes.host = lambda: host
    return of


# The card


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        (Folder(exists=True, free_mb=900.0), "well"),
        (Folder(exists=True, free_mb=3.0), "spool.full"),
        (Folder(exists=True, read_only=True, free_mb=900.0), "card.readonly"),
        (Folder(exists=False), "card.missing"),
    ],
)
def test_the_card_is_judged_by_its_mount_and_room(folder: Folder, wanted: str):
    seen = found(card.CHECK, scene(folder=folder))
    assert states(seen)["card"] == wanted
    assert states(seen)["writing"] == "skipped"


def test_how_quick_the_card_writes_is_the_agents_word_and_nothing_is_written_for_it():
    seen = found(card.CHECK, scene(answer(), folder=Folder(exists=True, free_mb=3.0)))
    assert (seen["card"].state, seen["writing"].ms) == ("well", 8.0)  # room is a living agent's own business


def test_what_a_cut_left_half_written_can_be_removed(tmp_path: Path):
    left = tmp_path / "spool.db.part"
    left.touch()
    seen = found(card.CHECK, scene(folder=Folder(exists=True, free_mb=900.0, leftovers=(left,))))
    assert seen["leftovers"].cure.act() == "removed spool.db.part"
    assert not left.exists()
    alive = found(card.CHECK, scene(answer(), folder=Folder(exists=True, free_mb=900.0, leftovers=(left,))))
    assert "leftovers" not in alive  # it may be writing that file just now


# The clock


@pytest.mark.parametrize(
    ("stamp", "wanted"),
    [
        (NOW, "well"),
        (Stamp("b", 0, 0, Quality.UNSYNCED), "clock.unsynced"),
        (Stamp("b", 0, FLOOR_NS + 1, Quality.RESTORED), "clock.unsynced"),
    ],
)
def test_without_an_agent_the_clock_is_judged_as_it_is_now(stamp: Stamp, wanted: str):
    assert states(found(clock.CHECK, scene(clock=stamp)))["clock"] == wanted


def test_with_an_agent_its_word_of_the_clock_counts():
    told = answer(clock="restored", error_ms=None)
    assert states(found(clock.CHECK, scene(told, clock=NOW)))["clock"] == "skipped"  # it warns where it is time to


# Door and camera


def test_contact_and_camera_are_told_with_their_statistics_and_left_alone():
    seen = found(door.CHECK, scene(answer(glitches=2)))
    assert seen["reed"].found == "shut, 3 openings, 2 glitches, at rest within 4.2 ms"
    assert seen["camera"].found == "on"
    assert set(states(found(door.CHECK, scene())).values()) == {"skipped"}


# Identity


def test_settings_identity_and_certificate_are_well_when_they_are():
    seen = found(identity.CHECK, scene(keys=KEYS, life=(0, NOW.wall_ns + 90 * DAY_NS + 1), clock=NOW))
    assert states(seen) == {"settings": "well", "identity": "well", "certificate": "well"}
    assert seen["certificate"].found == "90 days left"


@pytest.mark.parametrize(("days", "wanted"), [(29, "certificate.ending"), (-1, "certificate.ended")])
def test_a_certificate_is_judged_by_what_is_left_of_it(days: int, wanted: str):
    seen = found(identity.CHECK, scene(keys=KEYS, life=(0, NOW.wall_ns + days * DAY_NS), clock=NOW))
    assert states(seen)["certificate"] == wanted


def test_by_a_clock_that_was_never_set_no_certificate_is_judged():
    unset = Stamp("b", 0, 0, Quality.UNSYNCED)
    assert states(found(identity.CHECK, scene(keys=KEYS, life=(0, 1), clock=unset)))["certificate"] == "skipped"


def test_a_missing_identity_and_wrong_settings_are_told_as_they_are():
    seen = found(identity.CHECK, scene(keys=MISSING))
    assert states(seen) == {"settings": "well", "identity": "identity.missing"}


def test_keys_that_others_can_read_can_be_closed(tmp_path: Path):
    key = tmp_path / "unit.key"
    key.touch(mode=0o644)
    seen = found(identity.CHECK, scene(keys=Keys(tmp_path, WHO, (key,)), clock=NOW))
    assert states(seen)["identity"] == "identity.open"
    assert seen["identity"].cure.act() == "closed to others: unit.key"
    assert key.stat().st_mode & 0o777 == 0o600


# Service


def test_a_running_agent_under_systemd_is_well():
    seen = found(service.CHECK, scene(answer(), service=Service("active", "success", 0, 30.0)))
    assert states(seen) == {"agent": "well", "service": "well", "watchdog": "well"}


def test_an_agent_that_does_not_run_is_told_with_systemds_word():
    seen = found(service.CHECK, scene(service=Service("failed", "exit-code", 5, 0.0)))
    assert states(seen) == {"agent": "service.down", "service": "service.restarts", "watchdog": "skipped"}
    assert seen["agent"].found == "nobody answers, systemd says failed (exit-code)"


@pytest.mark.parametrize(
    ("silence", "wanted"), [("no answer in time", "service.silent"), ("this user may not ask", "service.barred")]
)
def test_an_agent_that_hangs_and_a_user_who_may_not_ask_are_told_apart(silence: str, wanted: str):
    assert states(found(service.CHECK, scene(silence=silence)))["agent"] == wanted


# What waits


def test_what_waits_is_the_agents_word():
    seen = found(spool.CHECK, scene(answer(backlog=12, oldest_unsent_s=200.0)))
    assert seen["spool"].found == "12 records wait, the oldest for 3 min 20 s"
    assert seen["receipt"].found == "the last 12 s ago"


def test_of_a_dead_agent_what_waits_is_read_from_its_spool():
    held = Peek(3, 2, NOW.at(NOW.boot_ns - 20 * SECOND), 4096, ("spool.db.damaged-1",))
    seen = found(spool.CHECK, scene(spool=held, clock=NOW))
    assert seen["spool"].found == "3 records wait, the oldest for 20 s; 1 damaged spools were set aside"
    assert seen["pictures"].found == "2 wait"


def test_a_spool_that_is_damaged_barred_or_not_there_is_told_apart():
    damaged = CorruptError("spool", found="damage", wanted="what was written", remedy="Wait.")
    barred = PartError("spool", found="permission denied", wanted="a file", remedy="Use sudo.")
    for held, wanted in ((damaged, "spool.lost"), (barred, "skipped"), (None, "skipped")):
        assert states(found(spool.CHECK, scene(spool=held)))["spool"] == wanted


# The network


def test_a_network_that_is_well_is_well_in_every_layer():
    seen = found(net.CHECK, scene(answer(), **WELL_NET))
    assert states(seen) == dict.fromkeys(net.LAYERS, "well")
    assert seen["broker"].found == "MQTT 5, says the agent"


UNVERIFIED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNVERIFIED.verify_code, UNVERIFIED.verify_message = 19, "self-signed"
REFUSED = RefusedError("broker", found="it said: Not authorized", wanted="yes", remedy="Ask.")


@pytest.mark.parametrize(
    ("change", "layer", "code"),
    [
        ({"interfaces": (Interface("eth0", up=False),)}, "interface", "net.interface"),
        ({"interfaces": ()}, "interface", "net.interface"),
        ({"route": Route()}, "address", "net.address"),
        ({"answers": False}, "gateway", "net.gateway"),
        ({"resolve": socket.gaierror(socket.EAI_AGAIN, "again")}, "names", "net.names"),
        ({"resolve": socket.gaierror(socket.EAI_NONAME, "none")}, "names", "link.name"),
        ({"dial": ConnectionRefusedError(111, "refused")}, "tcp", "link.server"),
        ({"dial": TimeoutError("timed out")}, "tcp", "net.blocked"),
        ({"dial": TimeoutError("timed out"), "portal": "http://login/"}, "portal", "net.portal"),
        ({"shake": UNVERIFIED}, "tls", "link.distrust"),
        ({"shake": UNVERIFIED, "portal": "http://login/"}, "portal", "net.portal"),
        ({"shake": ssl.SSLError(1, "wrong version number")}, "tls", "link.refused"),
        ({"join": REFUSED}, "broker", "link.refused"),
    ],
)
def test_the_first_layer_that_is_wrong_is_the_cause_and_those_below_are_skipped(change: dict, layer: str, code: str):
    seen = found(net.CHECK, scene(**{**WELL_NET, **change}))
    assert {name: one.code for name, one in seen.items() if one.state == "wrong"} == {layer: code}
    after = net.LAYERS[net.LAYERS.index(layer) + 1 :] if layer in net.LAYERS else ("broker",)
    assert all(seen[name].state == "skipped" and seen[name].found == f"needs {layer}" for name in after)


def test_a_name_service_that_is_silent_is_not_waited_for_longer_than_it_may_take():
    seen = found(net.CHECK, scene(**{**WELL_NET, "resolve": TimeoutError("slow")}))
    assert seen["names"].code == "net.names"


def test_while_the_agents_link_stands_a_silent_layer_is_no_cause_yet():
    seen = found(net.CHECK, scene(answer(), **{**WELL_NET, "answers": False}))
    assert (seen["gateway"].state, seen["gateway"].code) == ("soon", "net.gateway")


def test_a_living_agent_is_asked_for_the_broker_and_not_put_off_by_a_second_connection():
    told = LinkError("broker", found="joined", wanted="nobody", remedy="Never while the agent lives.")
    seen = found(net.CHECK, scene(answer(link_up=False), **{**WELL_NET, "join": told}))
    assert seen["broker"].state == "skipped"


def test_a_platform_on_this_machine_needs_no_interface():
    of = scene(host="localhost", **{**WELL_NET, "interfaces": ()})
    assert states(found(net.CHECK, of))["interface"] == "skipped"
