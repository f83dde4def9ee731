"""Python's own hands on files, watched: what os, pathlib, shutil and open do below a tape's root is done and recorded.

Works where pathlib and shutil do their work: at the functions of `os` and `io`, for as long as `watched` lasts.
"""

import io
import os
import posix
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.power.tape import Tape

_UNKNOWN = ("link", "truncate", "pwrite", "writev", "sendfile", "copy_file_range")


@contextmanager
def watched(tape: Tape) -> Iterator[None]:
    """Record into the tape. One thread, one tape at a time."""
    hands = _Hands(tape)
    new: dict[tuple[Any, str], Any] = {(os, name): getattr(hands, name) for name in _Hands.KNOWN}
    new[os, "remove"], new[os, "replace"], new[os, "fdatasync"] = hands.unlink, hands.rename, hands.fsync
    new |= {(os, name): hands.refuse(name) for name in _UNKNOWN}
    new[io, "open"] = hands.io_open
    old = {(module, name): getattr(module, name) for module, name in new}
    try:
        for (module, name), function in new.items():
            setattr(module, name, function)
        yield
    finally:
        for (module, name), function in old.items():
            setattr(module, name, function)


class _Hands:
    KNOWN = (
        "open",
        "close",
        "fsync",
        "write",
        "ftruncate",
        "posix_fallocate",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "symlink",
    )

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._handles: dict[int, tuple[int, str]] = {}  # handle -> number and path of what is recorded

    # os

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        full = self._full(path, dir_fd)
        was = os.path.lexists(full)
        handle = posix.open(path, flags, mode, dir_fd=dir_fd)
        if self._tape.covers(full) or full == str(self._tape.root):
            number = self._tape.find(full)
            if not was:
                number = self._tape.create(full)
            elif flags & os.O_TRUNC and number is not None:
                self._tape.truncate(number, 0)
            assert number is not None, f"{full}: it came behind the tape's back"
            self._handles[handle] = number, full
        return handle

    def close(self, handle: int) -> None:
        self._handles.pop(handle, None)
        posix.close(handle)

    def fsync(self, handle: int) -> None:
        number = self._number(handle)
        posix.fsync(handle)
        if number is not None:
            self._tape.sync(number)

    def write(self, handle: int, data: Any) -> int:
        number = self._number(handle)
        offset = 0 if number is None else os.lseek(handle, 0, os.SEEK_CUR)
        done = posix.write(handle, data)
        if number is not None:
            self._tape.write(number, offset, bytes(memoryview(data)[:done]))
        return done

    def ftruncate(self, handle: int, size: int) -> None:
        number = self._number(handle)
        posix.ftruncate(handle, size)
        if number is not None:
            self._tape.truncate(number, size)

    def posix_fallocate(self, handle: int, offset: int, size: int) -> None:
        assert offset == 0
        self.ftruncate(handle, size)  # for whoever reads it the same

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        full = self._full(path, dir_fd)
        posix.mkdir(path, mode, dir_fd=dir_fd)
        if self._tape.covers(full):
            self._tape.create(full, folder=True)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        full = self._full(path, dir_fd)
        posix.rmdir(path, dir_fd=dir_fd)
        if self._tape.covers(full):
            self._tape.unlink(full)

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        full = self._full(path, dir_fd)
        posix.unlink(path, dir_fd=dir_fd)
        if self._tape.covers(full):
            self._tape.unlink(full)

    def rename(self, old: Any, new: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        full_old, full_new = self._full(old, src_dir_fd), self._full(new, dst_dir_fd)
        posix.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if self._tape.covers(full_old):
            self._tape.rename(full_old, full_new)

    def symlink(self, target: Any, path: Any, target_is_directory: bool = False, *, dir_fd: int | None = None) -> None:
        full = self._full(path, dir_fd)
        posix.symlink(target, path, target_is_directory, dir_fd=dir_fd)
        if self._tape.covers(full):
            self._tape.link(full, os.fspath(target))

    def refuse(self, name: str) -> Callable[..., None]:
        def refused(*_: object, **__: object) -> None:
            raise NotImplementedError(f"os.{name} is not recorded; teach tests/power/hands.py what a cut makes of it")

        return refused

    # io

    def io_open(self, file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
        """What pathlib and os.fdopen call; what is only read is nobody's business."""
        writes = set(mode) & set("wax+")
        known = self._number(file) is not None if isinstance(file, int) else self._tape.covers(self._full(file, None))
        if not writes or not known:
            return _OPEN(file, mode, buffering, *args, **kwargs)
        handle = file if isinstance(file, int) else self.open(file, _flags(mode), 0o666)
        raw = _Raw(self, handle, mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffer = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, *args, **kwargs)

    def _number(self, handle: int) -> int | None:
        return self._handles.get(handle, (None, ""))[0]

    def _full(self, path: Any, dir_fd: int | None) -> str:
        if isinstance(path, int):
            return self._handles.get(path, (0, f"/proc/self/fd/{path}"))[1]
        if dir_fd is None:
            return str(Path(path).absolute())
        base = self._handles[dir_fd][1] if dir_fd in self._handles else Path(f"/proc/self/fd/{dir_fd}").readlink()
        return str(base / Path(path))


class _Raw(io.FileIO):
    """A file by its handle, whose writes go through the watched hands."""

    def __init__(self, hands: _Hands, handle: int, mode: str) -> None:
        super().__init__(handle, mode)
        self._hands = hands

    def write(self, data: Any) -> int:
        return self._hands.write(self.fileno(), data)

    def truncate(self, size: int | None = None) -> int:
        size = self.tell() if size is None else size
        self._hands.ftruncate(self.fileno(), size)
        return size

    def close(self) -> None:
        if not self.closed:
            self._hands._handles.pop(self.fileno(), None)
        super().close()


def _flags(mode: str) -> int:
    how = os.O_RDWR if "+" in mode else os.O_WRONLY
    made = {"w": os.O_CREAT | os.O_TRUNC, "a": os.O_CREAT | os.O_APPEND, "x": os.O_CREAT | os.O_EXCL, "r": 0}
    return how | os.O_CLOEXEC | made[next(letter for letter in mode if letter in made)]


_OPEN = io.open
