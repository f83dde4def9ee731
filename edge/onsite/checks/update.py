"""Another version: whether one is on trial, and whether the last one came back."""

from collections.abc import Iterator

from edge.onsite.check import Check, Found, Scene, skipped, well, wrong

_NAME = "update"


def run(scene: Scene) -> Iterator[Found]:
    """The updater's own word."""
    slots = scene.probes.slots()
    if slots is None:
        yield skipped(_NAME, "no other version was ever tried here")
    elif slots.trial is not None:
        yield well(_NAME, f"{slots.trial.version} is on trial", zh=f"{slots.trial.version} 试运行中")
    elif not slots.told:
        yield well(_NAME, "none was tried so far", zh="尚未更新过")
    elif (last := slots.told[-1]).what == "returned":
        found = f"{last.version} came back: {last.why}"
        yield wrong("update.returned", _NAME, found, "a version that proves itself")
    else:
        yield well(_NAME, f"{last.version} has proved itself", zh=f"{last.version} 已确认")


CHECK = Check("update", {_NAME: ("Update", "软件更新")}, run, tells={"update": _NAME})
