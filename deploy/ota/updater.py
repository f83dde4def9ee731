"""What doorunit-update does, step by step. All that is outside is handed in: a machine's, or a test's."""

import compileall
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from deploy.ota import fetch, manifest, settings, trial
from deploy.ota import look as outside
from deploy.ota.manifest import Manifest, Refusal
from deploy.ota.settings import Settings
from deploy.ota.slots import Slots
from deploy.ota.state import OWN
from deploy.ota.trial import Memory, Seen, Verdict

MEMORY = Path("/run/doorunit-update.json")  # of this boot's looks
JUDGE = "doorunit-update-judge.timer"
ASK_BUSY = 3  # times, before a switch: a door that opens just now shuts again soon
NAME = "doorunit"


@dataclass(frozen=True)
class World:
    """What is outside the slots."""

    arch: str
    python: str
    settings: Callable[[], Settings] = settings.read
    look: Callable[[Settings], Seen] = outside.look
    before: Callable[[Path], dict[str, Any]] = outside.before
    doctor: Callable[[Path], frozenset[str] | None] = outside.doctor
    systemctl: Callable[..., bool] = outside.systemctl
    answer: Callable[[], dict[str, Any] | None] = outside.ask
    verify: manifest.Verify | None = None
    way: Callable[[Settings, Callable[[], str]], fetch.Way] = lambda s, busy: fetch.Way(s, s.context(), busy)
    memory: Path = MEMORY
    now_s: Callable[[], int] = lambda: int(time.time())
    boot_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)


