"""What goes first when there is too much: the oldest, no more than must, and never nothing while something is asked."""

from hypothesis import given
from hypothesis import strategies as st

from edge.parts import FrameRow
from edge.spool.budget import frames_over, frames_share
from tests.spool.samples import row

SIZES = st.lists(st.integers(1, 1000), max_size=30)


def rows(sizes: list[int]) -> list[FrameRow]:
    return [row(str(n), size) for n, size in enumerate(sizes)]


@given(sizes=SIZES, limit=st.integers(0, 20_000))
def test_the_oldest_go_until_the_rest_fits_and_not_one_more(sizes: list[int], limit: int) -> None:
    frames = rows(sizes)
    going = frames_over(frames, limit)
    assert going == frames[: len(going)]
    assert sum(frame.size_bytes for frame in frames[len(going) :]) <= limit
    if going:
        assert sum(frame.size_bytes for frame in frames[len(going) - 1 :]) > limit


def test_frames_that_fit_exactly_all_stay() -> None:
    assert frames_over(rows([10, 20, 30]), 60) == []
    assert [frame.name for frame in frames_over(rows([10, 20, 30]), 59)] == ["0"]


def test_any_iterable_of_rows_will_do() -> None:
    waiting = {frame.name: frame for frame in rows([10, 20, 30])}
    assert [frame.name for frame in frames_over(waiting.values(), 30)] == ["0", "1"]


@given(sizes=SIZES.filter(bool), parts=st.integers(1, 20))
def test_a_share_is_the_oldest_part_and_at_least_one(sizes: list[int], parts: int) -> None:
    frames = rows(sizes)
    going = frames_share(frames, parts)
    assert going == frames[: len(going)]
    assert len(going) == max(1, len(frames) // parts)


def test_of_no_frames_there_is_no_share() -> None:
    assert frames_share([]) == []
