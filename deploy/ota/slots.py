"""The two slots and the link that says which one runs: every step is whole on the card before the next begins.

    put       empty the slot that does not run, fill it, sync it, and only then call it whole
    try_      remember the trial and the way back, then switch
    confirm   forget the trial, raise the floor: one write
    return_   remember the verdict (the package is bad), switch back, then forget the trial
    settle    after a cut: finish what was begun, towards whichever side was decided
    forsake   a confirmed version whose files the card has spoilt makes way for the former one

The link names a slot only while that slot is whole; `launch` looks at that once more. The way back is never emptied
while a trial runs, because the slot that is filled is the one that neither runs nor is gone back to.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from deploy.ota import deb
from deploy.ota.durable import PART, Card
from deploy.ota.manifest import Manifest, Refusal
from deploy.ota.state import OWN, State, Trial, load, save

ROOT = Path("/var/lib/doorunit-update")
PACKAGE = Path("/usr/lib/doorunit")
CURRENT = "current"
NAMES = ("a", "b")
FILES = ".files"  # in a slot: each file's sha256, as it was put there


class Slots:
    """One unit's. `package`: the installed package's own files. compile_: makes a filled slot start faster."""

    def __init__(
        self,
        root: Path = ROOT,
        package: Path = PACKAGE,
        card: Card | None = None,
        compile_: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self.root = root
        self.package = package
        self.card = card or Card()
        self._compile = compile_

    @property
    def state(self) -> State:
        """As it is on the card."""
        return load(self.root)

    def save(self, state: State) -> None:
        """Raises OSError."""
        save(self.root, state, self.card)

    @property
    def current(self) -> str:
        """The slot that runs at the next start; OWN for the package's own."""
        try:
            name = (self.root / CURRENT).readlink().name
        except OSError:
            return OWN
        return name if name in NAMES and self.about(name) else OWN

    def home(self, name: str) -> Path:
        """Where that slot's files are."""
        return self.package if name == OWN else self.root / name

    def about(self, name: str) -> dict[str, Any]:
        """What is in a slot, where it is whole; else empty. Of OWN, what the installed package says of itself."""
        if name == OWN:
            return deb.read_about(self.package)
        try:
            about = json.loads((self.root / name / deb.WHOLE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return about if isinstance(about, dict) and "version" in about else {}

    @property
    def floor(self) -> int:
        """Nothing below is taken: the last confirmed release's word, or the installed package."""
        return max(self.state.floor, int(self.about(OWN).get("counter", 0)))

    @property
    def way_back(self) -> str | None:
        """Where `back` would go; None where there is no other version."""
        trial, current, bad = self.state.trial, self.current, ("", *self.state.bad)
        if trial is not None:
            return trial.former
        others = [name for name in NAMES if name != current and self.about(name).get("sha256", bad[0]) not in bad]
        return (others or [OWN])[0] if current != OWN else None

    def put(self, package: IO[bytes], told: Manifest) -> str:
        """Fill the slot that does not run; its name. Raises Refusal, OSError; what runs is as it was."""
        name = NAMES[1] if self.current == NAMES[0] else NAMES[0]
        if self.about(name).get("sha256") == told.sha256 and not self.rotten(name):
            return name
        folder = self.root / name
        self.empty(name)
        self.card.folder(folder)
        deb.unpack(package, folder, told, self.card)
        self._compile(folder)
        (folder / FILES).write_text(json.dumps(_listed(folder)), encoding="utf-8")
        self.card.sync_tree(folder)
        self.card.sync_folder(self.root)
        kept = {"version": told.version, "counter": told.counter, "sha256": told.sha256}
        self.card.write(folder / deb.WHOLE, json.dumps(kept).encode())
        return name

    def empty(self, name: str) -> None:
        """Not whole first, then gone."""
        folder = self.root / name
        self.card.remove(folder / deb.WHOLE)
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            raise Refusal(f"slot {folder}", "something that cannot be removed", "a folder of our own")

    def try_(self, slot: str, told: Manifest, before: dict[str, Any]) -> None:
        """From the next start on, this slot runs, on trial."""
        trial = Trial(slot, self.current, told.sha256, told.version, told.counter, told.floor, tuple(told.keys), before)
        self.save(replace(self.state, trial=trial))
        self._switch(slot)

    def confirm(self, now_s: int) -> None:
        """It has proved itself."""
        state = self.state
        trial = state.trial
        if trial is None:
            return
        state = state.with_told("confirmed", trial.version, self._version(trial.former), "", now_s)
        if trial.keys:
            state = replace(state, keys=trial.keys, keys_counter=trial.counter)
        self.save(replace(state, trial=None, floor=max(state.floor, trial.floor)))

    def return_(self, why: str, now_s: int) -> None:
        """It has not: the former version runs from the next start on, and this package is never tried again."""
        state = self.state
        trial = state.trial
        if trial is None:
            return
        state = state.with_told("returned", trial.version, self._version(trial.former), why, now_s)
        self.save(replace(state.with_bad(trial.sha256), trial=replace(trial, verdict=why)))
        self._finish_return(trial)

    def back(self, now_s: int) -> str:
        """By a person's word: to the former version, whatever the floor; its slot. Raises Refusal."""
        state, current, to = self.state, self.current, self.way_back
        if to is None:
            raise Refusal("doorunit-update back", "no other version", "one to go back to")
        if state.trial is not None:
            self.return_("sent back by a person", now_s)
            return to
        state = state.with_told("returned", self._version(current), self._version(to), "sent back by a person", now_s)
        self.save(state.with_bad(str(self.about(current).get("sha256", ""))))
        self._switch(to)
        return to

    def rotten(self, name: str) -> bool:
        """Whether a file of that slot is not as it was put there; False where there is no list of them, as of OWN's."""
        try:
            kept = json.loads((self.root / name / FILES).read_text(encoding="utf-8")) if name != OWN else {}
        except (OSError, ValueError):
            return False
        if not isinstance(kept, dict):
            return False
        return any(_digest(self.root / name / path) != digest for path, digest in kept.items())

    def forsake(self, now_s: int) -> str:
        """The card lost bytes of what runs: back, where it did not there too. The release may come again."""
        state, current, to = self.state, self.current, self.way_back or OWN
        to = OWN if self.rotten(to) else to
        why = "the card has lost bytes of it, and it crashed again and again"
        self.save(state.with_told("returned", self._version(current), self._version(to), why, now_s))
        self._switch(to)
        return to

    def own(self) -> None:
        """The package was just installed: from now on it runs itself. Floor and bad ones stay."""
        if (self.root / CURRENT).is_symlink():
            self._switch(OWN)
        if self.state.trial is not None:
            self.save(replace(self.state, trial=None))

    def settle(self) -> None:
        """After a cut. Safe to repeat."""
        self.card.remove((self.root / CURRENT).with_name(CURRENT + PART))
        trial = self.state.trial
        if trial is None:
            if int(self.about(self.current).get("counter", 0)) < int(self.about(OWN).get("counter", 0)):
                self._switch(OWN)  # a newer package came, by an image too: it is meant to run
            return
        if trial.verdict:
            self._finish_return(trial)
        elif self.current != trial.slot:  # cut before the switch, or the card lost the slot: it never ran
            self._switch(trial.former)
            self.save(replace(self.state, trial=None))

    def booted(self) -> int:
        """The machine starts, and a version is on trial: counted before it runs. How often that was so."""
        state = self.state
        if state.trial is None:
            return 0
        self.save(replace(state, trial=replace(state.trial, boots=state.trial.boots + 1)))
        return state.trial.boots + 1

    def steady(self) -> None:
        """This boot's part of the trial went well so far: a later cut of the mains is not held against it."""
        state = self.state
        if state.trial is not None and state.trial.boots:
            self.save(replace(state, trial=replace(state.trial, boots=0)))

    def keys(self, shipped: Callable[[Path], tuple[str, ...]]) -> tuple[str, ...]:
        """Whom this unit trusts: the newest word counts, the package's own or the last confirmed manifest's."""
        state = self.state
        newer = state.keys_counter > int(self.about(OWN).get("counter", 0))
        return state.keys if state.keys and newer else shipped(self.package)

    def _finish_return(self, trial: Trial) -> None:
        self._switch(trial.former)
        self.save(replace(self.state, trial=None))

    def _switch(self, to: str) -> None:
        if to != OWN and not self.about(to):
            to = OWN
        if to == OWN:
            self.card.remove(self.root / CURRENT)
        else:
            self.card.link(self.root / CURRENT, to)

    def _version(self, name: str) -> str:
        return str(self.about(name).get("version", ""))


def _listed(folder: Path) -> dict[str, str]:
    """Not the link to the system's Python, which is upgraded without us."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(folder)): _digest(path) for path in files}


def _digest(path: Path) -> str:
    """sha256, hex; "" where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
