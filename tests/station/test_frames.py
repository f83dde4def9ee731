"""A frame is kept once, only under its own name, only from the unit that signed it."""

import pytest

from edge.clock import SystemClock
from edge.errors import PartError, WireError
from edge.spool.seal import Sealer, frame_name
from edge.station.frames import FrameStore
from tests.station.conftest import stamp


@pytest.fixture
def came():
    return []


@pytest.fixture
def store(tmp_path, ledger, authority, came):
    return FrameStore(tmp_path / "frames", ledger, authority, SystemClock(), came.append)


@pytest.fixture
def seal(authority, tmp_path):
    who = authority.issue("door-1", tmp_path / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    return lambda jpeg: sealer.seal(jpeg, epoch="e1", event=7, at=stamp())


def test_a_frame_is_told_of_once_however_often_it_comes(store, seal, came, ledger):
    sealed = seal(b"one")
    assert store.put("door-1", frame_name(sealed), sealed)
    assert not store.put("door-1", frame_name(sealed), sealed)
    assert [(p.unit, p.epoch, p.event) for p in came] == [("door-1", "e1", 7)]
    assert ledger.frame(frame_name(sealed)) == came[0]


def test_bytes_that_are_not_what_the_name_says_are_refused(store, seal, came):
    sealed = seal(b"one")
    with pytest.raises(WireError, match="found bytes with another sha256"):
        store.put("door-1", frame_name(sealed), sealed + b"x")
    assert came == []


def test_a_frame_that_was_changed_and_renamed_is_refused(store, seal):
    sealed = bytearray(seal(b"one"))
    sealed[-70] ^= 1
    with pytest.raises(WireError, match="digest"):
        store.put("door-1", frame_name(bytes(sealed)), bytes(sealed))


def test_a_unit_may_not_bring_another_units_frame(store, seal, authority, tmp_path):
    authority.issue("door-2", tmp_path / "id2")
    sealed = seal(b"one")
    with pytest.raises(WireError, match="signature"):
        store.put("door-2", frame_name(sealed), sealed)


def test_a_frame_of_a_unit_that_was_never_enrolled_is_refused(store, seal):
    sealed = seal(b"one")
    with pytest.raises(WireError, match="no such unit"):
        store.put("stranger", frame_name(sealed), sealed)


def test_a_unit_whose_name_is_a_path_is_refused(store, seal):
    sealed = seal(b"one")
    with pytest.raises(WireError):
        store.put("../door-1", frame_name(sealed), sealed)


def test_a_disk_that_takes_no_file_leaves_no_row(tmp_path, store, seal, ledger):
    (tmp_path / "frames").write_bytes(b"a file where the folder should be")
    sealed = seal(b"one")
    with pytest.raises(PartError, match="folder"):
        store.put("door-1", frame_name(sealed), sealed)
    assert ledger.frame(frame_name(sealed)) is None


def test_a_signed_frame_of_an_event_beyond_all_numbers_is_refused_and_leaves_no_file(store, authority, tmp_path):
    who = authority.issue("door-1", tmp_path / "id")
    sealer = Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal())
    sealed = sealer.seal(b"one", epoch="e1", event=2**64 - 1, at=stamp())
    with pytest.raises(WireError, match="header"):
        store.put("door-1", frame_name(sealed), sealed)
    assert not (tmp_path / "frames").exists()


def test_what_a_unit_sealed_before_it_was_enrolled_anew_is_kept_and_opened(store, seal, authority, tmp_path):
    old = seal(b"waiting")
    authority.issue("door-1", tmp_path / "again")
    assert store.put("door-1", frame_name(old), old)
    assert store.open(frame_name(old)) == b"waiting"


def test_a_revoked_units_new_pictures_are_refused_and_those_from_before_still_open(store, seal, authority):
    before, after = seal(b"before"), seal(b"after")
    store.put("door-1", frame_name(before), before)
    authority.known.revoke("door-1", "2026-11-24T00:00:00.000000Z", trusted=False)
    with pytest.raises(WireError, match="none of its keys is believed any more"):
        store.put("door-1", frame_name(after), after)
    assert store.open(frame_name(before)) == b"before"
