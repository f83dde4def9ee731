"""Numbers to a markdown table."""

from collections.abc import Sequence
from math import ceil
from statistics import median


def percentile(values: Sequence[float], p: float) -> float:
    """The smallest value that at least `p` per cent of them do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, ceil(len(ranked) * p / 100) - 1)]


def medians(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column."""
    return [median(column) for column in zip(*rounds, strict=True)]


def show(
    command: str, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> None:
    """Print one table, its command above it and its notes below."""
    print(f"\n### {title}\n\n`{command}`\n")
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    for note in ("", *notes):
        print(note)
