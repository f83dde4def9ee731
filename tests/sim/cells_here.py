"""Cells of the fault matrix: what goes wrong in the unit itself. stage.py tells what a cell says."""

from edge.clock import MS, SECOND, Quality
from edge.records import Change, Event, Gap, GapReason
from edge.sim.world import World
from edge.spool.journal import IN_RAM_MAX
from tests.sim import faults as f
from tests.sim.faults_there import network
from tests.sim.stage import HOUR_S, area, row

PICTURES = {"enabled": True, "width": 160, "height": 120, "before_s": 1, "after_s": 2}
CAMERA = {"camera": PICTURES}
LAMP = {"camera": {**PICTURES, "led_pin": 18}}
CONTACT, LED = 17, 18  # GPIO
ODD = RuntimeError("something nobody thought of")
FLOOD = IN_RAM_MAX + 600  # movements, an even number


def loss_is_counted(world: World) -> list[str]:
    """Every movement is held, or counted as gone."""
    records = [held.envelope.data.record for held in world.city.platform.held.values()]
    told = sum(isinstance(r, Event) and r.change in (Change.OPENED, Change.SHUT) for r in records)
    gone = sum(r.records or 0 for r in records if isinstance(r, Gap) and r.reason is GapReason.OVERRUN)
    moved = len(world.truth.moves)
    return [] if gone and told + gone >= moved else [f"of {moved} movements {told} are told and {gone} counted as gone"]


