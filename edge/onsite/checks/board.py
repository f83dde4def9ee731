"""The Pi itself: supply, heat, memory."""

from collections.abc import Iterator

from edge.onsite.check import Check, Found, Scene, skipped, well, wrong

HOT_C = 80  # the firmware begins to slow the processor here
FREE_MB = 30  # with less, Linux begins to throw programs out
_LOW_SINCE_START = 1 << 16  # get_throttled
_UNREAD = "this machine does not tell"


def run(scene: Scene) -> Iterator[Found]:
    """What the kernel says at this instant."""
    host, bits = scene.probes.host(), scene.probes.throttled()
    if host.under_voltage:
        yield wrong("power.low", "supply", "below 4.63 V now", "5 V, at least 4.63 V")
    elif host.under_voltage is None and bits is None:
        yield skipped("supply", _UNREAD)
    else:
        before = bits is not None and bits & _LOW_SINCE_START
        told = ("well now, was below 4.63 V since the start", "现在正常，开机后曾低于 4.63 V")
        en, zh = told if before else ("at least 4.63 V", "不低于 4.63 V")
        yield well("supply", en, zh=zh)
    if host.temperature_c is None:
        yield skipped("heat", _UNREAD)
    elif host.temperature_c >= HOT_C:
        yield wrong("heat.high", "heat", f"{host.temperature_c:.1f} C", f"below {HOT_C} C")
    else:
        yield well("heat", f"{host.temperature_c:.1f} C", f"below {HOT_C} C")
    yield _memory(host.available_mb, scene.pulse("mem_mb"))


def _memory(free_mb: float | None, own_mb: float | None) -> Found:
    if free_mb is None:
        return skipped("memory", _UNREAD)
    if free_mb < FREE_MB:
        return wrong("memory.low", "memory", f"{free_mb:.0f} MB free", f"{FREE_MB} MB or more")
    own, own_zh = (f", the agent takes {own_mb:.0f} MB", f"，程序占用 {own_mb:.0f} MB") if own_mb else ("", "")
    return well("memory", f"{free_mb:.0f} MB free{own}", zh=f"可用 {free_mb:.0f} MB{own_zh}")


CHECK = Check(
    "board",
    {"supply": ("Supply voltage", "供电电压"), "heat": ("Heat", "温度"), "memory": ("Memory", "内存")},
    run,
    tells={"power": "supply", "heat": "heat"},
)
