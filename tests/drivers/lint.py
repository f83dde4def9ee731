"""Two gates for drivers/: constructs that MicroPython 1.24-1.29 lacks or gets wrong, by AST; and mpy-cross for syntax.

Neither replaces a run on MicroPython: of 94 constructs known to break there, the AST gate catches 64, mpy-cross 7.
"""

import ast
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHS = ("armv6m", "armv7m", "xtensawin")  # RP2040; STM32 and RP2350; ESP32

MODULES = {"array", "asyncio", "binascii", "collections", "drivers", "errno", "gc", "hashlib", "io", "json", "math"}
MODULES |= {"micropython", "os", "random", "re", "struct", "sys", "time", "typing"}
# An example owns a board, and finds what was copied beside it; a driver is given its pin, bus and clock.
BOARD = {"machine", "network", "ntptime", "pico_w_wire", "reed", "socket", "ssl", "umqtt.simple"}
GUARDED = {
    "micropython",
    "pico_w_wire",
    "reed",
    "typing",
}  # each is missing on one of the two sides: import within try or if
ATTRIBUTES = {"casefold", "expandtabs", "isidentifier", "ljust", "maketrans", "removeprefix", "removesuffix", "rjust"}
ATTRIBUTES |= {"swapcase", "translate", "zfill"}  # str
ATTRIBUTES |= {"bit_count", "bit_length", "cast", "hexdigest", "iter_unpack", "Struct", "tobytes"}  # numbers and bytes
ATTRIBUTES |= {"monotonic", "monotonic_ns", "perf_counter", "strftime"}  # time
ATTRIBUTES |= {"_asdict", "_replace", "fullmatch", "partial"}  # namedtuple, re, functools
NAMES = {"ConnectionError", "FileNotFoundError", "ModuleNotFoundError", "TimeoutError", "vars"}
METHODS = {"__del__", "__format__", "__init_subclass__"}
ANY = {"*"}
KEYWORDS = {  # function -> keywords it does not take, or takes and ignores
    "deque": ANY,
    "dumps": {"sort_keys"},
    "from_bytes": ANY,
    "namedtuple": ANY,
    "print": {"flush"},
    "sum": ANY,
    "to_bytes": ANY,
    "zip": ANY,
}


def check(path: str, source: str) -> list[str]:
    """One "path:line: what" for each construct of `source` that MicroPython does not take."""
    tree = ast.parse(source, path)
    typing_only = {n for block in ast.walk(tree) if _is_typing_block(block) for n in ast.walk(block)}
    guarded = {n for block in ast.walk(tree) if isinstance(block, ast.Try | ast.If) for n in ast.walk(block)}
    modules = MODULES | BOARD if "examples" in Path(path).parts else MODULES
    found = []
    for node in ast.walk(tree):
        for what in _CHECKS.get(type(node), _nothing)(node):
            found.append((getattr(node, "lineno", 0), what))
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in typing_only:
            found += [(node.lineno, what) for what in _imported(node, modules, guarded=node in guarded)]
    return [f"{path}:{line}: {what}" for line, what in sorted(found)]


def cross(path: Path) -> list[str]:
    """What mpy-cross says against `path`, one entry an architecture; empty where it compiles for all."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        for arch in ARCHS:
            command = [sys.executable, "-m", "mpy_cross", f"-march={arch}", "-o", f"{folder}/{arch}.mpy", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0 or not Path(folder, f"{arch}.mpy").exists():
                said.append(f"{path}: mpy-cross for {arch}: {(done.stderr or done.stdout).strip()}")
    return said


def drivers() -> list[Path]:
    """Every file that must run on MicroPython, examples too."""
    return sorted((ROOT / "drivers").rglob("*.py"))


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _nothing(_node: ast.AST) -> Iterator[str]:
    return iter(())


def _imported(node: ast.Import | ast.ImportFrom, modules: set[str], *, guarded: bool) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and node.level:
        return
    for name in [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]:
        if name not in modules and not name.startswith("drivers."):
            yield f"import {name}"
        elif name in GUARDED and not guarded:
            yield f"unguarded import {name}"


def _statement(node: ast.AST) -> Iterator[str]:
    yield f"statement {type(node).__name__}"


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Iterator[str]:
    if node.args.posonlyargs:
        yield "positional-only /"


def _literal(node: ast.List | ast.Tuple | ast.Set) -> Iterator[str]:
    loaded = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    if loaded and any(isinstance(element, ast.Starred) for element in node.elts):
        yield "* inside a literal"


def _dict(node: ast.Dict) -> Iterator[str]:
    if None in node.keys:
        yield "** inside a dict literal"


def _raise(node: ast.Raise) -> Iterator[str]:
    if node.cause is not None and not (isinstance(node.cause, ast.Constant) and node.cause.value is None):
        yield "raise from prints a warning on a board; put the cause into the text, and `from None`"


def _slice(node: ast.Slice) -> Iterator[str]:
    if node.step is not None:
        yield "slice step"


def _class(node: ast.ClassDef) -> Iterator[str]:
    if len(node.bases) > 1 or node.keywords:
        yield "multiple bases or class keywords"
    for part in node.body:
        target = part.targets[0] if isinstance(part, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id.startswith("_") and _called(part.value) == "const":
            yield f"class-level {target.id} = const() vanishes"
        if isinstance(part, ast.FunctionDef) and part.name in METHODS:
            yield f"{part.name} is not called"


def _attribute(node: ast.Attribute) -> Iterator[str]:
    if node.attr in ATTRIBUTES:
        yield f".{node.attr}"


def _name(node: ast.Name) -> Iterator[str]:
    if node.id in NAMES:
        yield node.id


def _call(node: ast.Call) -> Iterator[str]:
    function = _called(node)
    keywords = {keyword.arg for keyword in node.keywords}
    refused = KEYWORDS.get(function, set())
    if keywords and (refused is ANY or keywords & refused):
        yield f"{function}() keyword"
    if function == "OSError" and len(node.args) == 1:
        yield "OSError(x): .errno is None on CPython"
    if function == "deque" and len(node.args) < 2:
        yield "deque() needs ((), maxlen)"


def _comprehension(node: ast.ListComp | ast.GeneratorExp) -> Iterator[str]:
    if any(generator.is_async for generator in node.generators):
        yield "async comprehension"


def _called(node: ast.AST) -> str:
    """The last name of what a call calls; "" for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


_CHECKS: dict[type, Callable[..., Iterator[str]]] = {
    ast.Match: _statement,
    ast.TryStar: _statement,
    ast.FunctionDef: _arguments,
    ast.AsyncFunctionDef: _arguments,
    ast.Lambda: _arguments,
    ast.List: _literal,
    ast.Tuple: _literal,
    ast.Set: _literal,
    ast.Dict: _dict,
    ast.Raise: _raise,
    ast.Slice: _slice,
    ast.ClassDef: _class,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.Call: _call,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}


if __name__ == "__main__":
    against = []
    for file in drivers():
        against += check(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) + cross(file)
    print("\n".join(against) or f"drivers: {len(drivers())} files are MicroPython as far as reading tells")
    sys.exit(bool(against))
