"""Cut the power after every file operation of an update, and look whether the unit still runs one whole version.

    python tests/power/update_cuts.py [--kinds N] [--seed S]

Each story is a whole update: download, unpack, switch, trial, verdict. After each operation the card is as it may then
be: what was not synced dropped, kept, or partly there and torn. The machine starts, the updater settles, the launcher
picks: a version whose every byte is there, the old one or the new one. Then the next attempt must succeed. A unit that
fails either is bricked; there must be none. Two careless cards (one never syncs, one changes the link in two steps)
are played too, and must brick some: else the campaign has no teeth. 0: all is as it must be.
"""

import argparse
import contextlib
import io
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from deploy.ota import fetch, trial
from deploy.ota.manifest import Manifest, Refusal
from deploy.ota.state import OWN
from tests.deploy import shop
from tests.deploy.shop import Quick, Site
from tests.power.disk import Disk
from tests.power.hands import watched
from tests.power.room import empty, room
from tests.power.tape import Tape

LAST = 9  # the counter of the release that the next attempt brings
SHOWN = 8
TEETH = 5  # cards that a careless one has bricked are enough
FILES = 9  # in a package's lib


class NeverSyncs(Quick):
    """Renames, and trusts that the rest will be written some time."""

    def sync(self, handle: int) -> None:
        """Nothing."""


class TwoSteps(Quick):
    """Takes the link away before it makes the new one, and writes files in place."""

    def link(self, path: Path, target: str) -> None:
        self.remove(path)
        path.symlink_to(target)
        self.sync_folder(path.parent)

    def write(self, path: Path, data: bytes, mode: int = 0o644) -> None:
        path.write_bytes(data)
        self.sync_folder(path.parent)


@dataclass(frozen=True)
class Story:
    """`lay` prepares a unit, `act` is cut; `versions` may run afterwards."""

    name: str
    lay: Callable[[Site, Path], object]
    act: Callable[[Site, Path], object]
    versions: frozenset[int]


@dataclass
class Result:
    """What came of a campaign. A failure says where it is to be found again."""

    points: int = 0
    images: int = 0
    retried: int = 0
    bricked: list[str] = field(default_factory=list)


def confirmed(*counters: int) -> Callable[[Site, Path], None]:
    """These versions come, each proves itself."""

    def act(site: Site, folder: Path) -> None:
        for counter in counters:
            _bring(site, folder, counter)
            _well(site)

    return act


def returned(site: Site, folder: Path) -> None:
    """A version comes, and crashes again and again."""
    _bring(site, folder, 4)
    site.restarts, site.answer = 5, None
    site.watch(60, every_s=trial.LOOK_S)
    site.restarts, site.answer = 0, dict(shop.WELL)


def hangs(site: Site, folder: Path) -> None:
    """A version comes that takes the machine down with it until it is sent back."""
    _bring(site, folder, 4)
    for _ in range(5):
        site.memory.unlink(missing_ok=True)
        site.updater.boot()


def half_returned(site: Site, folder: Path) -> None:
    """A version has been found bad, and the power went before the link was switched back."""
    confirmed(2)(site, folder)
    _bring(site, folder, 4)
    state = site.slots.state
    assert state.trial is not None
    site.slots.save(replace(state.with_bad(state.trial.sha256), trial=replace(state.trial, verdict="bad")))


def boots(site: Site, folder: Path) -> None:
    """The machine starts, and the updater settles what it finds."""
    site.updater.boot()


def sent_back(site: Site, folder: Path) -> None:
    """A person changes their mind."""
    site.updater.back()


STORIES = (
    Story("first update", lambda *_: None, confirmed(2), frozenset({1, 2})),
    Story("an update over another", confirmed(2), confirmed(3), frozenset({2, 3})),
    Story("a third update, into a slot in use before", confirmed(2, 3), confirmed(4), frozenset({3, 4})),
    Story("one that comes back to the package", lambda *_: None, returned, frozenset({1, 4})),
    Story("one that comes back to a slot", confirmed(2, 3), returned, frozenset({3, 4})),
    Story("one that hangs the machine", confirmed(2), hangs, frozenset({2, 4})),
    Story("the settling of a return that was cut", half_returned, boots, frozenset({2, 4})),
    Story("sent back by a person", confirmed(2, 3), sent_back, frozenset({2, 3})),
)


def play(
    story: Story, card: type[Quick], kinds: int, seed: int, where: Path, result: Result, enough: float = math.inf
) -> None:
    """Cut it everywhere, in every way, and look; until so many are bricked."""
    home = empty(where / "unit")
    first = shop.site(home, card=card(), many=FILES)
    story.lay(first, empty(where / "stick"))
    for cut, point in _cuts(story, first, where):
        if len(result.bricked) >= enough:
            return
        result.points += 1
        for kind in ("dropped", "kept", *(f"partly-{n}" for n in range(kinds - 2))):
            result.images += 1
            slots = empty(home / "slots")
            cut.image(kind.partition("-")[0], random.Random(f"{seed}/{story.name}/{point}/{kind}")).build(slots)
            broken = _judge(story, Site(first.slots, home / "looks.json"), where, result)
            if broken:
                result.bricked.append(f"{story.name}, point {point}, {kind}, seed {seed}: {broken}")


