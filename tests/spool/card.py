"""A real card of half a megabyte, an ext4 in a file, that can be filled, write-protected, and made to fall ill."""

import errno
import os
import subprocess
from pathlib import Path

SIZE_KB = 512  # SQLite's -shm takes 32 of it, ext4 itself some 30
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class Card:
    """Mounted at `folder` until `close`. Needs root, as every mount does."""

    def __init__(self, where: Path, size_kb: int = SIZE_KB) -> None:
        self.folder = where / "card"
        self._image = where / "card.img"
        self._filler = self.folder / "filler"
        self.folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(size_kb * 1024)
        _run("mkfs.ext4", "-q", "-b", "4096", "-m", "0", "-O", "^has_journal", str(self._image))
        self._mount()

    def fill(self, *, but_kb: int = 0) -> None:
        """Leave `but_kb` of room, or none at all."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 1024)
            except OSError as err:
                if err.errno != errno.ENOSPC:
                    raise
            filler.truncate(filler.tell() - but_kb * 1024)
            os.fsync(filler)

    def free(self) -> None:
        """Take the filler away."""
        self._filler.unlink()

    def protect(self) -> None:
        """Make it read-only, as the slider on the side does; nothing on it may be open for writing."""
        _run("mount", "-o", "remount,ro", str(self.folder))

    def unprotect(self) -> None:
        """Make it writable again."""
        _run("mount", "-o", "remount,rw", str(self.folder))

    def forbid_programs(self) -> None:
        """Mount it as a cautious administrator does: nothing on it runs."""
        _run("mount", "-o", "remount,noexec", str(self.folder))

    def fall_ill(self) -> None:
        """What ext4 does when the card returns errors: read-only from now on, whatever is open."""
        _run("mount", "-o", "remount,abort", str(self.folder))

    def restart(self) -> None:
        """Unmount and mount anew, as a restart of the machine does."""
        _run("umount", str(self.folder))
        self._mount()

    def close(self) -> None:
        _run("umount", "-l", str(self.folder))  # lazily: a test that broke off may have left files open

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.folder))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, env={**os.environ, "PATH": _PATH})
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}; tests that mount a card want root"
