"""What waits: records, pictures, and the platform's word for those that went."""

from collections.abc import Iterator

from edge.clock import SECOND, between_ns
from edge.errors import CorruptError, PartError
from edge.onsite.check import Check, Found, Scene, skipped, well, wrong
from edge.onsite.words import others, span
from edge.spool.peek import Peek


def run(scene: Scene) -> Iterator[Found]:
    """From the agent; of a dead one, from a copy of its spool."""
    if scene.agent is None:
        yield from _dead(scene)
        return
    oldest_s = scene.pulse("oldest_unsent_s")
    waits = f"{scene.pulse('backlog')} records wait"
    yield well("spool", waits if oldest_s is None else f"{waits}, the oldest for {span(oldest_s)}")
    yield well("pictures", f"{scene.pulse('frames_waiting')} wait, {scene.pulse('frames_delivered')} delivered")
    last_s = scene.agent["last_receipt_s"]
    yield well("receipt", "none so far" if last_s is None else f"the last {span(last_s)} ago")
    told = scene.pulse("others")
    if told:
        yield well("others", others(told, "en"), zh=others(told, "zh"))


def _dead(scene: Scene) -> Iterator[Found]:
    try:
        held = scene.probes.spool()
    except CorruptError as err:
        yield wrong("spool.lost", "spool", err.found, err.wanted)
        return
    except PartError as err:
        yield skipped("spool", err.found)
        return
    if held is None:
        yield skipped("spool", "there is none yet")
        return
    yield _waits(held, scene)
    yield well("pictures", f"{held.frames} wait", zh=f"{held.frames} 张待发")


def _waits(held: Peek, scene: Scene) -> Found:
    stamp = scene.probes.clock()
    age_ns = None if held.oldest is None or stamp is None else between_ns(held.oldest, stamp)
    told, zh = f"{held.records} records wait", f"{held.records} 条记录待发"
    if age_ns is not None:
        age = span(age_ns / SECOND)
        told, zh = f"{told}, the oldest for {age}", f"{zh}，最早 {age} 前"
    if held.damaged:
        number = len(held.damaged)
        told, zh = f"{told}; {number} damaged spools were set aside", f"{zh}；已隔离 {number} 个损坏的记录库"
    return well("spool", told, zh=zh)


CHECK = Check(
    "spool",
    {
        "spool": ("Records that wait", "待发记录"),
        "pictures": ("Pictures that wait", "待发图片"),
        "receipt": ("The platform's receipt", "平台回执"),
        "others": ("Other platforms", "其他平台"),
    },
    run,
    tells={"spool": "spool", "frames": "pictures", "receipt": "receipt", "cloud": "others"},
)
