"""What the next commit does, as values: while the card is away, what a later one makes idle is left out. Pure."""

from collections.abc import Callable, Sequence

import msgspec

from edge.parts import Store
from edge.records import AnyRecord

Op = Callable[[Store], None]
Rows = list[tuple[int, AnyRecord]]


class Put(msgspec.Struct, frozen=True):
    """Keep a record under row number n."""

    n: int
    record: AnyRecord

    def __call__(self, store: Store) -> None:
        """Within commit."""
        store.put(self.n, self.record)


class Keep(msgspec.Struct, frozen=True):
    """Remember a small piece of state."""

    key: str
    value: bytes

    def __call__(self, store: Store) -> None:
        """Within commit."""
        store.keep(self.key, self.value)


class Forget(msgspec.Struct, frozen=True):
    """Delete records by row number."""

    rows: Sequence[int]

    def __call__(self, store: Store) -> None:
        """Within commit."""
        store.forget(self.rows)


def merged(rows: Rows, in_ram: Rows, limit: int) -> Rows:
    """What a read of the card gave, and after it what is in RAM only: that is newer than all that the card has."""
    have = {n for n, _ in rows}
    return rows + ([] if len(rows) == limit else [item for item in in_ram if item[0] not in have])


def compact(ops: Sequence[Op]) -> list[Op]:
    """The same effect with fewer: of each state the last, and all that is forgotten at once. Puts must not be in it."""
    last = {op.key: i for i, op in enumerate(ops) if isinstance(op, Keep)}
    kept = [
        op for i, op in enumerate(ops) if not isinstance(op, Forget) and (not isinstance(op, Keep) or last[op.key] == i)
    ]
    gone = [n for op in ops if isinstance(op, Forget) for n in op.rows]
    return [*kept, Forget(gone)] if gone else kept


def throw(err: Exception) -> None:
    """Called by the loop, a fault of ours is counted at its edge."""
    raise err
