"""bom.toml as a table to order from; quantities are counted from the carrier, not typed twice."""

import csv
import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hardware.carrier import Board
from hardware.pins import HERE

COLUMNS = ("part", "value", "quantity", "maker", "mpn", "second", "refs", "price", "kind", "source")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line; `price` of one piece."""

    part: str
    value: str
    maker: str
    mpn: str
    second: str
    price: float
    kind: str
    source: str
    quantity: int = 0
    refs: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Pieces for one unit."""
        return len(self.refs) or self.quantity


class Bom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of bom.toml."""

    currency: str
    as_of: str
    item: tuple[Item, ...]


def load(path: Path = HERE / "bom.toml") -> Bom:
    """Raises msgspec.ValidationError, which names the line's place."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Bom)


def faults(bom: Bom, board: Board) -> Iterator[str]:
    """Parts on the board that nobody buys, or that are bought twice; prices without a ground."""
    bought = [ref for item in bom.item for ref in item.refs]
    for ref in sorted(set(board.part) - set(bought)):
        yield f"{ref} is on the carrier and in no line of bom.toml"
    for ref in sorted(set(bought) - set(board.part)):
        yield f"{ref} is in bom.toml and not on the carrier"
    for ref in sorted({ref for ref in bought if bought.count(ref) > 1}):
        yield f"{ref} is bought twice"
    for item in bom.item:
        if item.kind not in {"list", "estimate"} or (item.kind == "list" and not item.source):
            yield f"{item.part}: a price is `list` with its source, or `estimate`"
        if item.count < 1 or (item.refs and item.quantity):
            yield f"{item.part}: want refs or a quantity, not both"


def total(bom: Bom) -> float:
    """One unit's parts."""
    return sum(item.count * item.price for item in bom.item)


def to_csv(bom: Bom) -> str:
    """bom.csv; prices in bom.currency as of bom.as_of, in the head of their column."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f"price {bom.currency} {bom.as_of}" if name == "price" else name for name in COLUMNS])
    for item in bom.item:
        row = {**msgspec.structs.asdict(item), "quantity": item.count, "refs": " ".join(item.refs)}
        writer.writerow([f"{row[name]:.2f}" if name == "price" else row[name] for name in COLUMNS])
    return out.getvalue()


def to_markdown(bom: Bom) -> str:
    """The table of bom.md, and the sum."""
    lines = [f"| part | value | n | maker, number | second source | {bom.currency} each | price is |"]
    lines.append("| --- | --- | ---: | --- | --- | ---: | --- |")
    for i in bom.item:
        ground = "list: " + i.source if i.kind == "list" else "estimate" + (f": {i.source}" if i.source else "")
        lines.append(f"| {i.part} | {i.value} | {i.count} | {_number(i)} | {i.second} | {i.price:.2f} | {ground} |")
    known = sum(i.count * i.price for i in bom.item if i.kind == "list")
    lines += ["", f"One unit: {total(bom):.0f} {bom.currency}, as of {bom.as_of}. Of that {known:.0f} are list prices;"]
    return "\n".join([*lines, "the rest is estimated: ask for offers before you order."])


def _number(item: Item) -> str:
    return item.maker if item.mpn == "none" else f"{item.maker} {item.mpn}"
