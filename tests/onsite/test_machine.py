"""The probes read a real machine's files as they are, and anything else as not to be had."""

import socket
from pathlib import Path

import pytest

from edge import config
from edge.onsite.machine import Machine, read_service
from edge.onsite.probes import Interface, Route, Service
from edge.station.ca import Authority

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0100007F\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0200007F\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0     44        0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
127.0.0.1        0x1         0x2         aa:bb:cc:dd:ee:ff     *        eth0
127.0.0.2        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    return Machine(config.parse({"unit": {"state_dir": str(tmp_path / "state")}}), root)


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def test_an_empty_machine_tells_nothing_and_raises_nothing(machine: Machine):
    assert machine.interfaces() == ()
    assert machine.route() == Route()
    assert machine.answers("127.0.0.1") is False
    assert machine.throttled() is None
    assert machine.service() is None
    assert machine.folder().exists is False
    assert machine.spool() is None


def test_interfaces_are_told_with_their_state_and_wifi_with_its_signal(machine: Machine, root: Path):
    write(root, sys__class__net__lo__operstate="unknown\n", sys__class__net__eth0__operstate="down\n")
    write(root, sys__class__net__wlan0__operstate="up\n", proc__net__wireless=WIRELESS)
    assert machine.interfaces() == (Interface("eth0", False), Interface("wlan0", True, -56.0))


def test_the_way_out_is_the_default_route_with_the_lowest_metric(machine: Machine, root: Path):
    write(root, proc__net__route=ROUTES)
    route = machine.route()
    assert (route.interface, route.gateway) == ("eth0", "127.0.0.2")
    assert route.address.startswith("127.")


def test_a_router_answers_once_the_kernel_knows_its_hardware_address(machine: Machine, root: Path):
    write(root, proc__net__arp=ARP)
    assert machine.answers("127.0.0.1") is True
    assert machine.answers("127.0.0.2") is False


def test_the_firmwares_bits_are_read_as_hex_and_nonsense_as_nothing(machine: Machine, root: Path):
    name = "sys__devices__platform__soc__soc:firmware__get_throttled"
    write(root, **{name: "50005\n"})
    assert machine.throttled() == 0x50005
    write(root, **{name: "what\n"})
    assert machine.throttled() is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("LoadState=not-found\nActiveState=inactive\n", None),
        (
            "Result=success\nNRestarts=0\nLoadState=loaded\nActiveState=active\nWatchdogUSec=1min 30s\n",
            Service("active", "success", 0, 90.0),
        ),
        (
            "Result=watchdog\nNRestarts=12\nLoadState=loaded\nActiveState=activating\nWatchdogUSec=500ms\n",
            Service("activating", "watchdog", 12, 0.5),
        ),
        ("LoadState=loaded\nNRestarts=[not set]\nWatchdogUSec=infinity\n", Service("", "", 0, 0.0)),
    ],
)
def test_systemds_word_is_read_as_it_prints_it(text: str, wanted: Service | None):
    assert read_service(text) == wanted


def test_keys_that_others_may_read_are_found_by_name(machine: Machine, tmp_path: Path):
    folder = tmp_path / "state" / "identity"
    Authority.open(tmp_path / "ca").issue("door-1", folder)
    assert machine.keys().open_to_others == ()
    assert machine.keys().who.unit == "door-1"
    (folder / "unit.key").chmod(0o640)
    assert machine.keys().open_to_others == (folder / "unit.key",)
    first_ns, last_ns = machine.life(machine.keys().who)
    assert first_ns < machine.clock().wall_ns < last_ns


def test_half_written_files_are_found_and_nothing_else(machine: Machine, tmp_path: Path):
    state = tmp_path / "state"
    (state / "frames").mkdir(parents=True)
    (state / "identity.part").mkdir()  # a whole identity that waits for its name
    for name in ("spool.db", "spool.db.part", "spool.db.trial", "frames/a.part", "frames/b"):
        (state / name).touch()
    (state / "link.part").symlink_to(state / "spool.db")
    left = {str(one.relative_to(state)) for one in machine.folder().leftovers}
    assert left == {"spool.db.part", "spool.db.trial", "frames/a.part"}


def test_a_port_is_dialled_and_one_that_nobody_has_refuses(machine: Machine):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert machine.resolve("127.0.0.1", port) == ("127.0.0.1",)
        assert machine.dial("127.0.0.1", port) is True
    with pytest.raises(ConnectionRefusedError):
        machine.dial("127.0.0.1", port)