class Updater:
    """One unit's. Every method may be cut anywhere; `boot` puts in order what was left."""

    def __init__(self, slots: Slots, world: World) -> None:
        self.slots = slots
        self._world = world

    @property
    def keys(self) -> tuple[str, ...]:
        """The public keys, as PEM, by one of which a release must be signed."""
        return self.slots.keys(shipped)

    def status(self) -> dict[str, Any]:
        """For people and programs. Needs no right to write."""
        slots, state = self.slots, self.slots.state
        current, told = slots.current, state.last
        known = self._settings()
        on_trial = ""
        if state.trial is not None:
            on_trial = self._memory().get("why") or "not looked at so far"
        former = str(slots.about(state.trial.former).get("version", "")) if state.trial else ""
        return {
            "schema": 1,
            "version": str(slots.about(current).get("version", "")),
            "slot": current,
            "trial": on_trial,
            "former": former,
            "back": slots.way_back,
            "floor": slots.floor,
            "last": asdict(told) if told else None,
            "returned": bool(told and told.what == "returned"),
            "bad": list(state.bad),
            "enabled": known.enabled,
            "channel": known.channel,
            "keys": len(self.keys),
        }

    def check(self) -> str:
        """Ask the channel, and install what it offers. What was done. Raises Refusal, fetch.Later, OSError."""
        known = self._world.settings()
        if not known.enabled:
            return "updates from the channel are off: [update] enabled = false"
        if not self.keys:
            return "no release key came with this package: no update is taken"
        self._ready()
        self.slots.settle()
        if self.slots.state.trial is not None:
            return "a version is on trial; it is judged first"
        way = self._world.way(known, lambda: outside.busy(self._world.answer()))
        raw = fetch.offer(way, f"{self._world.arch}-py{self._world.python}.json")
        if raw is None:
            return f"the channel {known.channel} offers nothing for this unit"
        told = manifest.read(raw, self.keys, self._world.verify)
        if told.counter <= self._counter:
            return f"{told.version} is no newer than what runs"
        if told.sha256 in self.slots.state.bad:
            return f"{told.version} was tried here, and came back"
        self._fits(told)
        if told.not_before > self._world.now_s():
            return f"{told.version} is not to be installed before {told.not_before} (UTC s), by this unit's clock"
        folder = self.slots.root / "download"
        self.slots.card.folder(folder)
        package = fetch.download(way, told, folder, self.slots.card)
        done = self._try(package, told, wait=True)
        package.unlink()
        return done

    def install(self, package: Path, raw: bytes) -> str:
        """Install a package that is here. A person waits: the door is not waited for. Raises Refusal, OSError."""
        self._ready()
        self.slots.settle()
        if self.slots.state.trial is not None:
            raise Refusal("doorunit-update install", "a version on trial", "its verdict, or `doorunit-update back`")
        told = manifest.read(raw, self.keys, self._world.verify)
        self._fits(told)
        fetch.room(self.slots.root, told.unpacked, self.slots.card)
        return self._try(package, told, wait=False)

    def back(self) -> str:
        """Raises Refusal, OSError."""
        self.slots.settle()
        to = self.slots.back(self._world.now_s())
        self.end_trial()
        self._restart()
        return f"back to {self.slots.about(to).get('version', 'the package')}"

    def judge(self) -> tuple[Verdict, str]:
        """One look at a trial, and what follows from it."""
        self.slots.settle()
        trial_ = self.slots.state.trial
        if trial_ is None:
            self.end_trial()
            return Verdict.GOOD, self._heal() or "nothing is on trial"
        world, home, now_s = self._world, self.slots.home(trial_.slot), self._world.boot_s()
        kept = self._memory()
        memory = Memory(**kept["memory"]) if kept.get("trial") == trial_.sha256 else Memory()
        seen = world.look(self._settings())
        step = trial.decide(seen, str(home), trial_.before, trial_.boots, memory, now_s)
        if trial.is_steady(step.memory, now_s):
            self.slots.steady()
            if not any(trial.missing(seen, str(home), trial_.before)):
                seen = replace(seen, causes=world.doctor(home))
                step = trial.decide(seen, str(home), trial_.before, 0, memory, now_s)
        if step.verdict is Verdict.WAIT:
            about = {"trial": trial_.sha256, "why": step.why, "memory": asdict(step.memory)}
            world.memory.write_text(json.dumps(about), encoding="utf-8")
        elif step.verdict is Verdict.GOOD:
            self.slots.confirm(world.now_s())
            self.end_trial()
        else:
            self._return(step.why)
        return step.verdict, step.why

    def boot(self) -> None:
        """Before the unit is started: finish what a cut left, count this start, go on judging."""
        self.slots.settle()
        if self.slots.booted() > trial.BOOTS_MAX:
            why = f"the machine started {trial.BOOTS_MAX} times, and it never ran steadily for {trial.STEADY_S} s"
            self.slots.return_(why, self._world.now_s())
        elif self.slots.state.trial is not None:
            self._world.systemctl("--no-block", "start", JUDGE)

    def end_trial(self) -> None:
        """Look no more."""
        self._world.memory.unlink(missing_ok=True)
        self._world.systemctl("--no-block", "stop", JUDGE)

    def _settings(self) -> Settings:
        """Where they are nonsense, a version is judged all the same: as with a platform that cannot be reached."""
        try:
            return self._world.settings()
        except Refusal:
            return Settings(enabled=False)

    @property
    def _counter(self) -> int:
        return int(self.slots.about(self.slots.current).get("counter", 0))

    def _fits(self, told: Manifest) -> None:
        """Raises Refusal: it is not for this unit, or not any more."""
        slots, world = self.slots, self._world
        if (told.name, told.arch, told.python) != (NAME, world.arch, world.python):
            found = f"{told.name} for {told.arch} and Python {told.python}"
            raise Refusal("release", found, f"{NAME} for {world.arch} and Python {world.python}")
        if told.counter < slots.floor:
            raise Refusal("release", f"{told.version}, of {told.counter}", f"one of {slots.floor} or later")
        if told.counter <= self._counter:
            raise Refusal(
                "release", f"{told.version}, of {told.counter}", f"a newer one than {self._counter}, which runs"
            )
        if told.sha256 in slots.state.bad:
            raise Refusal("release", f"{told.version}, which was tried here and came back", "another")

    def _try(self, package: Path, told: Manifest, *, wait: bool) -> str:
        with package.open("rb") as file:
            if package.stat().st_size != told.size or fetch.digest(package) != told.sha256:
                raise Refusal(f"package {package.name}", "other bytes", "what its manifest names")
            slot = self.slots.put(file, told)
        why = outside.busy(self._world.answer()) if wait else ""
        if why:
            raise fetch.Later(f"{why}; {told.version} is ready in slot {slot}")
        before = self._world.before(self.slots.home(self.slots.current))
        if not before.get("in_service"):
            raise Refusal("doorunit.service", "a service that is not started", "one by whose work a version is judged")
        self.slots.try_(slot, told, before)
        self._world.memory.unlink(missing_ok=True)
        self._restart()
        self._world.systemctl("--no-block", "start", JUDGE)
        return f"{told.version} runs on trial in slot {slot}"

    def _ready(self) -> None:
        """Raises Refusal: no slot would run here."""
        if not self.slots.card.runs(self.slots.root):
            found, wanted = "a file system mounted noexec", "one mounted exec: every slot would crash"
            raise Refusal(f"{self.slots.root}", found, f"{wanted}. mount -o remount,exec, and in /etc/fstab")

    def _heal(self) -> str:
        """What was done about a confirmed version that crashes because the card lost bytes of it; "" nothing."""
        seen = self._world.look(self._settings())
        if seen.stopped or seen.restarts < trial.RESTARTS_MAX or not self.slots.rotten(self.slots.current):
            return ""
        self.slots.forsake(self._world.now_s())
        why = "the card has lost bytes of the version that crashes; the former one runs"
        self._warn(why)
        self._restart()
        return why

    def _warn(self, text: str) -> None:
        level = "<4>" if "JOURNAL_STREAM" in os.environ else ""  # the judge's service keeps only what is worth a line
        sys.stderr.write(f"{level}{text}\n")

    def _return(self, why: str) -> None:
        self._warn(f"the version on trial goes back: {why}")
        self.slots.return_(why, self._world.now_s())
        self.end_trial()
        self._restart()

    def _restart(self) -> None:
        """A start that a crash loop has put off must not be waited for, nor counted against the next version."""
        self._world.systemctl("reset-failed", outside.SERVICE)
        self._world.systemctl("--no-block", "restart", outside.SERVICE)

    def _memory(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._world.memory.read_text(encoding="utf-8"))
            Memory(**kept["memory"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return dict(kept)


def parts() -> Updater:
    """This machine's."""
    slots = Slots(compile_=compile_slot)
    about = slots.about(OWN)
    return Updater(slots, World(str(about.get("arch", "")), f"{sys.version_info.major}.{sys.version_info.minor}"))


def shipped(package: Path) -> tuple[str, ...]:
    """The release keys that came with the package."""
    return tuple(path.read_text(encoding="ascii") for path in sorted((package / "ota/keys").glob("*.pem")))


def compile_slot(folder: Path) -> None:
    """As the package's postinst does: a Pi starts the unit in half the time. What cannot be compiled is left."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        compileall.compile_dir(
            folder / "lib", maxlevels=20, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH
        )
