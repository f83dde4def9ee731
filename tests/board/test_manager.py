"""sd_notify over a real datagram socket; and a whole unit as a service manager starts it."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.board.manager import Manager
from edge.station.ca import Authority
from tests.house.plan import ROOT

PID = 42
WITHIN_S = 20


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(WITHIN_S)
        yield sock


@pytest.mark.parametrize(
    ("environ", "beat_ns"),
    [
        ({"WATCHDOG_USEC": "8000000"}, 2_000_000_000),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "42"}, 2_000_000_000),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-8"}, None),
        ({"WATCHDOG_USEC": "８"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_four_times_in_its_time_where_there_is_one(environ: dict[str, str], beat_ns: int | None):
    assert Manager(environ | {"NOTIFY_SOCKET": "/run/x"}, PID).beat_ns == beat_ns
    assert Manager(environ, PID).beat_ns is None


def test_what_is_told_arrives_as_one_message(ear: socket.socket):
    Manager({"NOTIFY_SOCKET": ear.getsockname()}, PID).tell("READY=1", "STATUS=door shut")
    assert ear.recv(4096) == b"READY=1\nSTATUS=door shut"


def test_a_wait_for_enrolment_is_given_its_time(ear: socket.socket):
    Manager({"NOTIFY_SOCKET": ear.getsockname()}, PID).wait(30.0)
    assert ear.recv(4096) == b"EXTEND_TIMEOUT_USEC=150000000\nSTATUS=waits to be enrolled"


def test_an_abstract_socket_is_reached_too():
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
        sock.bind("\0doorunit-test-" + str(os.getpid()))
        Manager({"NOTIFY_SOCKET": "@" + sock.getsockname()[1:].decode()}, PID).tell("READY=1")
        assert sock.recv(4096) == b"READY=1"


def test_a_manager_that_is_gone_or_does_not_read_costs_a_line_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING)
    manager = Manager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, PID)
    for _ in range(3):
        manager.tell("WATCHDOG=1")
    assert len(caplog.records) == 1
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        full = Manager({"NOTIFY_SOCKET": str(tmp_path / "deaf")}, PID)
        for _ in range(1000):
            full.tell("WATCHDOG=1")


def test_without_a_manager_nothing_is_told():
    manager = Manager({}, PID)
    manager.tell("READY=1")
    assert not manager


def test_a_unit_says_that_it_is_ready_feeds_the_watchdog_and_says_that_it_ends(tmp_path: Path, ear: socket.socket):
    Authority.open(tmp_path / "ca").issue("door-1", tmp_path / "state/identity")
    settings = tmp_path / "doorunit.toml"
    settings.write_text(f'[unit]\nstate_dir = "{tmp_path}/state"\n[camera]\nenabled = false\n[uplink]\nport = 1\n')
    environ = {**os.environ, "NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "400000"}
    command = [sys.executable, "-m", "edge.cli", "run", "--simulate", "--config", str(settings)]
    unit = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)
    try:
        assert ear.recv(4096).startswith(b"READY=1\nSTATUS=door ")
        for _ in range(3):
            assert ear.recv(4096).startswith(b"WATCHDOG=1\nSTATUS=door ")
        unit.send_signal(signal.SIGTERM)
        while not ear.recv(4096).startswith(b"STOPPING=1"):
            pass
        assert unit.wait(WITHIN_S) == 0
    finally:
        unit.kill()
        unit.wait()
