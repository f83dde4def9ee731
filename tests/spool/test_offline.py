"""A month without a network on a small card: every opening is kept, and pictures make the room for it, counted."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import FullError
from tests.spool.card import Card
from tests.spool.conftest import Start
from tests.spool.samples import row
from tests.spool.test_album import Shelf

EVENTS = 50_000  # 30 days of a door that moves once a minute, and a good third more
CARD_KB = 64 * 1024
FRAME_BYTES = 150_000
GROUP = 500  # what one commit takes; the unit's own grouping, only larger, to spare this test its syncs


@pytest.fixture
def small_card(tmp_path: Path) -> Iterator[Card]:
    with closing(Card(tmp_path, CARD_KB)) as mounted:
        yield mounted


def test_fifty_thousand_events_fit_on_64_mb_beside_pictures_that_make_room_for_them(
    start: Start, small_card: Card
) -> None:
    desk = start(folder=small_card.folder, records_max=100_000)
    desk.open()
    shelf = Shelf(desk, small_card.folder, limit_bytes=1_000_000_000)  # a budget that this card cannot hold

    def trouble(err: object) -> None:
        if isinstance(err, FullError):
            shelf.album.shed()

    desk.journal.on_trouble = trouble
    taken = 0
    while not shelf.refused:  # pictures first, until the card is full of them
        shelf.keep(f"{taken:064d}", FRAME_BYTES)
        taken += 1
    assert isinstance(shelf.refused[0], FullError)
    assert len(shelf.lost) > 0

    keys = []
    for _ in range(EVENTS // GROUP):
        desk.worker.at_once = False
        keys += [desk.put() for _ in range(GROUP)]
        desk.worker.at_once = True
        desk.worker.run()
        desk.live(0)
        for _ in range(20):
            if not desk.journal._ram:
                break
            desk.live(31)  # the card was full: pictures went, and the commit is tried again
    assert [(r.epoch, r.seq) for _, r in desk.store.read(0, EVENTS + 1)] == keys, "every one, in order"
    assert desk.lost == [], "no record was evicted"
    assert shelf.lost == [row(f"{n:064d}", FRAME_BYTES).name for n in range(len(shelf.lost))], (
        "the oldest pictures went"
    )
    assert len(shelf.lost) + len(shelf.names()) == len(shelf.kept)
    assert len(shelf.names()) > 0, "and no more of them than had to"
