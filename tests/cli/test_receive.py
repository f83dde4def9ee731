"""`doorunit station receive`: a receiver alone, on a broker and a ledger that are there already."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge.cli import MISUSED, UNWELL, WELL, main
from edge.station.broker import open_broker
from edge.station.ledger import Ledger
from tests.station.test_receiver import PATIENCE_S, Unit, sent

LOCAL = ("--broker", "mqtt://127.0.0.1:1883")


def test_it_receives_until_it_is_told_to_end_and_ends_in_order(tmp_path: Path):
    broker = open_broker(tmp_path / "broker", None)
    url = f"mqtt://{broker.host}:{broker.port}"
    words = ("station", "receive", "--ledger", tmp_path / "ledger", "--broker", url, "--client", "one", "--group", "g")
    command = [sys.executable, "-m", "edge.cli", *map(str, words), "--json"]
    with closing(broker), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told == {"client": "one", "broker": f"{broker.host}:{broker.port}", "group": "g"}
        with closing(Unit(broker)) as unit:
            unit.say("event", sent(1))
            assert unit.receipts.get(timeout=PATIENCE_S).stored == ((1, 1),)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == WELL
    with closing(Ledger(tmp_path / "ledger")) as ledger:
        assert ledger.count("door-1") == 1


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), "--broker: found nothing"),
        (("--broker", "mqtt://broker.example"), "want mqtts://host:port with --tls CA CERT KEY"),
        (("--broker", "mqtts://broker.example"), "want mqtts://host:port with --tls CA CERT KEY"),
        (("--broker", "mqtt://127.0.0.1:port"), "--broker: found mqtt://127.0.0.1:port"),
        (LOCAL, "--ledger: found nothing"),
        ((*LOCAL, "--group", "g", "--mqtt", "3.1.1"), "--group: found --mqtt 3.1.1"),
        ((*LOCAL, "--ledger", "mysql://doors"), "--ledger: found mysql"),
        ((*LOCAL, "--ledger", "postgresql://db.example/doors"), "found db.example without sslmode=verify-full"),
    ],
)
def test_a_misuse_says_what_was_found_and_what_to_do(capsys, words: tuple[str, ...], found: str):
    assert main(["station", "receive", *words]) == MISUSED
    said = capsys.readouterr().err
    assert found in said
    assert "Try: " in said or "See " in said


def test_a_database_that_is_away_at_the_start_is_said(capsys):
    assert main(["station", "receive", *LOCAL, "--ledger", "postgresql://me@/doors?host=/nowhere"]) == UNWELL
    assert "ledger doors on /nowhere: found" in capsys.readouterr().err