def _cuts(story: Story, site: Site, where: Path) -> Iterator[tuple[Disk, int]]:
    tape = Tape(site.slots.root)
    with watched(tape), contextlib.redirect_stderr(io.StringIO()):
        story.act(site, where / "stick")
    disk = Disk(tape)
    for point, op in enumerate(list(tape.operations()), 1):
        disk.step(op)
        yield disk, point


def _judge(story: Story, site: Site, where: Path, result: Result) -> str:
    """Start the machine, then go on; why it is bricked, "" where it is not."""
    site.memory.unlink(missing_ok=True)  # it was in RAM
    try:
        site.slots.card = Quick()
        site.updater.boot()
        if (ran := _whole(site)) not in story.versions:
            return f"what runs is {ran or 'no whole version'}, not one of {sorted(story.versions)}"
        if site.slots.state.trial is not None:
            _well(site)
        with contextlib.suppress(Refusal):  # it was found to be bad, or is in already
            _bring(site, where / "stick", max(story.versions))
            _well(site)
            result.retried += 1
        _bring(site, where / "stick", LAST)
        _well(site)
        if not site.slots.current or site.slots.about(site.slots.current)["counter"] != LAST:
            return "the next update did not come to run"
    except (OSError, ValueError) as err:
        return f"{type(err).__name__}: {err}"
    return ""


def _whole(site: Site) -> int | None:
    """The counter of the version that the launcher picks, where every byte of it is there."""
    home = Path(_launch(site))
    about = site.slots.about(OWN if home == site.slots.package else home.name)
    counter = int(about.get("counter", 0))
    for name, data in shop.files(counter, FILES).items():
        path = home / name
        if not path.is_file() or path.read_bytes() != data:
            return None
    return counter


def _launch(site: Site) -> str:
    """As deploy/ota/launch does it, by the shell itself where its choice is not plain: a start costs 2 ms."""
    current = site.slots.root / "current"
    if not current.is_symlink():
        return str(site.slots.package)
    slot = site.slots.root / str(current.readlink())
    picked = shop.launched_home(site)
    assert picked in (str(slot), str(site.slots.package))
    return picked


def _bring(site: Site, stick: Path, counter: int) -> None:
    """Download and try, as `check` does, from a station that has it."""
    data, told = _release(counter)
    folder = site.slots.root / "download"
    site.slots.card.folder(folder)
    part = folder / f"{told.sha256}.deb.part"
    for path in folder.iterdir():
        if path != part and path.suffix != ".deb":
            path.unlink()
    if not part.with_suffix("").exists():
        _pour(site, part, data)
        if fetch.digest(part) != told.sha256:
            part.unlink()
            _pour(site, part, data)
        part.replace(part.with_suffix(""))
        site.slots.card.sync_folder(folder)
    try:
        site.updater.install(part.with_suffix(""), shop.signed(told))
    finally:
        part.with_suffix("").unlink()


@cache
def _release(counter: int) -> tuple[bytes, Manifest]:
    data = shop.package(shop.entries(counter, FILES))
    return data, shop.told(counter, data)


def _pour(site: Site, part: Path, data: bytes) -> None:
    """As a broken link leaves it: in pieces, gone on with."""
    with part.open("ab") as file:
        have = file.tell()
        for first in range(have, len(data), 512):
            file.write(data[first : first + 512])
            file.flush()
        site.slots.card.sync(file.fileno())


def _well(site: Site) -> None:
    site.watch(300, every_s=trial.LOOK_S)


def main() -> int:
    """0: no unit is bricked, and a careless card bricks some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", type=int, default=3, help="images at each point, 3 or more (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    failed = False
    for card, teeth in ((Quick, False), (NeverSyncs, True), (TwoSteps, True)):
        begun, result = time.monotonic(), Result()
        with room() as where:
            for story in STORIES if not teeth else STORIES[1:3]:
                enough = TEETH if teeth else math.inf
                play(story, card, args.kinds + 2 * teeth, args.seed, where, result, enough)
        name = "as it is" if not teeth else f"careless: {card.__name__}"
        took = time.monotonic() - begun
        print(
            f"{name}: {result.points} cut points, {result.images} cards, {result.retried} tried again, "
            f"bricked {len(result.bricked)}, {took:.1f} s"
        )
        failed |= bool(result.bricked) != teeth
        if not teeth:
            print("\n".join(result.bricked[:SHOWN]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
