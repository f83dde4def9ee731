"""The fixed histories: between them they reach every statement that a unit on its way can reach."""

from edge.clock import Quality
from tests.power.scene import Scene, Script, sign
from tests.power.scenes_card import (
    BROKEN,
    FULL,
    a_bad_card,
    a_full_card,
    a_read_only_card,
    a_sick_card,
    a_slow_card,
    a_wrong_folder,
)
from tests.power.scenes_damage import damages
from tests.power.scenes_hub import (
    a_hub_that_leaves,
    a_slow_card_with_a_hub,
    an_end_with_a_hub,
    too_much_for_a_hub,
    two_towns,
)
from tests.power.scenes_pictures import bad_pictures, cut_pictures, too_many_pictures
from tests.power.scenes_term import an_end
from tests.power.scenes_town import a_bad_town, a_broker_alone, a_mute_town


def a_day(name: str, *, eager: bool) -> Scene:
    """Openings with the link up and down, a backlog drained, pictures sent, a stop in order and a cut, a new boot."""
    s = Script(name, camera=True, eager=eager)
    s.at(0, "start")
    s.door(5)
    s.door(9)
    s.at(12, "turn", "network", "down")
    for at_s in range(15, 35, 5):
        s.door(at_s)
    s.at(40, "turn", "network")
    s.door(60)
    s.at(65, "stop")
    s.at(67, "off")
    s.at(70, "start")
    s.door(75)
    s.at(80, "off")
    s.at(90, "start", "boot-1")
    s.door(95, "clean")
    s.door(140, "rattle")
    s.at(142, "alarm")
    s.command(145, "c1", "pulse", sign)
    s.command(146, "c2", "resend", sign)
    s.command(147, "c3", "pulse", lambda _: bytes(64))
    s.command(148, "c3", "pulse", lambda _: bytes(3))
    return s.end()


def too_many_records(name: str, *, eager: bool) -> Scene:
    """More than the spool may hold, and more than one block of seqs."""
    s = Script(name, eager=eager, evicts=True, spool={"records_max": 30}, knobs={"edge.spool.journal._EVICT": 5})
    s.at(0, "start")
    s.at(2, "turn", "network", "down")
    for at_s in range(5, 85, 2):
        s.door(at_s)
    s.at(90, "turn", "network")
    return s.end()


def a_small_spool(name: str) -> Scene:
    """What is to go is received before the card has said what it is."""
    s = Script(name, evicts=True, spool={"records_max": 1})
    s.at(0, "start")
    s.at(1, "card", None, 100)
    s.door(5)
    s.at(8, "turn", "mute", True)
    s.door(10)
    s.at(10.4, "turn", "mute")
    s.command(10.5, "c1", "resend", sign)
    s.door(10.6, "clean")
    return s.end()


def too_much_in_ram(name: str, *, eager: bool) -> Scene:
    """A card that refuses for longer than the RAM lasts."""
    knobs = {f"edge.spool.journal.{name}": value for name, value in (("_EVICT", 3), ("IN_RAM_MAX", 8), ("_COMPACT", 5))}
    s = Script(name, eager=eager, evicts=True, knobs=knobs)
    s.at(0, "start")
    s.at(2, "turn", "network", "down")
    s.bad_card(4, 40, "card", (BROKEN,), ())
    s.scene.dark += s.scene.late
    for at_s in range(5, 35, 2):
        s.door(at_s)
    s.at(120, "turn", "network")
    return s.end()


def a_late_clock(name: str, *, eager: bool) -> Scene:
    """A clock that becomes good only after the first changes."""
    s = Script(name, eager=eager)
    s.at(0, "clock", Quality.UNSYNCED, None, -(10**18))
    s.at(0, "start")
    s.door(5)
    s.at(8, "turn", "network", "down")
    s.door(10)
    s.at(20, "clock", Quality.SYNCED, 4)
    s.door(30)
    s.at(40, "turn", "network")
    s.at(50, "stop")
    s.at(51, "off")
    s.at(62, "clock", Quality.UNSYNCED, None, -(10**18))
    s.at(62, "start", "boot-1")
    s.door(70)
    s.at(75, "off")
    s.at(76, "clock", Quality.SYNCED, 4)
    if eager:
        s.bad_card(76, 78, "card", (BROKEN,), ())
    s.at(77, "start")
    s.door(80)
    return s.end()


def all_scenes() -> list[Scene]:
    """Every one of them, the plainest first."""
    scenes = []
    for eager in (False, True):
        how = ", eager" if eager else ""
        scenes += [
            a_day(f"a day{how}", eager=eager),
            a_bad_town(f"a bad town{how}", eager=eager),
            a_mute_town(f"a mute town{how}", eager=eager),
            a_broker_alone(f"a broker alone{how}", eager=eager),
            a_bad_card(f"a broken card{how}", eager=eager, fault=BROKEN),
            a_bad_card(f"a refusing card{how}", eager=eager, fault=FULL),
            a_full_card(f"a full card{how}", eager=eager),
            a_read_only_card(f"a read-only card{how}", eager=eager),
            a_sick_card(f"a sick card{how}", eager=eager),
            bad_pictures(f"bad pictures{how}", eager=eager),
            cut_pictures(f"cut pictures{how}", eager=eager),
            too_many_pictures(f"too many pictures{how}", eager=eager),
            too_many_records(f"too many records{how}", eager=eager),
            too_much_in_ram(f"too much in RAM{how}", eager=eager),
            a_late_clock(f"a late clock{how}", eager=eager),
            a_wrong_folder(f"a wrong folder{how}", eager=eager),
            an_end(f"an end{how}", eager=eager),
            two_towns(f"two towns{how}", eager=eager),
            a_hub_that_leaves(f"a hub that leaves{how}", eager=eager),
            too_much_for_a_hub(f"too much for a hub{how}", eager=eager),
        ]
    scenes += [a_slow_card("a slow card"), a_small_spool("a small spool")]
    scenes += [an_end_with_a_hub("an end with a hub"), a_slow_card_with_a_hub("a slow card with a hub")]
    return [*scenes, *damages()]
