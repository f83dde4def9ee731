"""The spool on real files: what was committed is there after anything, and no seq is handed out twice."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import CorruptError, FullError, PartError
from edge.parts import Snapshot
from edge.spool.store import BLOCK, SCHEMA, SqliteStore
from tests.spool.card import Card
from tests.spool.conftest import Make
from tests.spool.samples import RAM, event, power_cut, put, row, seqs, stamp

# --- what is promised of the file


def test_the_settings_that_keep_records_through_a_power_cut_are_in_force(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    db = store._db
    assert db is not None
    asked = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "mmap_size")}
    assert asked == {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0}


def test_another_process_may_read_while_the_unit_writes(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 1, 2)
    reader = sqlite3.connect(f"file:{tmp_path}/spool.db?mode=ro", uri=True)
    assert reader.execute("SELECT count(*) FROM record").fetchone() == (2,)
    put(store, 3)
    assert reader.execute("SELECT count(*) FROM record").fetchone() == (3,)
    reader.close()


def test_records_are_read_in_order_after_a_row_and_up_to_a_limit(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 3, 1, 5, 4)
    assert [n for n, _ in store.read(0, 10)] == [1, 3, 4, 5]
    assert [n for n, _ in store.read(1, 2)] == [3, 4]
    assert store.read(5, 10) == []
    assert store.read(2, 1) == [(3, event(3))]
    store.commit([lambda s: s.forget([1, 4, 77])])
    assert seqs(store) == [3, 5]


def test_what_was_kept_is_there_when_it_is_opened_again(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    first = store.open()
    store.commit(
        [
            lambda s: s.put(7, event(7)),
            lambda s: s.keep("door", b"open"),
            lambda s: s.anchor(stamp()),
            *(lambda s, name=name: s.add_frame(row(name)) for name in ("b", "a", "c")),
            lambda s: s.drop_frame("a"),
        ]
    )
    store.close()
    again = store.open()
    assert (again.epoch, again.backlog, again.next_n, again.last_seq) == (first.epoch, 1, 8, 7)
    assert again.state["door"] == b"open"
    assert again.anchors == {"boot-1": stamp()}
    assert [frame.name for frame in again.frames] == ["b", "c"], "oldest first, by when they were added"
    assert again.loss == ""


def test_the_anchors_of_the_last_sixteen_boots_are_kept(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    for n in range(20):
        store.commit([lambda s, n=n: s.anchor(stamp(boot=f"boot-{n}"))])
    store.commit([lambda s: s.anchor(stamp(5, boot="boot-19"))])
    assert sorted(store.open().anchors) == sorted(f"boot-{n}" for n in range(5, 20))
    assert store.open().anchors["boot-19"] == stamp(5, boot="boot-19"), "a later anchor of one boot takes its place"


def test_an_operation_that_raises_leaves_the_spool_as_it_was_and_in_use(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    with pytest.raises(TypeError):
        store.commit([lambda s: s.put(1, event(1)), lambda s: s.keep("x", 1 + "1")])
    assert seqs(store) == []
    put(store, 2)
    assert seqs(store) == [2]


def test_a_spool_whose_file_was_removed_in_use_is_begun_anew_and_the_loss_is_told(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path / "state")
    before = store.open()
    put(store, 1)
    shutil.rmtree(tmp_path / "state")
    with pytest.raises(CorruptError, match="no such file"):
        put(store, 2)
    after = store.open()
    assert (after.loss, after.lost_epoch) == (f"{store.path} is gone", before.epoch)
    assert after.epoch != before.epoch
    put(store, 3)
    assert seqs(store) == [3]


def test_a_closed_spool_says_so_and_closing_may_be_repeated(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    store.close()
    store.close()
    with pytest.raises(PartError, match="it is closed"):
        put(store, 1)
    with pytest.raises(PartError, match="it is closed"):
        store.read(0, 1)


# --- seqs


@settings(max_examples=60, deadline=None)
@given(lives=st.lists(st.tuples(st.integers(0, 150), st.booleans()), min_size=1, max_size=6))
def test_no_seq_is_handed_out_twice_however_the_unit_ended(lives: list[tuple[int, bool]]) -> None:
    """Each life uses some seqs, raising the limit as the journal does, and ends in order or by a power cut."""
    with tempfile.TemporaryDirectory(dir=RAM) as base:
        folder, used = Path(base, "0"), set[int]()
        for number, (count, clean) in enumerate(lives, 1):
            store = SqliteStore(folder, lambda: "epoch-1")
            snapshot = store.open()
            seq, limit = snapshot.next_seq, snapshot.limit_seq
            for _ in range(count):
                if seq == limit:
                    limit += BLOCK
                    store.commit([lambda s, limit=limit: s.reserve(limit)])
                assert seq not in used
                used.add(seq)
                seq += 1
            if clean:
                store.commit([lambda s, seq=seq: s.reserve(seq, clean=True)])
            folder = power_cut(folder, Path(base, str(number)))
            store.close()


def test_after_a_power_cut_the_void_seqs_are_those_set_aside_and_not_committed(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path / "a")
    first = store.open()
    put(store, *range(first.next_seq, first.next_seq + 3))
    cut = make(power_cut(tmp_path / "a", tmp_path / "b")).open()
    assert not cut.clean
    assert cut.last_seq == first.next_seq + 2
    assert cut.next_seq == first.limit_seq
    assert cut.limit_seq == first.limit_seq + BLOCK


def test_a_clean_end_leaves_no_void_seq(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    first = store.open()
    put(store, first.next_seq)
    store.commit([lambda s: s.reserve(first.next_seq + 1, clean=True)])
    store.close()
    again = store.open()
    assert again.clean
    assert again.next_seq == again.last_seq + 1 == first.next_seq + 1


def test_a_record_from_while_no_spool_was_open_does_not_move_the_last_seq(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    put(store, 40)
    put(store, 41, epoch="spare")
    assert store.open().last_seq == 40
    assert seqs(store) == [40, 41]


def test_a_spool_of_another_schema_is_refused_and_left_alone(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.open()
    store.commit([lambda s: s._connection().execute(f"PRAGMA user_version = {SCHEMA + 8}")])
    store.close()
    before = (tmp_path / "spool.db").read_bytes()
    with pytest.raises(PartError, match=f"^spool [^ ]*: found schema {SCHEMA + 8}; want schema {SCHEMA}. Install"):
        store.open()
    store.close()
    assert (tmp_path / "spool.db").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"spool.db", "ballast"}


# --- a card that will not


FULL = r"^spool [^ ]*/spool.db: found a full card; want room for records\. Openings are reported live meanwhile"
READ_ONLY = r"^spool [^ ]*/spool.db: found a card that is read-only; want a card that can be written\. Openings are"


def test_a_full_card_is_called_full_and_takes_records_again_once_it_has_room(make: Make, card: Card) -> None:
    store = make(card.folder)
    store.open()
    put(store, 1)
    card.fill()
    with pytest.raises(FullError, match=FULL):
        store.commit([lambda s, n=n: s.put(n, event(n, reason="x" * 1000)) for n in range(2, 200)])
    assert seqs(store) == [1], "all of a commit or nothing of it"
    card.free()
    put(store, 2, 3)
    assert seqs(store) == [1, 2, 3]


@pytest.mark.parametrize("known", [True, False], ids=["with a spool", "without one"])
def test_a_card_that_is_full_at_the_start_is_called_full(make: Make, card: Card, known: bool) -> None:
    store = make(card.folder)
    if known:
        store.open()
        put(store, 1)
        store.close()
    card.fill()
    with pytest.raises(FullError, match=FULL):
        store.open()
    card.free()
    assert store.open().backlog == int(known)
    assert store.open().loss == ""


@pytest.mark.parametrize("known", [True, False], ids=["with a spool", "without one"])
def test_a_card_that_is_read_only_at_the_start_is_called_so(make: Make, card: Card, known: bool) -> None:
    store = make(card.folder)
    if known:
        store.open()
        put(store, 1)
        store.close()
    card.protect()
    with pytest.raises(PartError, match=READ_ONLY) as caught:
        store.open()
    assert not isinstance(caught.value, FullError | CorruptError)
    store.close()
    card.unprotect()
    assert store.open().backlog == int(known)


def test_a_card_that_falls_ill_is_called_read_only_and_is_still_read(make: Make, card: Card) -> None:
    store = make(card.folder)
    store.open()
    put(store, 1, 2)
    card.fall_ill()
    with pytest.raises(PartError, match=READ_ONLY):
        put(store, 3)
    assert seqs(store) == [1, 2]
    store.close()
    card.restart()
    after: Snapshot = store.open()
    assert (after.backlog, after.last_seq, after.clean, after.loss) == (2, 2, False, "")
