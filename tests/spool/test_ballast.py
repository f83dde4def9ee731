"""On a card that somebody else fills, records go on; pictures do not take their room."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import FullError
from edge.spool.ballast import NAME, Ballast, room, share
from edge.spool.frames import FrameFiles
from tests.spool.card import Card
from tests.spool.conftest import Start


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    with closing(Card(tmp_path, 8 * 1024)) as mounted:
        yield mounted


def test_the_spool_holds_a_sixteenth_of_the_card_and_it_is_no_hole(start: Start, card: Card) -> None:
    desk = start(folder=card.folder)
    desk.open()
    held = (card.folder / NAME).stat()
    assert held.st_size == share(card.folder) > 0
    assert held.st_blocks * 512 >= held.st_size


def test_on_a_card_that_somebody_else_filled_openings_are_still_kept_and_pictures_are_not(
    start: Start, card: Card
) -> None:
    desk = start(folder=card.folder)
    desk.open()
    card.fill()
    keys = [desk.put() for _ in range(20)]
    assert desk.on_card() == keys
    assert desk.troubles == []
    assert not (card.folder / NAME).exists()
    with pytest.raises(FullError):
        FrameFiles(card.folder / "frames").write("a", bytes(100))


def test_a_card_that_is_full_at_the_start_is_opened_all_the_same(start: Start, card: Card) -> None:
    desk = start(folder=card.folder)
    desk.open()
    key = desk.put()
    desk.end()
    card.fill()
    again = start(folder=card.folder)
    assert again.open() is not None
    assert again.on_card() == [key]
    assert again.put() in again.on_card()


def test_the_room_is_taken_again_once_there_is_some(start: Start, card: Card) -> None:
    desk = start(folder=card.folder)
    desk.open()
    card.fill()
    desk.put()
    card.free()
    desk.put()
    assert (card.folder / NAME).exists()


def test_a_card_with_hardly_any_room_is_left_alone(card: Card) -> None:
    card.fill(but_kb=share(card.folder) // 1024)
    before = room(card.folder)
    Ballast(card.folder).hold()
    assert room(card.folder) == before
    assert not Ballast(card.folder).spend()


def test_a_read_only_card_is_no_trouble(card: Card) -> None:
    card.protect()
    Ballast(card.folder).hold()
    assert not Ballast(card.folder).spend()
