"""`doorunit erase` and `doorunit handover`: of a unit that is stopped, and only when it is meant."""

import json
from pathlib import Path

import pytest

from edge.cli import MISUSED, WELL, main
from edge.clock import FLOOR_NS
from edge.sim import terms
from edge.spool.erase import MARK
from edge.spool.frames import FrameFiles
from edge.spool.hold import Hold
from edge.spool.store import SqliteStore
from tests.spool.samples import put, row


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a unit that holds two records and a picture."""
    state = tmp_path / "state"
    store, files = SqliteStore(state, lambda: "epoch-1"), FrameFiles(state / "frames")
    store.open()
    put(store, 1, 2)
    files.write("a" * 64, b"sealed")
    store.commit([lambda s: s.add_frame(row("a" * 64)), lambda s: s.keep("commands", b'{"c1":5}')])
    store.close()
    terms.preset(state, FLOOR_NS)
    for name in ("commissioned", "installation.pdf"):
        (state / name).write_text("yes")
    (state / "identity").mkdir()
    path = tmp_path / "doorunit.toml"
    path.write_text(f"[unit]\nstate_dir = '{state}'\n")
    return path


def names(config: Path) -> set[str]:
    return {path.name for path in (config.parent / "state").iterdir()} - {"ballast"}  # zeros that keep room


@pytest.mark.parametrize("verb", ["erase", "handover"])
def test_nothing_is_erased_that_is_not_said_to_be_meant(config: Path, verb: str, capsys):
    assert main([verb, "--config", str(config)]) == MISUSED
    assert "Say --yes" in capsys.readouterr().err
    assert "term.json" in names(config)


@pytest.mark.parametrize("verb", ["erase", "handover"])
def test_a_unit_that_runs_is_not_erased_under_its_hands(config: Path, verb: str, capsys):
    hold = Hold(config.parent / "state")
    assert main([verb, "--yes", "--config", str(config)]) == MISUSED
    assert "systemctl stop doorunit" in capsys.readouterr().err
    hold.close()
    assert main([verb, "--yes", "--config", str(config)]) == WELL


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys):
    path = tmp_path / "doorunit.toml"
    path.write_text(f"[unit]\nstate_dir = '{tmp_path / 'none'}'\n")
    assert main(["erase", "--yes", "--config", str(path)]) == MISUSED
    assert "no such folder" in capsys.readouterr().err


def test_erase_counts_what_was_not_delivered_and_leaves_a_spool_that_tells_of_it(config: Path, capsys):
    assert main(["erase", "--yes", "--json", "--config", str(config)]) == WELL
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["frames"]) == (2, 1)
    assert names(config) & {"term.json", "frames", MARK} == set()
    assert {"commissioned", "identity"} < names(config)
    store = SqliteStore(config.parent / "state", lambda: "epoch-3")
    snapshot = store.open()
    assert (snapshot.backlog, snapshot.state["commands"]) == (0, b'{"c1":5}')
    assert json.loads(snapshot.state["erased"])["by"] == "technician"
    store.close()


def test_handover_takes_the_installation_and_leaves_the_identity(config: Path, capsys):
    assert main(["handover", "--yes", "--config", str(config)]) == WELL
    assert "removed commissioned, installation.pdf" in capsys.readouterr().out
    assert names(config) == {"spool.db", "identity"}


def test_a_unit_that_leaves_the_fleet_loses_its_identity_too(config: Path, capsys):
    assert main(["handover", "--yes", "--identity", "--json", "--config", str(config)]) == WELL
    assert "identity" in json.loads(capsys.readouterr().out)["removed"]
    assert names(config) == {"spool.db"}
