"""`doorunit simulate fleet` says what is wrong before it makes or dials anything."""

import json
import socket
from pathlib import Path

import pytest

from edge.cli import MISUSED, UNWELL, main


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    code = main(["simulate", "fleet", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--units", "0"),
        ("--units", "18001"),
        ("--openings", "-1"),
        ("--hour", "24"),
        ("--minutes", "-1"),
        ("--minutes", "nan"),
        ("--cut", "-1"),
        ("--pulse", "0"),
        ("--prefix", "a/+"),
        ("--prefix", "A"),
        ("--broker", "mqtt://192.0.2.1:1883"),
        ("--broker", "mqtt://127.0.0.1:99999"),
        ("--broker", "mqtt://[half:1883"),
        ("--broker", ""),
    ],
)
def test_what_no_fleet_can_be_played_with_is_refused_by_its_name(flag: str, value: str, capsys):
    code, error = told(capsys, f"{flag}={value}")
    assert (code, error["what"]) == (MISUSED, flag)
    assert error["wanted"]
    assert error["remedy"].startswith("Try:")


def test_a_folder_without_an_authority_is_no_station_and_stays_as_it_is(tmp_path: Path, capsys):
    code, error = told(capsys, "--broker=mqtts://127.0.0.1:1", f"--station={tmp_path}")
    assert (code, error["what"]) == (MISUSED, "--station")
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_listens_it_says_so_instead_of_dialling_for_minutes(capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{free.getsockname()[1]}"
        code, error = told(capsys, f"--broker=mqtt://{where}")
    assert (code, error["what"]) == (UNWELL, where)
    assert "nothing listens" in error["found"]
