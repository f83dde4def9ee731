"""Enrolment is cut after every statement, on the unit and at the station; whoever starts again finds or finishes it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from edge import durable, identity
from edge.onsite import bootfile, enrol, keys
from edge.station import desk, known, roll
from tests.onsite.town import Town
from tests.power.room import room

CUT = 77  # the exit code of a process that was cut
UNIT = (enrol, identity, bootfile, durable)
STATION = (desk, known, roll, durable)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory: a town is made anew for every cut."""
    with room() as made:
        yield made


def cut_at(step: int, files: set[str], act: Callable[[], object]) -> bool:
    """Whether `act`, in a process of its own, was ended before the `step`th line of these files that it came to."""
    child = os.fork()
    if child == 0:
        been: set[tuple[str, int]] = set()

        def line(frame: FrameType, event: str, _arg: Any) -> Any:
            if event == "line":
                been.add((frame.f_code.co_filename, frame.f_lineno))
                if len(been) > step:
                    os._exit(CUT)
            return line

        seen: dict[CodeType, bool] = {}

        def call(frame: FrameType, _event: str, _arg: Any) -> Any:
            mine = seen.setdefault(frame.f_code, frame.f_code.co_filename in files)
            return line if mine else None

        sys.settrace(call)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == CUT


def cuts(where: Path, modules: tuple[Any, ...]) -> Iterator[Town]:
    """The town as each cut left it, all of it started anew."""
    files = {str(module.__file__) for module in modules}
    for step in range(2000):
        folder = where / "town"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(where / "ready", folder)
        town = Town(folder)
        cut = cut_at(step, files, lambda town=town: town.unit(town.folder / "a/boot" / bootfile.NAME).attempt())
        yield Town(folder)
        if not cut:
            return


@pytest.mark.parametrize("reissued", [False, True], ids=["first", "reissued"])
@pytest.mark.parametrize("modules", [UNIT, STATION], ids=["unit", "station"])
def test_after_a_cut_anywhere_the_unit_ends_with_one_identity_and_no_token(
    folder: Path, modules: tuple[Any, ...], reissued: bool
) -> None:
    before = Town(folder / "ready")
    boot_path = before.card("a", token=before.token())
    if reissued:
        before.unit(boot_path).attempt()
        before.card("a", token=before.desk.reissue("door-1"))
    steps = finished = 0
    for town in cuts(folder, modules):
        boot_path, state = town.folder / "a/boot" / bootfile.NAME, town.folder / "a/state"
        if bootfile.read(boot_path).token is None:  # erased: then what it was good for is on the card
            assert identity.load(state / "identity").unit == "door-1"
        if enrol.due(state, boot_path) is None:
            finished += 1
        else:
            assert town.unit(boot_path).attempt() is not None
        who = identity.load(state / "identity")
        (valid,) = town.ca.known.valid("door-1")
        assert valid.key == keys.key_id_of(who.key_file.read_bytes())
        assert valid.pem.encode() == who.cert_file.read_bytes()
        assert bootfile.read(boot_path).token is None
        assert not (state / "enrolling.json").exists()
        assert enrol.due(state, boot_path) is None
        steps += 1
    assert steps > 60
    assert finished >= 1
