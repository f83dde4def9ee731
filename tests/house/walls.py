"""Rules of who may import what, and who may read a clock. Each takes a Source and returns its findings."""

import ast
import sys
from fnmatch import fnmatch

from tests.house import plan
from tests.house.plan import Source

LEVEL = {room: level for level, floor in enumerate(plan.FLOORS) for room in floor.split()}
OURS = {"edge", "drivers", "deploy", "hardware", "tests"}

CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"}
CLOCKS |= {"process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "sleep"}
CLOCKS |= {"localtime", "gmtime", "ctime", "strftime", "asctime"}  # without an argument they mean now
CLOCKS |= {"ticks_ms", "ticks_us", "ticks_cpu", "sleep_ms", "sleep_us"}  # MicroPython's
READS = {
    "time": CLOCKS,
    "asyncio": {"sleep"},
    "datetime.datetime": {"now", "utcnow", "today"},
    "datetime.date": {"today"},
}
MARK = "# clock: "


def floors(source: Source) -> list[str]:
    """edge/ imports downwards; drivers/ and deploy/ stand without it."""
    top = source.path.split("/")[0]
    found = plan.imports(source)
    if top == "edge":
        return _unplanned(source) + [source.says(i.node, why) for i in found if (why := _upwards(source, i))]
    barred = {"drivers": OURS - {"drivers"}, "deploy": OURS - {"deploy"}}.get(top, set())
    why = f"imports {{}}; {top}/ stands without edge and everything else of ours"
    return [source.says(i.node, why.format(i.module)) for i in found if i.top in barred]


def strangers(source: Source) -> list[str]:
    """A third-party package is imported in the files named for it; a type checker's imports load nothing."""
    said = []
    for one in plan.imports(source):
        known = one.top in plan.STRANGERS
        if one.top in OURS or (one.top in sys.stdlib_module_names and not known) or (known and one.type_only):
            continue
        doors = plan.STRANGERS.get(one.top, ())
        if not any(fnmatch(source.path, door) for door in doors):
            said.append(source.says(one.node, f"imports {one.top}, whose door is {' or '.join(doors) or 'nowhere'}"))
    return said


def clocks(source: Source) -> list[str]:
    """Only edge/clock.py reads a clock or sleeps; elsewhere in edge/ a line may say `# clock: reason`.

    Drivers are given the time; only their examples, which own a board, may say so too.
    """
    if source.path == "edge/clock.py":
        return []
    excused = set()
    if not source.path.startswith("drivers/") or source.path.startswith("drivers/examples/"):
        excused = {line for line, text in source.comments.items() if len(text.partition(MARK)[2].split()) > 1}
    modules = _clock_names(source.tree)
    why = f"reads a clock or sleeps; time is an argument, or the line says `{MARK}reason`"
    reads = [node for node in ast.walk(source.tree) if _reads_clock(node, modules)]
    return [source.says(n, why) for n in reads if not excused & set(range(n.lineno, (n.end_lineno or n.lineno) + 1))]


def _room(module: str) -> str:
    parts = module.split(".")[1:]
    upper = ".".join(parts[:2])
    return upper if upper in LEVEL else "".join(parts[:1])


def _unplanned(source: Source) -> list[str]:
    room = _room(source.name)
    if not room or room in LEVEL:
        return []
    return [f"{source.path}:1: is on no floor; give it one in FLOORS in tests/house/plan.py"]


def _upwards(source: Source, one: plan.Import) -> str:
    """Why this import of an edge/ file is not downhill; "" where it is."""
    if one.top in {"tests", "deploy", "hardware"}:
        return f"imports {one.module}; edge/ is what they stand on"
    mine, theirs = _room(source.name), _room(one.module)
    if one.top != "edge" or theirs == mine or theirs not in LEVEL or mine not in LEVEL:
        return ""
    if LEVEL[theirs] == LEVEL[mine]:
        return f"imports {one.module}; rooms of one floor never import one another"
    return f"imports {one.module}, which is above it" if LEVEL[theirs] > LEVEL[mine] else ""


def _clock_names(tree: ast.Module) -> dict[str, set[str]]:
    """Name as used in this file -> what must not be taken from it."""
    names: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                mine = [name for name in READS if name.partition(".")[0] == alias.name]
                names |= {name.replace(alias.name, alias.asname or alias.name, 1): READS[name] for name in mine}
        elif isinstance(node, ast.ImportFrom) and node.module == "datetime":
            names |= {alias.asname or alias.name: READS.get(f"datetime.{alias.name}", set()) for alias in node.names}
    return names


def _reads_clock(node: ast.AST, names: dict[str, set[str]]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in names.get(plan.dotted(node.value), set())
    if isinstance(node, ast.ImportFrom) and node.module in {"time", "asyncio"}:
        return any(alias.name in READS[node.module] for alias in node.names)
    return False
