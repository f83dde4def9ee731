"""What a card may hold after a cut: only what was synced is sure; all the rest may be there, or not, or in part.

As strict as fsync(2): a name is sure only once its folder was synced, and a folder's own name once its parent was.
ext4 promises more: it keeps names in the order in which they changed, and a new file's name with its bytes.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.power.tape import ROOT, Names, Op, Place, Sync, SyncFolder, Tape, Truncate, Write

SECTOR_BYTES = 512  # a write may end between two of these
UNTORN = 0.25  # of the images in which some writes are there and some are not
KINDS = ("dropped", "kept", "partly")  # what became of all that was not synced

Change = Write | Truncate


@dataclass
class Image:
    """One card after the cut. `mark` is the same for two images of one tape that are sure to be the same."""

    names: dict[Place, int]
    files: dict[int, bytes]
    folders: set[int]
    links: dict[int, str] = field(default_factory=dict)
    mark: object = None

    def build(self, root: Path) -> None:
        """Lay it out in `root`, an empty folder."""
        self._build(root, ROOT)

    def _build(self, path: Path, number: int) -> None:
        for (folder, name), mine in self.names.items():
            if folder != number:
                continue
            if mine in self.links:
                (path / name).symlink_to(self.links[mine])
            elif mine in self.folders:
                (path / name).mkdir()
                self._build(path / name, mine)
            else:
                (path / name).write_bytes(self.files.get(mine, b""))


@dataclass
class _File:
    """One file: its bytes as last synced, and what was done to it since, each with its place on the tape."""

    synced: bytes = b""
    loose: list[tuple[int, Change]] = field(default_factory=list)


class Disk:
    """The card, operation by operation. `step` the tape's operations in order, and ask for images in between."""

    def __init__(self, tape: Tape) -> None:
        self._folders = tape.folders
        self._links = tape.links
        self._files = {number: _File(data) for number, data in tape.base.items()}
        self._names = dict(tape.base_names)
        self._loose: list[tuple[int, Names]] = []
        self._steps = 0
        self._sure = 0  # counts what the syncs made sure

    def step(self, op: Op) -> None:
        """The next operation has been done."""
        self._steps += 1
        if isinstance(op, Names):
            self._loose.append((self._steps, op))
        elif isinstance(op, SyncFolder):
            self._sync_names(op.folder)
        elif isinstance(op, Sync):
            self._sync_file(self._file(op.file))
        else:
            self._file(op.file).loose.append((self._steps, op))

    def image(self, kind: str, dice: random.Random) -> Image:
        """What the card may hold if the power is cut now."""
        if kind == "dropped":
            return self._image(set(), None)
        loose = [at for at, _ in self._loose] + [at for file in self._files.values() for at, _ in file.loose]
        if kind == "kept":
            return self._image(set(loose), None)
        chance = dice.random()  # so that nearly all and nearly none come up too
        taken = {at for at in sorted(loose) if dice.random() < chance}
        return self._image(taken, self._tear(dice))

    def _tear(self, dice: random.Random) -> tuple[int, Write] | None:
        """Mostly one unsynced write, cut at a sector's end: what is before it is there, or what is after it."""
        writes = [
            (at, op)
            for _, file in sorted(self._files.items())
            for at, op in file.loose
            if isinstance(op, Write) and _seams(op)
        ]
        if not writes or dice.random() < UNTORN:
            return None
        at, op = dice.choice(writes)
        cut = dice.choice(_seams(op)) - op.offset
        if dice.random() < 0.5:
            return at, Write(op.file, op.offset, op.data[:cut])
        return at, Write(op.file, op.offset + cut, op.data[cut:])

    def _image(self, taken: set[int], torn: tuple[int, Write] | None) -> Image:
        names = dict(self._names)
        for at, op in self._loose:
            if at in taken:
                _edit(names, op.edits)
        files = {}
        for number, file in self._files.items():
            done = [torn[1] if torn and at == torn[0] else op for at, op in file.loose if _is_done(at, taken, torn)]
            files[number] = _apply(file.synced, done) if done else file.synced
        return Image(names, files, self._folders, self._links, (self._sure, tuple(sorted(taken)), torn))

    def _file(self, number: int) -> _File:
        return self._files.setdefault(number, _File())

    def _sync_file(self, file: _File) -> None:
        if file.loose:
            file.synced = _apply(file.synced, [op for _, op in file.loose])
            file.loose.clear()
            self._sure += 1

    def _sync_names(self, folder: int) -> None:
        sure = [(at, op) for at, op in self._loose if op.edits[0][0][0] == folder]
        for _, op in sure:
            _edit(self._names, op.edits)
        self._loose = [item for item in self._loose if item not in sure]
        self._sure += bool(sure)


def _is_done(at: int, taken: set[int], torn: tuple[int, Write] | None) -> bool:
    return at in taken or (torn is not None and at == torn[0])


def _edit(names: dict[Place, int], edits: Iterable[tuple[Place, int | None]]) -> None:
    for place, number in edits:
        if number is None:
            names.pop(place, None)
        else:
            names[place] = number


def _seams(op: Write) -> list[int]:
    """The ends of sectors within a write."""
    first = op.offset - op.offset % SECTOR_BYTES + SECTOR_BYTES
    return list(range(first, op.offset + len(op.data), SECTOR_BYTES))


def _apply(data: bytes, changes: Iterable[Change]) -> bytes:
    made = bytearray(data)
    for op in changes:
        if isinstance(op, Truncate):
            del made[op.size :]
            made.extend(bytes(op.size - len(made)))
        else:
            made.extend(bytes(max(0, op.offset - len(made))))
            made[op.offset : op.offset + len(op.data)] = op.data
    return bytes(made)
