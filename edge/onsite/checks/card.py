"""The card: mounted, writable, with room, how quick it was last; what a power cut left behind."""

from collections.abc import Iterator
from pathlib import Path

from edge.durable import trouble
from edge.onsite.check import Check, Cure, Found, Scene, skipped, well, wrong

ROOM_MB = 50.0
SLOW_MS = 2000.0


def run(scene: Scene) -> Iterator[Found]:
    """Mount and room from the file system; speed from the agent's own last commit, for doctor writes nothing."""
    folder = scene.probes.folder()
    if folder is None:
        yield skipped("card", "not to be had here")
    elif not folder.exists:
        yield wrong("card.missing", "card", f"no folder {scene.config.unit.state_dir}", "the state folder")
    elif folder.read_only:
        yield wrong("card.readonly", "card", "mounted read-only", "a card that can be written")
    elif folder.free_mb < ROOM_MB and scene.agent is None:  # a live agent tells by itself when there is no room
        yield wrong("spool.full", "card", f"{folder.free_mb:.0f} MB free", f"{ROOM_MB:.0f} MB or more")
    else:
        room_mb, wanted = f"{folder.free_mb:.0f} MB", f"{ROOM_MB:.0f} MB or more"
        yield well("card", f"writable, {room_mb} free", wanted, zh=f"可写，剩余 {room_mb}")
    if folder is not None and folder.leftovers and scene.agent is None:
        names = ", ".join(one.name for one in folder.leftovers[:3])
        cure = Cure(f"remove {names}", f"删除 {names}", lambda: _remove(folder.leftovers))
        yield Found(name="leftovers", state="soon", found=names, cure=cure)
    yield _speed(scene)


def _speed(scene: Scene) -> Found:
    last_ms = None if scene.agent is None else scene.agent["last_commit_ms"]
    if last_ms is None:
        return skipped("writing", "only the running agent knows; doctor writes nothing")
    return well("writing", f"{last_ms:.0f} ms for the last commit", f"below {SLOW_MS:.0f} ms", ms=last_ms)


def _remove(leftovers: tuple[Path, ...]) -> str:
    try:
        for one in leftovers:
            one.unlink(missing_ok=True)
    except OSError as err:
        raise trouble(f"file {one}", err) from err
    return "removed " + ", ".join(one.name for one in leftovers)


CHECK = Check(
    "card",
    {
        "card": ("Card", "存储卡"),
        "writing": ("Writing to the card", "写入速度"),
        "leftovers": ("Half-written files of a power cut", "断电残留文件"),
    },
    run,
)
