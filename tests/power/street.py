"""The street that a unit stands in, and that outlives it: door, clock, card, network, platform. Plays one scene.

A street can be entered midway: `recall` what the platform holds, `resume` where the unit before this one was cut off.
"""

import heapq
import itertools
import random
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from edge import config
from edge.board import pins
from edge.board.host import HostReading
from edge.clock import MS, SECOND, Quality, Stamp
from edge.errors import PartError
from edge.loop import Loop
from edge.parts import CameraFailed, FrameTaken
from edge.records import Alarmed, Record, Source
from edge.sim import terms
from edge.sim.beside import EVENTS, PlainSpeech
from edge.sim.contact import Wire
from edge.sim.history import Span, Truth
from edge.sim.time import SimClock
from edge.spool import seal
from edge.spool.frames import FrameFiles
from edge.spool.store import SqliteStore
from edge.unit.agent import Unit
from edge.unit.staff import Kit, staff
from edge.uplink.other import Other
from tests.power import harm
from tests.power.scene import BASE_NS, UNIT, Scene
from tests.power.town import TOWN_KEY, UNIT_SEED, Note, Post, Town, Word, sealer

HUB = "hub "  # before the kind of what the second platform was told
PICTURE = Image.new("RGB", (16, 16))


class Street:
    """One scene, played to its end by `run`. What the platform is told goes to `note` before it counts as received."""

    def __init__(self, scene: Scene, folder: Path, note: Note = lambda _: None, life: str = "a") -> None:
        self.scene = scene
        self.folder = folder
        self.now_ns = 0  # true time since the scene began
        self.acts_done = 0
        self.life = 0  # counts starts and ends of the unit
        self.faults = 0  # exceptions that reached a deciding loop
        self.card_fault: PartError | None = None
        self.card_takes_ns = 2 * MS
        self.town = Town(self.after, note)
        self.hub = Town(self.after, lambda word: note(msgspec.structs.replace(word, kind=f"{HUB}{word.kind}")))
        self._has_hub = scene.hub
        self.truth = Truth(BASE_NS, 50 * MS, list(scene.moves), boots={"boot-0": -SECOND})
        self.clock = SimClock(boot="boot-0", wall_ns=BASE_NS)
        self.config = config.parse(scene.settings)
        if not (folder / terms.NAME).exists():
            terms.preset(folder, BASE_NS, days=scene.term_s / 86_400)
        self._epochs = (f"{life}{n}" for n in itertools.count(1))
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._anew = True  # False while what happened before is only recalled
        self._on = False
        self._closed = True
        self._began_ns = 0
        self._wire: Wire | None = None
        self._unit: Unit | None = None
        self.on_start: list[Callable[[], None]] = []  # the program is loaded
        self.loop: Loop | None = None
        self.store: SqliteStore | None = None

    def run(self) -> None:
        """To the scene's end."""
        while self.now_ns < self.scene.until_ns:
            wait_ns = self.loop.turn() if self.loop else None
            due_ns = min(self.scene.until_ns, self._heap[0][0] if self._heap else self.scene.until_ns)
            if self.acts_done < len(self.scene.acts):
                due_ns = min(due_ns, self.scene.acts[self.acts_done].at_ns)
            if wait_ns is not None:
                due_ns = min(due_ns, self.now_ns + wait_ns)
            self._pass(due_ns)
            while self._heap and self._heap[0][0] <= self.now_ns:
                heapq.heappop(self._heap)[2]()
            self._act()

    def resume(self, now_ns: int, acts_done: int, boot: str = "") -> None:
        """Go on where another was cut off: with the agent alone started again, or the machine, as `boot`."""
        self._anew = False
        for act in self.scene.acts[:acts_done]:
            self._pass(act.at_ns)
            self._act()
        self._pass(now_ns)
        self._anew = True
        if self._on:
            self._start(boot)

    def leave(self) -> None:
        """The unit is gone from one instant to the next, and the card as it left it."""
        if self.loop is None or self.store is None:
            return
        self.life += 1
        self.faults += self.loop.faults
        self.truth.lives.append(Span(self._began_ns, self.now_ns))
        self.town.unplug()
        self.hub.unplug()
        harm.let_go(self.store)
        self.loop = self.store = self._unit = self._wire = None

    def recall(self, words: list[Word]) -> None:
        """What the platforms were told before."""
        self.town.platform.recall([word for word in words if not word.kind.startswith(HUB)])
        its = [word for word in words if word.kind.startswith(HUB)]
        self.hub.platform.recall([msgspec.structs.replace(w, kind=w.kind.removeprefix(HUB)) for w in its])

    def after(self, wait_ns: int, act: Callable[[], None]) -> None:
        """Call `act` wait_ns from now."""
        heapq.heappush(self._heap, (self.now_ns + wait_ns, next(self._order), act))

    def _pass(self, until_ns: int) -> None:
        self.clock.turn(until_ns - self.now_ns)
        self.now_ns = until_ns

    def _act(self) -> None:
        while self.acts_done < len(self.scene.acts) and self.scene.acts[self.acts_done].at_ns <= self.now_ns:
            act = self.scene.acts[self.acts_done]
            self.acts_done += 1
            getattr(self, f"_{act.verb}")(*act.args)

    # What a scene's acts do

    def _start(self, boot: str = "") -> None:
        """The agent starts; with `boot` the machine did too."""
        self._on = True
        if boot:
            self.clock.reboot(boot)
            self.truth.boots[boot] = self.now_ns
        if not self._anew:
            return
        for load in self.on_start:
            load()
        self.life += 1
        self._began_ns = self.now_ns
        self._sealer = sealer()
        loop = self.loop = Loop(self.clock.now)
        self.town.post = loop.post
        factory = pins.simulated_factory(self.clock.now)
        self._wire = Wire(factory, self.config.door.contact_pin)
        self._wire.set(self._closed)
        self.store = SqliteStore(self.folder, lambda: next(self._epochs))
        camera = self.config.camera.enabled
        kit = Kit(
            clock=self.clock,
            loop=loop,
            contact=pins.Reed(factory, self.config.door.contact_pin, now=self.clock.now),
            link=self.town,
            store=self.store,
            files=FrameFiles(self.folder / "frames"),
            worker=lambda name: Worker(self, loop, on_card=name in ("card", "frames")),
            eye=StillEye() if camera else None,
            seal=self._seal,
            open_post=(lambda: Post(self.town)) if camera else None,
            verify=partial(seal.signed_by, TOWN_KEY),
            sign=partial(seal.signature_of, UNIT_SEED),
            folder=self.folder,
            host=HostReading,
            dice=random.Random(1),
            new_epoch=lambda: f"spare-{next(self._epochs)}",
            others=(Other(EVENTS, PlainSpeech(UNIT), self._open_hub),) if self._has_hub else (),
        )
        settings = msgspec.structs.replace(
            self.config, spool=msgspec.structs.replace(self.config.spool, **self.scene.spool)
        )
        self._unit = staff(settings, UNIT, kit)
        self._unit.start()

    def _open_hub(self, post: Callable[[object], None]) -> Town:
        self.hub.post = post
        return self.hub

    def _stop(self) -> None:
        """SIGTERM."""
        self._on = False
        if self.loop is not None and self._unit is not None:
            self.loop.call(self._unit.stop)

    def _off(self) -> None:
        """The process ended, or was ended."""
        self._on = False
        self.leave()

    def _level(self, closed: bool) -> None:
        self._closed = closed
        if self._wire is not None:
            self._wire.set(closed)

    def _turn(self, what: str, value: object = None) -> None:
        self.town.turn(what, value)

    def _turn_hub(self, what: str, value: object = None) -> None:
        self.hub.turn(what, value)

    def _settings_hub(self, there: bool) -> None:
        """From the next start on."""
        self._has_hub = there

    def _say(self, leaf: str, payload: bytes) -> None:
        self.town.say(leaf, payload)

    def _harm(self, kind: str, *args: object) -> None:
        """Something happens to the card's content: once, however often it is recalled."""
        if self._anew:
            getattr(harm, kind)(self.folder, self.store, *args)

    def _card(self, fault: PartError | None = None, takes_ms: int = 2) -> None:
        self.card_fault, self.card_takes_ns = fault, takes_ms * MS

    def _sick(self, sick: bool) -> None:
        """The card takes no more writing, and says so as an input/output error."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (0 if sick else hard, hard))

    def _clock(self, quality: Quality, error_ms: int | None = None, wrong_ns: int = 0) -> None:
        self.clock.step(BASE_NS + self.now_ns + wrong_ns - self.clock.read().wall_ns)
        self.clock.quality, self.clock.error_ms = quality, error_ms

    def _frame(self) -> None:
        if self.loop is not None:
            self.loop.post(FrameTaken(self.clock.now(), PICTURE))

    def _alarm(self) -> None:
        if self._unit is not None:
            at = self.clock.read()
            self._unit.crew.recorder.alarm(at, Alarmed.TAMPER, Source.LID, "opened")

    def _camera_fails(self) -> None:
        if self.loop is not None:
            fault = PartError("camera", found="none", wanted="a camera", remedy="Look at the ribbon.")
            self.loop.post(CameraFailed(fault))

    def _seal(self, _image: Image.Image, event: Record, at: Stamp) -> tuple[str, bytes]:
        sealed = self._sealer.seal(bytes(self.scene.picture_bytes), epoch=event.epoch, event=event.seq, at=at)
        return seal.frame_name(sealed), sealed


class StillEye:
    """The camera's thread, without one: the scene gives the pictures."""

    sensor_open = False

    def start(self) -> None:
        """On."""
        self.sensor_open = True

    def pause(self) -> None:
        """Off."""
        self.sensor_open = False

    resume = start


