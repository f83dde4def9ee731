"""One screen of 80 by 24 that shows the unit as it is: door and contact, camera, what waits, link, clock, heat."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edge.onsite.life import one_line
from edge.onsite.words import STATES_ZH, pad, span, width
from edge.parts import by_name

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

JSON = Mapping[str, Any]
COLUMNS, LINES = 79, 23
PLOTTED = 40  # seconds, one column each
EVENTS = 5
_LABEL = 10
_BARS = "▁▂▃▄▅▆▇█"
WORDS = {
    "en": {
        "unit": "unit",
        "well": "WELL",
        "wrong": "WRONG",
        "silent": "the agent does not answer: {}",
        "door": "door",
        "contact": "contact",
        "camera": "camera",
        "link": "link",
        "waiting": "waiting",
        "clock": "clock",
        "heat": "heat",
        "machine": "machine",
        "lately": "lately",
        "none": "none",
        "no link": "NONE to {}",
        "changes": "changes: {}, in {}",
        "openings": "{} openings, {} glitches",
        "waits": "{} records, {} pictures",
        "oldest": ", oldest {}",
        "receipt": ", receipt {} ago",
        "within": ", within {} ms",
        "free": "{} MB memory free, {} MB card free, up {}",
        "volts": ", SUPPLY TOO LOW",
        "end": "Ctrl-C ends",
    },
    "zh": {
        "unit": "设备",
        "well": "正常",
        "wrong": "异常",
        "silent": "程序没有回应：{}",
        "door": "门",
        "contact": "触点",
        "camera": "摄像头",
        "link": "连接",
        "waiting": "待发",
        "clock": "时钟",
        "heat": "温度",
        "machine": "主机",
        "lately": "最近",
        "none": "无",
        "no link": "未连接 {}",
        "changes": "{} 次变化，历时 {}",
        "openings": "开门 {} 次，毛刺 {} 次",
        "waits": "{} 条记录，{} 张图片",
        "oldest": "，最早 {} 前",
        "receipt": "，回执 {} 前",
        "within": "，误差 {} ms 内",
        "free": "可用内存 {} MB，存储卡剩余 {} MB，已运行 {}",
        "volts": "，供电电压过低",
        "end": "按 Ctrl-C 结束",
    },
}


class Watch:
    """What was seen so far, and the screen of it. `lines` is pure; `live` and `styled` bring rich."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._backlog: deque[float] = deque(maxlen=PLOTTED)
        self._heat: deque[float] = deque(maxlen=PLOTTED)

    def lines(self, status: JSON | None, events: Sequence[JSON], silence: str = "") -> list[str]:
        """At most LINES lines of at most COLUMNS columns, from the unit's answers; None: it gave none."""
        words = WORDS[self._lang]
        if status is None:
            self._backlog.append(0)
            made = [f"{words['wrong']}: {words['silent'].format(silence)}", "", words["end"]]
        else:
            pulse = status["pulse"]
            self._backlog.append(pulse["backlog"])
            if pulse["temp_c"] is not None:
                self._heat.append(pulse["temp_c"])
            made = [self._head(status), ""]
            made += [pad(words.get(label, ""), _LABEL) + text for label, text in self._rows(status, events)]
            shown = list(reversed(events))[:EVENTS]
            made += ["", words["lately"], *(f"  {one_line(one, self._lang)}" for one in shown)]
            wrong = [one for one in status["wrong"] if not one["by"]]
            made += ["", *(f"{words['wrong']}  {one[self._lang]} [{one['code']}]" for one in wrong)]
            made = [*made[: LINES - 1], words["end"]]
        return [_cut(line) for line in made]

    def _head(self, status: JSON) -> str:
        words, pulse = WORDS[self._lang], status["pulse"]
        wrong = sum(1 for one in status["wrong"] if one["shown"])
        state = words["well"] if not wrong else f"{words['wrong']} ({wrong})"
        return f"{state}  {status['unit']}  {pulse['time'][:19]}Z  {pulse['version']}"

    def _rows(self, status: JSON, events: Sequence[JSON]) -> Iterator[tuple[str, str]]:
        words, pulse = WORDS[self._lang], status["pulse"]
        counted = words["openings"].format(pulse["openings"], pulse["glitches"]) if "openings" in pulse else ""
        yield "door", f"{self._state(pulse['door']).upper()}  {counted}"
        last = next((one for one in reversed(events) if one["kind"] == "event" and one["edges_us"]), None)
        if last is not None:
            took = words["changes"].format(last["edges"], f"{last['edges_us'][-1] / 1000:.1f} ms")
            yield "contact", f"{waveform(last['edges_us'], PLOTTED, shut=last['what'] == 'shut')}  {took}"
        yield "camera", self._state(pulse["camera"]) if status["camera_enabled"] else words["none"]
        receipt_s = status["last_receipt_s"]
        receipt = "" if receipt_s is None else words["receipt"].format(span(receipt_s))
        link = (
            f"{by_name(pulse['link'])} {status['broker']}"
            if status["link_up"]
            else words["no link"].format(status["broker"])
        )
        yield "link", link + receipt
        oldest = pulse["oldest_unsent_s"]
        waits = words["waits"].format(pulse["backlog"], pulse["frames_waiting"])
        yield "waiting", waits + ("" if oldest is None else words["oldest"].format(span(oldest)))
        yield "", plot(self._backlog, zero=True)
        within = "" if pulse["error_ms"] is None else words["within"].format(pulse["error_ms"])
        yield "clock", self._state(pulse["clock"]) + within
        if self._heat:
            low = words["volts"] if pulse["under_voltage"] else ""
            yield "heat", f"{self._heat[-1]:.1f} C  {plot(self._heat)}{low}"
        yield (
            "machine",
            words["free"].format(
                *(_whole(pulse[key]) for key in ("mem_free_mb", "disk_free_mb")), span(pulse["uptime_s"])
            ),
        )

    def _state(self, state: str) -> str:
        return STATES_ZH.get(state, state) if self._lang == "zh" else state


