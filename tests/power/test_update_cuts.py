"""A little of the campaign of updates: the updater stands every cut of a story, and a careless card does not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.shop import Quick
from tests.power import update_cuts
from tests.power.room import room
from tests.power.update_cuts import STORIES, NeverSyncs, Result, TwoSteps

SHORT = [story for story in STORIES if story.name in ("the settling of a return that was cut", "sent back by a person")]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Room for a campaign."""
    with room() as made:
        yield made


def test_after_any_cut_of_a_short_story_one_whole_version_runs_and_the_next_update_succeeds(folder: Path):
    result = Result()
    for story in SHORT:
        update_cuts.play(story, Quick, 3, 1, folder, result)
    assert len(SHORT) == 2
    assert result.bricked == []
    assert result.points >= 10


@pytest.mark.parametrize("card", [NeverSyncs, TwoSteps])
def test_a_card_that_never_syncs_or_changes_the_link_in_two_steps_does_not_stand_them(card: type[Quick], folder: Path):
    result = Result()
    for story in (STORIES[1],) if card is NeverSyncs else SHORT:
        update_cuts.play(story, card, 4, 1, folder, result)
    assert result.bricked