class Worker:
    """edge.loop.Worker in true time. In an eager scene a job is done before `do` returns, else a while later."""

    def __init__(self, street: Street, loop: Loop, *, on_card: bool) -> None:
        self._street = street
        self._loop = loop
        self._life = street.life
        self._on_card = on_card
        self._free_ns = 0

    def do(self, job: Callable[[], Any], then: Callable[[Any], None], fail: Callable[[Exception], None]) -> None:
        """Run `job`; its answer arrives in the deciding thread."""
        street = self._street
        if street.scene.eager:
            self._run(job, then, fail)
            return
        self._free_ns = max(self._free_ns, street.now_ns) + street.card_takes_ns
        street.after(self._free_ns - street.now_ns, lambda: self._run(job, then, fail))

    def close(self) -> None:
        """Nothing to end."""

    def _run(self, job: Callable[[], Any], then: Callable[[Any], None], fail: Callable[[Exception], None]) -> None:
        street = self._street
        if self._life != street.life:
            return
        if self._on_card and street.card_fault is not None:
            self._loop.call(fail, street.card_fault)
            return
        try:
            answer = job()
        except Exception as err:  # carried to the deciding thread, as edge.loop.Thread does
            self._loop.call(fail, err)
        else:
            self._loop.call(then, answer)
