"""A unit that is cut off while it erases has erased at its next start, and nothing of what it held can be carved."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.parts import FrameRow
from edge.spool.erase import MARK, Eraser
from edge.spool.frames import FrameFiles
from edge.spool.store import SqliteStore
from tests.power import erasing, files
from tests.power.files import Scene
from tests.power.room import empty, room
from tests.spool.samples import put, stamp

STEPS = ("unlink", "rmdir", "rename", "replace", "fsync", "mkdir")
CANARIES = (b"epoch-1", b"sealed-canary")


class CutError(BaseException):
    """The unit is gone. No Exception: nothing of ours may catch it."""


@contextmanager
def cut_after(step: int) -> Iterator[None]:
    """The nth change that Python makes to a folder or syncs is the last one."""
    left = [step]
    old = {name: getattr(os, name) for name in STEPS}

    def counted(act: Callable[..., object]) -> Callable[..., object]:
        def acts(*args: object, **kwargs: object) -> object:
            answer = act(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                raise CutError
            return answer

        return acts

    try:
        for name, act in old.items():
            setattr(os, name, counted(act))
        yield
    finally:
        for name, act in old.items():
            setattr(os, name, act)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Room for a campaign."""
    with room() as made:
        yield made


def unit(root: Path, life: int) -> Eraser:
    epochs = iter(f"spool-{life}{n}" for n in range(9))
    return Eraser(root, SqliteStore(root, lambda: next(epochs)), FrameFiles(root / "frames"))


def lay(root: Path) -> Eraser:
    """A unit that holds records and frames, some of them set aside."""
    made = unit(root, 1)
    made.open()
    put(made._store, *range(1, 40))
    for n in range(4):
        name = f"{n:064}"
        made._files.write(name, b"sealed-canary" * 100)
        made._store.commit([lambda s, name=name: s.add_frame(FrameRow(name, "epoch-1", 1, stamp(), 1300))])
    (root / "spool.db.damaged-1").write_bytes(b"sealed-canary epoch-1")
    return made


def carve(root: Path) -> list[str]:
    """Files in which anything of what was held can be found."""
    found = [path for path in root.rglob("*") if path.is_file()]
    return [path.name for path in found if any(canary in path.read_bytes() for canary in CANARIES)]


@pytest.mark.parametrize("scene", erasing.scenes(), ids=lambda scene: scene.name.replace(" ", "-"))
def test_after_any_cut_all_is_there_or_erased_and_it_can_be_done_again(scene: Scene, folder: Path) -> None:
    result = files.Result()
    files.play(scene, 1, folder, result)
    assert result.failures == []
    assert result.images >= 50


def test_an_erasing_that_is_cut_twice_is_finished(folder: Path) -> None:
    result = files.Result()
    for scene in files.cut_twice(erasing.scenes()[2], 2, 1, folder):
        files.play(scene, 1, folder, result)
    assert result.failures == []
    assert result.points > 20


def test_after_a_crash_at_every_step_of_a_real_spool_nothing_can_be_carved_at_the_next_start(folder: Path) -> None:
    begun = finished = 0
    for step in range(1, 200):
        root = empty(folder / "unit")
        eraser = lay(root)
        try:
            with cut_after(step):
                eraser.erase(lambda gone: {"erased": str(len(list(gone or ())))}, {})
        except CutError:
            eraser._store.close()
        else:
            finished += 1
            break
        marked = (root / MARK).exists()
        begun += marked
        snapshot = unit(root, 2).open()
        assert not (root / MARK).exists()
        if marked or snapshot.epoch != "spool-10":
            assert carve(root) == [], f"step {step}"
            assert snapshot.state["erased"] == b"39"
            assert snapshot.frames == ()
        else:
            assert (snapshot.backlog, len(snapshot.frames)) == (39, 4), "no mark, and nothing is gone"
    assert finished
    assert begun > 10


def test_what_a_carver_looks_for_is_found_before_it_is_erased(folder: Path) -> None:
    lay(empty(folder / "unit"))._store.close()
    assert len(carve(folder / "unit")) >= 6
