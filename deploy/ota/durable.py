"""Names and bytes that outlast a power cut. Its own few lines: edge/durable.py may be what is broken.

One class, so that the campaign of cuts can put a careless one in its place and see it fail.
"""

import os
from pathlib import Path

PART = ".part"


class Card:
    """What is done returns once it is on the card. Raises OSError; what was there before is then still whole."""

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        """Old or new, whole, whenever the power goes."""
        part = path.with_name(path.name + PART)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            self.sync(file.fileno())
        part.replace(path)
        self.sync_folder(path.parent)

    def link(self, path: Path, target: str) -> None:
        """`path` is a symbolic link to `target`, in place of whatever it was, in one step."""
        part = path.with_name(path.name + PART)
        part.unlink(missing_ok=True)
        part.symlink_to(target)
        part.replace(path)
        self.sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """No such name, whether there was one or not."""
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            self.sync_folder(path.parent)

    def folder(self, path: Path, mode: int = 0o755) -> None:
        """There is such a folder."""
        if not path.is_dir():
            self.folder(path.parent)
            path.mkdir(mode)
            self.sync_folder(path.parent)

    def sync_tree(self, root: Path) -> None:
        """All that is below `root`. One sync of everything first: then the many single ones cost next to nothing."""
        self.sync_all()
        for folder, _, files in os.walk(root):
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    self._sync_path(path)
            self.sync_folder(Path(folder))

    def free(self, path: Path) -> int:
        """Bytes that root may still write there."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def runs(self, path: Path) -> bool:
        """Whether programs and their libraries may run from there."""
        return not os.statvfs(path).f_flag & os.ST_NOEXEC

    def sync_all(self) -> None:
        """Have everything written; waits, but tells no error."""
        os.sync()

    def sync(self, handle: int) -> None:
        """The bytes of an open file."""
        os.fsync(handle)

    def sync_folder(self, path: Path) -> None:
        """The names in a folder."""
        self._sync_path(path)

    def _sync_path(self, path: Path) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sync(handle)
        finally:
            os.close(handle)
