"""A little of the campaign of files: durable ones stand every cut, and the obvious shortcuts do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.durable import PART, write_durably
from tests.power import files
from tests.power.files import Scene, Write
from tests.power.room import room


@pytest.fixture
def folder() -> Iterator[Path]:
    """Room for a campaign."""
    with room() as made:
        yield made


def renamed_only(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + PART)
    part.write_bytes(data)
    part.replace(path)


@pytest.mark.parametrize("scene", files.scenes(), ids=lambda scene: scene.name.replace(" ", "-"))
def test_after_any_cut_the_old_or_the_new_one_is_there_and_can_be_written_again(scene: Scene, folder: Path) -> None:
    result = files.Result()
    files.play(scene, 1, folder, result)
    assert result.failures == []
    assert result.images >= 50


def test_an_identity_that_was_cut_twice_is_whole(folder: Path) -> None:
    result = files.Result()
    for scene in files.cut_twice(files.folders()[1], 2, 1, folder):
        files.play(scene, 1, folder, result)
    assert result.failures == []
    assert result.points > 50


@pytest.mark.parametrize("write", [Path.write_bytes, renamed_only])
def test_a_file_that_is_only_written_or_only_renamed_does_not_stand_them(write: Write, folder: Path) -> None:
    for scene in files.plain(write):
        result = files.Result()
        files.play(scene, 1, folder, result)
        assert result.failures, scene.name
    assert write is not write_durably
