"""What goes first when there is too much. Pure; frames before records, the oldest before the newest."""

from collections.abc import Iterable, Sequence

from edge.parts import FrameRow


def frames_over(frames: Iterable[FrameRow], limit_bytes: int) -> list[FrameRow]:
    """The oldest frames that must go so that the rest fits into limit_bytes. `frames` is oldest first."""
    waiting = list(frames)
    excess = sum(row.size_bytes for row in waiting) - limit_bytes
    going = []
    for row in waiting:
        if excess <= 0:
            break
        going.append(row)
        excess -= row.size_bytes
    return going


def frames_share(frames: Sequence[FrameRow], parts: int = 10) -> list[FrameRow]:
    """The oldest tenth (at least one), for a card that is full before the budget is."""
    return list(frames[: max(1, len(frames) // parts)])
