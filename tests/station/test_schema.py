"""A ledger that an older version made becomes the present one, with everything in it; a newer one is left alone."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import NewerError, PartError
from edge.station.ledger import Ledger
from edge.station.schema import SCHEMA
from tests.station.conftest import event

KEPT = Path(__file__).with_name("kept") / "ledger-1.db"  # made by doorunit 0.1.0 before it knew people


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(KEPT, tmp_path / "ledger.db")
    return tmp_path


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def tables(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        return {f"{kind} {name}" for kind, name in db.execute("SELECT type, name FROM sqlite_master")}


def test_a_ledger_of_the_first_schema_keeps_all_it_holds(folder: Path):
    assert version(folder) == 1
    with closing(Ledger(folder)) as ledger:
        assert [stored.envelope.data.record.seq for stored in ledger.records()] == [10, 4, 3, 2, 1]
        assert ledger.missing("door-1") == []
        assert ledger.frame("a" * 64) is not None
        assert ledger.units()[0].state == {"door": "open"}
    assert version(folder) == SCHEMA == 2


def test_openings_of_an_older_ledger_are_found_as_new_ones_are(folder: Path):
    with closing(Ledger(folder)) as ledger:
        assert [stored.envelope.data.record.seq for stored in ledger.openings(0)] == [2, 10]
        last = ledger.last_opening("door-1")
        assert last is not None
        assert last.envelope.data.record.seq == 10


def test_a_migrated_ledger_and_a_new_one_have_the_same_tables(folder: Path, tmp_path: Path):
    Ledger(folder).close()
    Ledger(tmp_path / "new").close()
    assert tables(folder) == tables(tmp_path / "new")


def test_a_ledger_that_is_opened_again_is_not_migrated_again(folder: Path):
    Ledger(folder).close()
    before = tables(folder)
    Ledger(folder).close()
    assert tables(folder) == before


def test_a_ledger_of_newer_software_is_refused_and_left_as_it_is(folder: Path):
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("PRAGMA user_version = 99")
    before = tables(folder)
    with pytest.raises(NewerError, match="found schema 99; want schema 2 or older"):
        Ledger(folder)
    assert (version(folder), tables(folder)) == (99, before)


def test_a_migration_that_breaks_off_leaves_the_older_ledger(folder: Path):
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("CREATE TABLE posted (in_the_way TEXT)")
    with pytest.raises(PartError, match="already exists"):
        Ledger(folder)
    assert version(folder) == 1
    assert "table person" not in tables(folder)


def test_the_last_opening_of_a_unit_is_found_by_an_index_and_not_by_reading_all(ledger, keep):
    keep(*(event(seq) for seq in range(1, 20)))
    plan = ledger.read(
        "EXPLAIN QUERY PLAN SELECT n FROM record WHERE json_extract(CAST(body AS TEXT), '$.data.record.change') ="
        " 'opened' AND unit = ? ORDER BY n DESC LIMIT 1",
        ("door-1",),
    )
    assert "opening_unit" in str(plan)


def test_nothing_in_the_audit_is_changed_or_taken_away(ledger):
    with ledger.change() as db:
        db.execute("INSERT INTO audit (at_ns, person, what, unit, subject, detail) VALUES (1, 'a', 'b', 'c', 'd', 'e')")

    def attempt(statement: str) -> None:
        with ledger.change() as db:
            db.execute(statement)

    for statement in ("DELETE FROM audit", "UPDATE audit SET person = 'nobody'"):
        with pytest.raises(PartError, match="only added to"):
            attempt(statement)
    assert ledger.read("SELECT person FROM audit") == [("a",)]
