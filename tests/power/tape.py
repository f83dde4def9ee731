"""What was done to the files below one folder, in order: the one log that all recorders write and images are made from.

A file is known by its number (as by an inode), so that what was written stays with it when its name changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = 0  # the number of the folder itself
Place = tuple[int, str]  # a name in a folder: (the folder's number, name)


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset of a file."""

    file: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file now ends here."""

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """The bytes of a file are on the card. Says nothing of its name."""

    file: int


@dataclass(frozen=True, slots=True)
class Names:
    """Names that begin or end (None) in one folder, all at once: create, rename, unlink, mkdir or rmdir."""

    edits: tuple[tuple[Place, int | None], ...]


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """The names in a folder are on the card."""

    folder: int


Op = Write | Truncate | Sync | Names | SyncFolder


class Tape:
    """Records below `root`, which begins as it lies there now. `entries`: operations, and notes of any other type."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.entries: list[object] = []
        self.ops = 0
        self.base: dict[int, bytes] = {}
        self.base_names: dict[Place, int] = {}
        self.folders = {ROOT}
        self.links: dict[int, str] = {}  # what a symbolic link says: it comes and goes with its name, never in part
        self._last = ROOT
        self._scan(root, ROOT)
        self._names = dict(self.base_names)

    def note(self, note: object) -> None:
        """Something that happened between two operations."""
        self.entries.append(note)

    def covers(self, path: str | Path) -> bool:
        """Whether this path is recorded."""
        return Path(path).is_relative_to(self.root) and Path(path) != self.root

    def find(self, path: str | Path) -> int | None:
        """The number of the file or folder that has this name now."""
        number = ROOT
        for part in Path(path).relative_to(self.root).parts:
            found = self._names.get((number, part))
            if found is None:
                return None
            number = found
        return number

    def create(self, path: str | Path, *, folder: bool = False) -> int:
        """A new file or folder; returns its number."""
        number = self._number(folder=folder)
        self._edit({self._place(path): number})
        return number

    def link(self, path: str | Path, target: str) -> int:
        """A new symbolic link. ext4 keeps its few bytes in the inode, as a folder's entry keeps its name."""
        number = self.create(path)
        self.links[number] = target
        return number

    def write(self, file: int, offset: int, data: bytes) -> None:
        self._do(Write(file, offset, bytes(data)))

    def truncate(self, file: int, size: int) -> None:
        self._do(Truncate(file, size))

    def sync(self, number: int) -> None:
        self._do(SyncFolder(number) if number in self.folders else Sync(number))

    def rename(self, old: str | Path, new: str | Path) -> None:
        old_place, new_place = self._place(old), self._place(new)
        assert old_place[0] == new_place[0], "a rename from folder to folder is not modelled: it may be lost by halves"
        self._edit({old_place: None, new_place: self._names[old_place]})

    def unlink(self, path: str | Path) -> None:
        self._edit({self._place(path): None})

    def operations(self) -> Iterator[Op]:
        """The operations alone."""
        return (entry for entry in self.entries if isinstance(entry, Op))

    def _place(self, path: str | Path) -> Place:
        folder = self.find(Path(path).parent)
        assert folder is not None, f"{path}: its folder was made behind the tape's back"
        return folder, Path(path).name

    def _edit(self, edits: dict[Place, int | None]) -> None:
        for place, number in edits.items():
            if number is None:
                self._names.pop(place, None)
            else:
                self._names[place] = number
        self._do(Names(tuple(edits.items())))

    def _do(self, op: Op) -> None:
        self.entries.append(op)
        self.ops += 1

    def _number(self, *, folder: bool) -> int:
        self._last += 1
        if folder:
            self.folders.add(self._last)
        return self._last

    def _scan(self, folder: Path, number: int) -> None:
        for path in sorted(folder.iterdir()):
            mine = self._number(folder=path.is_dir() and not path.is_symlink())
            self.base_names[number, path.name] = mine
            if path.is_symlink():
                self.links[mine] = str(path.readlink())
            elif path.is_dir():
                self._scan(path, mine)
            else:
                self.base[mine] = path.read_bytes()
