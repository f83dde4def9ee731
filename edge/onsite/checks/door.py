"""The contact and the camera, as the running agent sees them."""

from collections.abc import Iterator

from edge.onsite.check import Check, Found, Scene, skipped, well

_DEAD = "only the running agent knows"


def run(scene: Scene) -> Iterator[Found]:
    """Doctor touches neither: pin and sensor belong to the agent."""
    yield _reed(scene)
    if not scene.config.camera.enabled:
        yield skipped("camera", "this unit has none")
    elif scene.agent is None:
        yield skipped("camera", _DEAD)
    else:
        yield well("camera", scene.pulse("camera"))


def _reed(scene: Scene) -> Found:
    if scene.agent is None:
        return skipped("reed", _DEAD)
    parts = [str(scene.pulse("door"))]
    for name, words in (("openings", "openings"), ("glitches", "glitches"), ("contact_faults", "faults")):
        if scene.pulse(name) is not None:
            parts.append(f"{scene.pulse(name)} {words}")
    settle_us = scene.pulse("settle_max_us")
    if settle_us:
        parts.append(f"at rest within {settle_us / 1000:.1f} ms")
    return well("reed", ", ".join(parts))


CHECK = Check(
    "door",
    {"reed": ("Door contact", "门磁"), "camera": ("Camera", "摄像头")},
    run,
    tells={"contact": "reed", "camera": "camera"},
)
