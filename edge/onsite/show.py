"""Status and doctor as text for a terminal of 80 columns, in Chinese or English."""

from edge.onsite.check import Found, Scene
from edge.onsite.doctor import Line, Report
from edge.onsite.words import STATES_ZH, WORDS, fold, others, pad, span
from edge.parts import by_name

COLUMNS = 79
_LABEL = 10  # columns, of status and of a cause's parts
_MACHINE = ("heat", "supply", "memory", "card")


def verdict(report: Report, lang: str) -> str:
    """One line: well or not, and the cause."""
    words, roots = WORDS[lang], report.roots
    if not roots:
        return f"{words['WELL']}: {words['all well']}"
    first = _title(roots[0], lang) + _since(roots[0], lang)
    more = words["more"].format(len(roots) - 1) if len(roots) > 1 else ""
    return fold(f"{words['UNWELL']}: {first}{more}", COLUMNS, "  ")


def status(report: Report, scene: Scene, unit: str, lang: str) -> str:
    """The verdict, each cause with what to do, then what matters."""
    words = WORDS[lang]
    lines = [verdict(report, lang)]
    for line in report.roots:
        said = "" if line is report.roots[0] else f"{_title(line, lang)}{_since(line, lang)}{words['stop']}"
        lines.append(fold(f"  {said}{_remedy(line, lang)} [{line.found.code}]", COLUMNS, "  "))
    lines.append("")
    rows = [("unit", unit or words["none"]), *_facts(report, scene, lang)]
    lines += [fold(pad(words[label], _LABEL) + text, COLUMNS, " " * _LABEL) for label, text in rows]
    return "\n".join(lines)


def doctor(report: Report, lang: str, *, everything: bool = False) -> str:
    """The verdict; each cause with found, wanted and what to do; then all the rest, briefly unless `everything`."""
    words = WORDS[lang]
    parts = [verdict(report, lang), ""]
    for line in (*report.roots, *report.notes):
        parts += [*_cause(line, report, lang), ""]
    soon = [line for line in report.lines if line.found.state == "soon"]
    if soon:
        parts += [_list(words["not yet"], [f"{_title(one, lang)} ({one.found.found})" for one in soon], lang), ""]
    for state, label in (("well", "well"), ("skipped", "not looked at")):
        lines = [line for line in report.lines if line.found.state == state and not line.is_note]
        if lines and everything:
            parts += [_row(line, lang) for line in lines]
        elif lines:
            parts.append(_list(words[label], [line.title[lang == "zh"] for line in lines], lang))
    if not everything:
        parts.append("")
    cures = [cure.zh if lang == "zh" else cure.en for line in report.lines if (cure := line.found.cure) is not None]
    if cures:
        parts.append(words["may fix"].format("; ".join(cures)))
    parts.append(words["took"].format(len({line.found.name for line in report.lines}), report.took_s))
    return "\n".join(parts)


def net(report: Report, lang: str) -> str:
    """The verdict, then each layer in its order, timed."""
    order = {name: n for n, name in enumerate(("interface", "address", "gateway", "names", "tcp", "tls", "broker"))}
    lines = sorted(report.lines, key=lambda line: order.get(line.found.name, len(order)))
    parts = [verdict(report, lang), "", *(_row(line, lang) for line in lines)]
    for line in (*report.roots, *report.notes):
        parts += ["", *_cause(line, report, lang)]
    return "\n".join(parts)


def changes(before: Report, after: Report, lang: str) -> list[str]:
    """One line for each cause that came or went."""
    was, now = ({line.found.code: line for line in each.roots} for each in (before, after))
    words = WORDS[lang]
    came = [
        f"{words['wrong']}  {_title(line, lang)}: {line.found.found}" for code, line in now.items() if code not in was
    ]
    went = [f"{words['well']}  {_title(line, lang)}" for code, line in was.items() if code not in now]
    return came + went


def _facts(report: Report, scene: Scene, lang: str) -> list[tuple[str, str]]:
    """What matters, by label; of a dead agent only what lies on the card."""
    words = WORDS[lang]
    found = {line.found.name: line.found for line in report.lines if line.found.state != "skipped"}
    facts: list[tuple[str, str]] = []
    if scene.agent is not None:
        agent, pulse = scene.agent, scene.agent["pulse"]
        program = words["program"].format(pulse["version"], agent["pid"], span(pulse["uptime_s"]))
        link = by_name(pulse["link"]) if agent["link_up"] else words["none"]
        waits = words["waits"].format(pulse["backlog"], pulse["frames_waiting"])
        oldest_s, last_s, error_ms = pulse["oldest_unsent_s"], agent["last_receipt_s"], pulse["error_ms"]
        oldest = "" if oldest_s is None else words["oldest"].format(span(oldest_s))
        within = "" if error_ms is None else words["within"].format(error_ms)
        facts += [
            ("agent", program),
            ("door", _state(pulse["door"], lang)),
            ("camera", _state(pulse["camera"], lang) if agent["camera_enabled"] else words["none"]),
            ("link", f"{link} ({agent['broker']})"),
            ("waiting", waits + oldest),
            ("receipt", words["none"] if last_s is None else words["ago"].format(span(last_s))),
            *([("others", others(pulse["others"], lang))] if "others" in pulse else []),
            ("clock", f"{_state(pulse['clock'], lang)}{within}, {pulse['time']}"),
        ]
    else:
        names = (("agent", "agent"), ("waiting", "spool"), ("clock", "clock"))
        facts += [(label, _found(found[name], lang)) for label, name in names if name in found]
    titles = {line.found.name: line.title[lang == "zh"] for line in report.lines if line.found.state == "well"}
    machine = [f"{titles[name]} {_found(found[name], lang)}" for name in _MACHINE if name in titles]
    return [*facts, ("machine", "; ".join(machine))] if machine else facts


def _cause(line: Line, report: Report, lang: str) -> list[str]:
    words, found = WORDS[lang], line.found
    explained = [other for other in report.lines if found.code in other.by]
    rows = [
        ("found", _found(found, lang)),
        ("wanted", found.wanted),
        ("do", _remedy(line, lang)),
        ("explains", "; ".join(_title(other, lang) for other in explained)),
    ]
    head = fold(f"{_title(line, lang)}{_since(line, lang)} [{found.code}]", COLUMNS, "  ")
    indent = " " * (_LABEL + 2)
    return [head, *(fold("  " + pad(words[label], _LABEL) + text, COLUMNS, indent) for label, text in rows if text)]


def _row(line: Line, lang: str) -> str:
    found = line.found
    ms = "" if found.ms is None else f" ({found.ms:.0f} ms)"
    state = pad(WORDS[lang][found.state], 7)
    name = pad(found.name, 13)
    return fold(f"{state}{name}{_found(found, lang)}{ms}", COLUMNS, " " * 20)


def _list(label: str, items: list[str], lang: str) -> str:
    return fold(f"{label}: " + ("、" if lang == "zh" else ", ").join(items), COLUMNS, "  ")


def _title(line: Line, lang: str) -> str:
    return line.title[lang == "zh"]


def _remedy(line: Line, lang: str) -> str:
    if line.row is None:
        return ""
    return line.row.remedy_zh if lang == "zh" else line.row.remedy


def _since(line: Line, lang: str) -> str:
    if line.found.for_s is None:
        return ""
    return WORDS[lang]["for"].format(span(line.found.for_s))


def _state(state: str, lang: str) -> str:
    return STATES_ZH.get(state, state) if lang == "zh" else state


def _found(found: Found, lang: str) -> str:
    return found.zh if found.zh and lang == "zh" else found.found