def plot(values: Sequence[float] | deque[float], *, zero: bool = False) -> str:
    """A column for each value, oldest first, between the least (or zero) and the greatest."""
    low = 0 if zero else min(values, default=0)
    size = max(values, default=0) - low
    return "".join(_BARS[round((value - low) / size * (len(_BARS) - 1)) if size else 0] for value in values)


def waveform(edges_us: Sequence[int], columns: int, *, shut: bool) -> str:
    """The contact from before its first change to after the last, to scale: open is up, a ┃ is several changes."""
    size = max(edges_us[-1], 1)
    marks = [0] * columns
    for us in edges_us:
        marks[1 + us * (columns - 3) // size] += 1
    drawn, level = "", "▔" if shut else "▁"
    for changes in marks:
        level = level if changes % 2 == 0 else "▔" if level == "▁" else "▁"
        drawn += "┃" if changes > 1 else level
    return drawn


def live() -> "Live":
    """The whole terminal, until it is left; drawn when told to alone."""
    from rich.live import Live

    return Live(screen=True, auto_refresh=False, transient=True)


def styled(lines: Sequence[str], lang: str) -> "Text":
    """The lines, with what is wrong in red and the verdict in bold."""
    from rich.text import Text

    text = Text("\n".join(lines), no_wrap=True, overflow="crop")
    text.highlight_words([WORDS[lang]["wrong"], WORDS[lang]["volts"]], "bold red")
    text.highlight_words([WORDS[lang]["well"]], "bold green")
    return text


def _whole(number: float | None) -> str:
    return "-" if number is None else f"{number:.0f}"


def _cut(line: str) -> str:
    if width(line) <= COLUMNS:
        return line
    while width(line) > COLUMNS - 1:
        line = line[:-1]
    return line + "…"
