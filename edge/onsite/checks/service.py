"""The agent itself: does it run and answer, what does systemd say, is somebody minding it."""

from collections.abc import Iterator

from edge.onsite.check import Check, Found, Scene, skipped, well, wrong

RESTARTS = 3  # one or two may be an update
_ANSWERS = "an agent that answers"


def run(scene: Scene) -> Iterator[Found]:
    """Its own answer first."""
    service = scene.probes.service()
    if scene.agent is not None:
        yield well("agent", f"version {scene.pulse('version')}, pid {scene.agent['pid']}")
    elif scene.silence is not None and scene.silence.found == "this user may not ask":
        yield wrong("service.barred", "agent", scene.silence.found, _ANSWERS)
    elif scene.silence is not None and scene.silence.found == "nobody answers":
        said = f", systemd says {service.state} ({service.result})" if service else ""
        zh = f"无人应答，systemd 状态 {service.state} ({service.result})" if service else "无人应答"
        yield wrong("service.down", "agent", scene.silence.found + said, _ANSWERS, zh=zh)
    else:
        yield wrong("service.silent", "agent", scene.silence.found if scene.silence else "silence", _ANSWERS)
    if service is None:
        yield skipped("service", "systemd does not run here, or knows no doorunit.service")
        return
    if service.restarts >= RESTARTS:
        yield wrong("service.restarts", "service", f"{service.restarts} restarts ({service.result})", "none")
    else:
        yield well("service", f"{service.state}, {service.restarts} restarts")
    if service.watchdog_s:
        yield well("watchdog", f"{service.watchdog_s:g} s")
    else:
        yield skipped("watchdog", "the service has none")


CHECK = Check(
    "service",
    {
        "agent": ("The unit's agent", "门磁程序"),
        "service": ("Its service", "系统服务"),
        "watchdog": ("Watchdog", "看门狗"),
    },
    run,
    tells={"loop": "agent", "command": "commands"},
)
