"""What chips and lid say, as warnings, alarms and numbers. Whatever fails here, the door is watched all the same.

An alarm is recorded when it begins and when it ends, once each, also across restarts: what stands is kept in the
same commit as its record.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from drivers.lis3dh import IN_PLACE
from drivers.supervised import CLOSED
from edge.board.chips import Chip, EnclosureSaid, Motion, MotionSaid, RtcSaid, Said, SupplySaid, WiringSaid
from edge.board.indicator import Panel
from edge.board.sensors import Sensors
from edge.clock import MS, Clock
from edge.errors import PartError
from edge.fittings import Sensors as Settings
from edge.health import Health
from edge.loop import Loop
from edge.records import Alarmed, Source
from edge.unit.finder import identify
from edge.unit.lid import Lid
from edge.unit.recorder import Recorder

log = logging.getLogger(__name__)

KEY = "guard"  # of what is kept on the card
BACK_MV, WELL_MV = 200, 100  # by how much the supply must rise again: one that hangs at the limit rings once
COOL_MC, DRY_PM = 3000, 30  # and heat and damp fall
SURE = 2  # readings in a row: a load that switches on dents the supply for less than a second
OF_THE_DOOR = ("loop", "knocks")  # the loop reads shut or open, and a door that slams knocks
CODES = {
    Source.LID: "tamper.lid",
    Source.WALL: "tamper.wall",
    Source.WIRING: "tamper.wiring",
    Source.SUPPLY: "power.lost",
}
NEEDS = {Source.LID: "tamper_pin", Source.WALL: "motion", Source.WIRING: "loop", Source.SUPPLY: "supply"}


class Memory(msgspec.Struct):
    """What must survive: the alarms that stand, with their details, and how the unit was fixed to its wall."""

    standing: dict[Source, str] = {}
    upright: tuple[int, int, int] | None = None


class Crew(msgspec.Struct, frozen=True):
    """Whom the guard works with."""

    loop: Loop
    clock: Clock
    health: Health
    recorder: Recorder
    chips: list[Chip]
    sensors: Sensors | None
    lid: Lid | None
    panel: Panel | None


_memory = msgspec.json.Decoder(Memory)


class Guard:
    """Lives in the deciding thread. `keep(KEY, state)` puts what it remembers on the card."""

    def __init__(self, settings: Settings, crew: Crew, keep: Callable[[str, bytes], None]) -> None:
        self._settings = settings
        self._c = crew
        self._keep = keep
        self._memory = Memory()
        self._motion = next((chip for chip in crew.chips if isinstance(chip, Motion)), None)
        self._numbers: dict[str, Any] = {}
        self._failed: list[str] = []
        self._why = {"chips": "", "lid": ""}
        self._below = 0  # readings in a row that say the mains is gone
        self._acts: dict[type[Said], Callable[[Any], None]] = {
            SupplySaid: self._supply,
            EnclosureSaid: self._enclosure,
            RtcSaid: self._rtc,
            MotionSaid: self._hangs,
            WiringSaid: self._wiring,
        }
        if crew.sensors is not None:
            crew.sensors.on_said = lambda said: self._acts[type(said)](said)
            crew.sensors.on_fault = self._chips_fail
        if crew.lid is not None:
            crew.lid.on_state = lambda state, since_ns: self._stand(Source.LID, state, since_ns)
            crew.lid.on_fault = self._lid_fails
        if crew.panel is not None:
            crew.panel.on_trouble = self._panel_fails

    def begin(self, stored: Mapping[str, bytes]) -> None:
        """Start to watch, from what `state` gave in an earlier life."""
        known = _memory.decode(stored[KEY]) if KEY in stored else Memory()
        fitted = {s: d for s, d in known.standing.items() if getattr(self._settings, NEEDS[s]) is not None}
        self._memory = Memory(fitted, known.upright)
        for source, detail in fitted.items():
            self._c.health.set(CODES[source], self._c.loop.now(), f"{detail}, since before this start")
        if self._motion is not None:
            self._motion.upright = known.upright
        if self._c.sensors is not None:
            self._c.sensors.start()
        if self._c.lid is not None:
            self._c.lid.start()

    def close(self) -> None:
        """Watch and show no more; safe to repeat."""
        if self._c.sensors is not None:
            self._c.sensors.close()
        if self._c.lid is not None:
            self._c.lid.close()
        if self._c.panel is not None:
            self._c.panel.close()

    def state(self) -> dict[str, bytes]:
        """What must survive a restart; empty where nothing is fitted."""
        return {KEY: msgspec.json.encode(self._memory)} if self._c.chips or self._c.lid else {}

    def mounted(self, _args: Mapping[str, Any]) -> str:
        """The command: as the unit hangs now is how it was fixed."""
        if self._motion is None:
            return "this unit has no sensor that would know"
        self._memory.upright = self._motion.upright = None
        self._keep(KEY, self.state()[KEY])
        return "as it hangs now is how it was fixed"

    def identify(self, args: Mapping[str, Any]) -> str:
        """The command: blink and beep for `for_s` seconds. Raises DoorunitError."""
        return identify(self._c.panel, args)

    def show_fault(self, shown: bool) -> None:
        """Warnings are shown, or none."""
        if self._c.panel is not None:
            self._c.panel.fault(shown)

    def numbers(self, *, watching: bool) -> dict[str, Any]:
        """For the pulse: of what is fitted alone; and what would tell a movement of the door, while it is watched."""
        if not (self._c.chips or self._c.lid):
            return {}
        numbers = {key: value for key, value in self._numbers.items() if watching or key not in OF_THE_DOOR}
        said = {**numbers, "sensor_faults": self._failed + ["lid"] * bool(self._why["lid"])}
        if any(getattr(self._settings, NEEDS[source]) is not None for source in CODES if source is not Source.SUPPLY):
            said["tamper"] = sorted(source for source in self._memory.standing if source is not Source.SUPPLY)
        return said

    # What was said

    def _supply(self, said: SupplySaid) -> None:
        health, now, settings = self._c.health, self._c.loop.now(), self._settings
        self._numbers |= {"supply_mv": said.mv, "supply_ma": said.ma}
        stands = Source.SUPPLY in self._memory.standing
        self._below = self._below + 1 if said.mv < settings.power_lost_mv + BACK_MV * stands else 0
        if self._below >= SURE or (stands and not self._below):
            self._stand(Source.SUPPLY, f"{said.mv} mV" if self._below else "", now, over=f"{said.mv} mV", again=False)
        limit_mv = settings.supply_low_mv + WELL_MV * health.active("supply.low")
        health.put("supply.low", now, said.mv < limit_mv, f"{said.mv} mV; want {settings.supply_low_mv} or more")

    def _enclosure(self, said: EnclosureSaid) -> None:
        health, now = self._c.health, self._c.loop.now()
        celsius, percent = round(said.temperature_mc / 1000, 1), round(said.humidity_pm / 10, 1)
        self._numbers |= {"enclosure_c": celsius, "humidity_pct": percent}
        hot_mc = self._settings.hot_c * 1000 - COOL_MC * health.active("enclosure.hot")
        damp_pm = self._settings.damp_pct * 10 - DRY_PM * health.active("enclosure.damp")
        health.put("enclosure.hot", now, said.temperature_mc >= hot_mc, f"{celsius} C")
        health.put("enclosure.damp", now, said.humidity_pm >= damp_pm, f"{percent} %")

    def _rtc(self, said: RtcSaid) -> None:
        self._c.health.put("clock.battery", self._c.loop.now(), bool(said.stopped), "its stop flag is set")

    def _hangs(self, said: MotionSaid) -> None:
        """A knock is a number alone: a door that slams shakes the wall too."""
        self._numbers["knocks"] = said.knocks
        if said.upright != self._memory.upright:
            self._memory.upright = said.upright
            self._keep(KEY, self.state()[KEY])
        self._stand(Source.WALL, "" if said.place == IN_PLACE else said.place, self._c.loop.now())

    def _wiring(self, said: WiringSaid) -> None:
        self._numbers["loop"] = said.state
        self._stand(Source.WIRING, "" if said.state in CLOSED else said.state, said.first_ms * MS)

    def _stand(self, source: Source, detail: str, since_ns: int, *, over: str = "", again: bool = True) -> None:
        """This detail stands from now on; "" for none, told with `over` or what stood. again: another is told too."""
        standing, now = self._memory.standing, self._c.clock.read()
        was = standing.pop(source, "")
        if detail:
            standing[source] = detail
        self._c.health.put(CODES[source], now.boot_ns, bool(detail), detail)
        if detail == was or (detail and was and not again):
            return
        what = (Alarmed.TAMPER_OVER, Alarmed.TAMPER)
        if source is Source.SUPPLY:
            what = (Alarmed.POWER_BACK, Alarmed.POWER_LOST)
        self._c.recorder.alarm(now.at(since_ns), what[bool(detail)], source, detail or over or was)

    # What fails

    def _chips_fail(self, failed: list[str], why: str) -> None:
        self._failed = failed
        self._fails("chips", why)

    def _lid_fails(self, why: str) -> None:
        self._fails("lid", why)

    def _panel_fails(self, err: PartError | None) -> None:
        self._c.health.put("indicator.failed", self._c.loop.now(), err is not None, err)

    def _fails(self, part: str, why: str) -> None:
        """One warning, whatever fails: the detail says which and what to look at."""
        self._why[part] = why
        text = "; ".join(filter(None, self._why.values()))
        self._c.health.put("sensor.failed", self._c.loop.now(), bool(text), text)
