"""A little of the campaign: no promise breaks, unless the spool is told not to wait for the card."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power.campaign import Campaign
from tests.power.cuts import main
from tests.power.disk import Disk
from tests.power.room import empty, room
from tests.power.test_hands import lying


@pytest.fixture
def folder() -> Iterator[Path]:
    """Room for a campaign."""
    with room() as made:
        yield made


def test_no_promise_breaks_at_any_of_the_first_operations_of_a_unit(folder: Path) -> None:
    result = Campaign(1, "FULL", folder).run(360)
    assert (result.points, result.images) == (120, 360)
    assert result.failures == []
    assert len(result.marks) > 120, "most images are different ones"
    assert result.done["frames added"] > 0 < result.done["records put in groups"]


def test_a_spool_that_syncs_only_checkpoints_loses_what_it_acknowledged(folder: Path) -> None:
    result = Campaign(1, "NORMAL", folder).run(600, first=True)
    assert "acknowledged records are lost" in result.failures[0].broken


def test_a_spool_that_syncs_nothing_is_found_corrupt(folder: Path) -> None:
    result = Campaign(1, "OFF", folder).run(600, first=True)
    assert "a spool was corrupt" in result.failures[0].broken


def test_one_image_is_laid_out_again_by_seed_point_and_kind(folder: Path) -> None:
    failure = Campaign(2, "NORMAL", folder).run(600, first=True).failures[0]
    image, verdict = Campaign(2, "NORMAL", folder).one(failure.point, failure.kind)
    assert failure.broken in verdict.broken
    assert (image / "state" / "spool.db").exists()


def test_the_same_seed_plays_the_same_lives_and_another_seed_others(folder: Path) -> None:
    first, again, other = (Campaign(seed, "FULL", folder).run(90).marks for seed in (1, 1, 2))
    assert first == again != other


def test_the_tape_of_a_life_holds_all_that_was_done_to_its_files(folder: Path) -> None:
    campaign = Campaign(1, "FULL", folder)
    cut = next(campaign._cuts())
    tape = campaign.tape
    disk = Disk(tape)
    for op in tape.operations():
        disk.step(op)
    disk.image("kept", random.Random(1)).build(empty(folder / "image"))
    assert cut.life == 0
    assert lying(folder / "image") == lying(folder / "life")
    assert lying(folder / "life").keys() > {"state/spool.db", "state/frames"}


def test_the_campaign_says_what_it_played_and_how_one_failure_is_seen_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mode", "NORMAL", "--first", "--images", "600"]) == 1
    said = capsys.readouterr().out
    assert "synchronous=NORMAL" in said
    assert "python tests/power/cuts.py --seed 1 --mode NORMAL --point " in said
    assert main(["--mode", "FULL", "--images", "60"]) == 0