# tables: a row for each cell
# fmt: off
CAMERA_CELLS = area(
    "camera",
    row("camera absent at start", "no camera answers", f.camera("absent"), "live", "camera.failed", 6, at_start=True),
    row("camera vanishes", "its ribbon comes loose", f.camera("absent"), "live", "camera.failed", 7),
    row("camera away for an hour", "its ribbon is loose", f.camera("absent"), "live", "camera.failed", 7,
        lasts_s=HOUR_S),
    row("camera hangs", "the sensor does not answer", f.eye(hangs=True), "live", "camera.stalled", 11),
    row("camera hangs at start", "the sensor does not answer", f.hangs_at_start, "live", "camera.stalled", 11,
        at_start=True),
    row("camera's driver raises", "what no part may raise", f.camera("odd"), "live", "camera.failed", 7),
    row("camera dark", "every picture is black", f.camera("dark"), "live"),
    row("camera slow", "a picture takes 3 s", f.eye(takes_ns=3 * SECOND), "live"),
    row("lamp pin busy", "another program holds it; no lamp, no picture", f.busy_pin(LED), "live", "camera.failed", 6,
        at_start=True),
    settings=LAMP,
)
CONTACT_CELLS = area(
    "contact",
    row("chatter", "the contact does not come to rest for 30 s", f.chatter, "none", "contact.chatter", 4, lasts_s=30),
    row("stuck", "the door opens and the contact stays closed, until it comes free", f.stuck, "none"),
    row("contact pin busy at start", "another program holds it", f.busy_pin(CONTACT), "none", "contact.unreadable",
        at_start=True),
    row("contact pin lost", "the kernel gives the line no longer", f.bad_contact(f.torn), "none", "contact.unreadable",
        2),
    row("trailing edges dropped", "the kernel delivers the first edge of each movement", f.deaf_after(0), "live"),
    row("all edges dropped", "the kernel delivers no edge at all", f.bad_contact(f.deaf_after(-1)), "live"),
    row("glitches", "3 ms of nonsense twice a second", f.glitches, "live", "contact.noise", 40),
    row("rattle", "the contact bounces for 250 ms", f.nothing, "live", wave="rattle"),
    row("fast double opening", "the door opens twice within 300 ms", f.double_opening, "live"),
    row("level inverted by config", "door.closed_level is wrong: every change is told as its opposite", f.nothing,
        "live", settings={"door": {"closed_level": "high"}}, shows="shut", told=Change.SHUT, judged=False),
    row("ten thousand edges at once", "a storm in the wire while the door opens", f.flood, "live"),
)
DISK_CELLS = area(
    "disk",
    row("card full", "no room for a record", f.part("card", fault=f.FULL), "live", "spool.full", 4),
    row("card full for an hour", "no room for a record", f.part("card", fault=f.FULL), "live", "spool.full", 4,
        lasts_s=HOUR_S),
    row("card full, with camera", "no room for records and pictures", f.part("card", fault=f.FULL), "live",
        "spool.full", 4, settings=CAMERA),
    row("card read-only", "writing is refused", f.part("card", fault=f.PROTECTED), "live", "spool.failing", 4),
    row("card broken", "input/output error", f.part("card", fault=f.BROKEN), "live", "spool.failing", 4),
    row("card broken at start", "the spool cannot be opened", f.part("card", fault=f.BROKEN), "live", "spool.failing",
        at_start=True),
    row("sync takes 300 ms", "a tired card", f.part("card", takes_ns=300 * MS), "live"),
    row("sync takes 3 s", "a dying card", f.part("card", takes_ns=3 * SECOND), "live", "spool.slow", 6),
    row("sync never ends", "the card's driver hangs", f.part("card", hangs=True), "live", "spool.slow", 6),
    row("sync never ends, and no network for 15 s", "two faults: what is in RAM goes without the card",
        f.both(f.part("card", hangs=True), f.away_for(15)), "live", "spool.slow", 6, also=("link.network",), late_s=40,
        lasts_s=120),
    row("card cannot be read", "as the link comes back", f.unread, "live", "spool.failing", 3),
    row("card hangs at start", "the spool does not open", f.part("card", hangs=True), "live", "spool.slow", 4,
        at_start=True),
    row("spool damaged at start", "two of its pages hold nonsense", f.damaged, "live", "spool.lost",
        at_start=True, may_go_s=HOUR_S),
    row("spool damaged in use", "a commit finds nonsense", f.damaged_in_use, "live", "spool.lost", 4, may_go_s=HOUR_S),
    row("state folder missing at start", "somebody removed it", f.no_folder, "live", at_start=True),
    row("state folder removed in use", "somebody removed it", f.no_folder, "live", "spool.lost", 4, may_go_s=HOUR_S),
    row("frames folder full", "room for records, none for pictures", f.part("frames", fault=f.FULL), "live",
        "frames.unkept", 10, settings=CAMERA),
    row("pictures that wait cannot be read", "their files are gone", f.pictures_vanish, "live", "frames.unkept", 50,
        may_go_s=HOUR_S, settings=CAMERA),
    row("spool of a newer version", "its schema is not known here", f.newer, "live", "spool.newer", at_start=True),
)
BOARD_CELLS = area(
    "board",
    row("supply voltage low", "below 4.63 V", f.host(under_voltage=True), "live", "power.low", 21),
    row("supply voltage low, no network", "two faults", f.both(f.host(under_voltage=True), network("down")), "kept",
        "power.low", 21, also=("link.network",)),
    row("too hot", "85 C", f.host(temperature_c=85.0), "live", "heat.high", 81, lasts_s=120),
)
CLOCK_CELLS = area(
    "clock",
    row("clock never set", "it is 1970 for five minutes after the start", f.in_1970, "live", "clock.unsynced", 61,
        at_start=True, lasts_s=300),
    row("clock not confirmed", "a battery clock, right, and no time server", f.clock(Quality.RTC, 0), "live",
        "clock.unsynced", 61, at_start=True, lasts_s=900),
    row("clock a year ahead", "a saved time was wrong", f.clock(Quality.RESTORED, f.YEAR_NS), "live", "clock.unsynced",
        61, at_start=True, lasts_s=120),
    row("clock steps back", "by an hour, while it is called synced", f.clock(Quality.SYNCED, -HOUR_S * SECOND, 1),
        "live", judged=False),
    row("clock steps forward", "by an hour, while it is called synced", f.clock(Quality.SYNCED, HOUR_S * SECOND, 1),
        "live", judged=False),
    row("time server lost", "the kernel disciplines the clock no longer", f.clock(Quality.RESTORED, 300 * MS), "live",
        "clock.unsynced", 661, lasts_s=900),
)
PROCESS_CELLS = area(
    "process",
    row("killed while the door opens", "before the contact has settled", f.killed(20), "kept", away_s=3),
    row("killed as an opening is sent", "before it is on the card", f.killed(61), "kept", away_s=3),
    row("killed again and again", "six times, every 5 s", f.killed(20, times=6), "kept", away_s=3),
    row("power cut while the door opens", "and 1970 for 20 s after the start", f.power_cut, "kept", away_s=5.1),
    row("a step of the loop raises", "a fault of ours", f.raises, "live", "loop.fault", faults=True, may_go_s=HOUR_S),
    row("the card's worker raises", "a fault of ours at every commit", f.part("card", fault=ODD), "live", "loop.fault",
        4, faults=True, may_go_s=HOUR_S),
    row("the darkroom raises", "a fault of ours at every picture", f.part("darkroom", fault=ODD), "live", "loop.fault",
        4, faults=True, may_go_s=HOUR_S, settings=CAMERA),
    row("the pictures' worker raises", "a fault of ours at every sending", f.part("post", fault=ODD), "live",
        "loop.fault", 4, faults=True, may_go_s=HOUR_S, settings=CAMERA),
    row("the frames' worker raises", "a fault of ours at every file", f.part("frames", fault=ODD), "live", "loop.fault",
        4, faults=True, may_go_s=HOUR_S, settings=CAMERA),
)
MEMORY_CELLS = area(
    "memory",
    row("the spool's RAM overruns", f"no card, no link, {FLOOD} movements: the oldest go, counted",
        f.both(network("down"), f.part("card", fault=f.BROKEN), f.busy_door(FLOOD)), "kept", "spool.failing", 4,
        also=("link.network",), lasts_s=20 + FLOOD * 0.15, judged=False, all_arrive=False, check=loss_is_counted),
)
# fmt: on
