"""The plan of the house, and how its rules read a file. The rules themselves: walls.py, words.py, papers.py."""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]

# Bottom first. A file imports from floors below its own and from its own room; rooms of one floor never meet.
# A room may have an upper floor of its own: sim.world is edge/sim/world.py, which holds a whole unit.
FLOORS = (
    "errors",
    "durable secret",
    "declare",
    "phonebook fittings outlets road cloud upkeep centre",
    "clock",
    "records told warnings",
    "config wire identity health",
    "posting",
    "reading",
    "loop",
    "parts",
    "door board camera spool uplink alert",
    "sim",
    "onsite",
    "platform",
    "station",
    "unit",
    "assemble sim.world",
    "sim.orders",
    "sim.script",
    "cli",
)

# Third-party package -> the files that may import it. sqlite3 is no stranger, but a door all the same.
STRANGERS = {
    "gpiozero": ("edge/board/pins.py",),
    "lgpio": ("edge/board/pins.py",),
    "picamera2": ("edge/camera/sensor.py", "edge/camera/film.py"),
    "av": ("edge/sim/encoder.py",),
    "libcamera": ("edge/camera/sensor.py",),
    "PIL": ("edge/camera/*.py", "edge/sim/camera.py", "edge/sim/landing.py", "hardware/solid.py"),
    "smbus2": ("edge/board/machine.py",),
    "paho": (
        "edge/uplink/client.py",
        "edge/uplink/mqtt.py",
        "edge/uplink/probe.py",
        "edge/station/receiver.py",
        "edge/sim/swarm.py",
        "deploy/platform/receiver.py",
    ),
    "requests": ("edge/uplink/https.py", "edge/alert/web.py", "edge/alert/library.py"),
    "apprise": ("edge/alert/others.py",),
    "rich": ("edge/onsite/watch.py",),
    "nacl": ("edge/spool/seal.py", "deploy/platform/open_frame.py", "deploy/platform/sign_command.py"),
    "cryptography": ("edge/identity.py", "edge/onsite/keys.py", "edge/station/ca.py", "edge/station/minting.py"),
    "reportlab": ("edge/station/labels.py",),
    "segno": ("edge/station/labels.py",),
    "fpdf": ("edge/station/pdf.py",),
    "sqlite3": ("edge/spool/store.py", "edge/spool/peek.py", "edge/station/store.py", "deploy/platform/receiver.py"),
    "psycopg": ("edge/station/postgres.py",),
    "starlette": ("edge/station/*.py",),
    "uvicorn": ("edge/station/*.py",),
    "amqtt": ("edge/station/embedded.py",),
    "msgspec": ("edge/*.py", "hardware/*.py"),
    "numpy": ("hardware/solid.py",),
    "wireviz": ("hardware/diagram.py",),
    "yaml": ("hardware/diagram.py",),
    "pip": ("deploy/deb/wheels.py",),
    "micropython": ("drivers/*.py",),
    "machine": ("drivers/examples/*.py",),
    "network": ("drivers/examples/*.py",),
    "ntptime": ("drivers/examples/*.py",),
    "umqtt": ("drivers/examples/*.py",),
    # Ours, copied flat onto a board.
    "reed": ("drivers/examples/*.py",),
    "pico_w_wire": ("drivers/examples/*.py",),
}

# What must start fast, and what it therefore must not load: imported where it is used.
LIGHT = (
    "edge.cli",
    "edge.unit",
    "edge.health",
    "edge.config",
    "edge.wire",
    "edge.loop",
    "edge.parts",
    "edge.platform.papers",
)
HEAVY = {
    "PIL",
    "apprise",
    "amqtt",
    "av",
    "cryptography",
    "fpdf",
    "libcamera",
    "nacl",
    "picamera2",
    "psycopg",
    "reportlab",
    "requests",
    "rich",
    "starlette",
    "uvicorn",
}

# The first look at the folder; dotfiles besides.
TOP = {"pyproject.toml", "Makefile", "README.md", "CHANGES.md", "LICENSE"}
TOP |= {"edge", "drivers", "deploy", "hardware", "tests"}


class Source:
    """One Python file as the rules see it; `path` is relative to the root, with forward slashes."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = ast.parse(text, path)

    @property
    def name(self) -> str:
        """The dotted name it is imported by: edge.door.machine, edge.door for its __init__."""
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]

    @cached_property
    def comments(self) -> dict[int, str]:
        """Line -> the comment on it."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    def says(self, node: ast.AST, what: str) -> str:
        """A finding: where, and which rule is broken."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


class Import:
    """One imported module: its full dotted name, and whether only a type checker ever sees it."""

    def __init__(self, node: ast.AST, module: str, *, type_only: bool) -> None:
        self.node = node
        self.module = module
        self.type_only = type_only

    @property
    def top(self) -> str:
        """The package it belongs to."""
        return self.module.partition(".")[0]


def read(*folders: str) -> list[Source]:
    """Every Python file below these folders of the repository."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]


def imports(source: Source) -> Iterator[Import]:
    """Every import of a file, wherever it stands; `from edge import clock` counts as edge.clock."""
    hidden = {n for block in ast.walk(source.tree) if _is_typing_block(block) for n in _body(block)}
    for node in ast.walk(source.tree):
        for module in _modules(source, node):
            yield Import(node, module, type_only=node in hidden)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for an expression that is nothing but names and dots; else ""."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def committed() -> list[str]:
    """Every file that is, or with the next `git add .` would be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if listed.returncode == 0:
        return sorted(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())  # an unpacked archive
    return sorted(path.as_posix() for path in found if not _is_made(path))


def _is_made(path: Path) -> bool:
    top = path.parts[0]
    hidden = len(path.parts) > 1 and top.startswith(".") and top != ".ci"
    return hidden or top == "build" or top.endswith(".egg-info") or "__pycache__" in path.parts


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and dotted(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _body(block: ast.If) -> Iterator[ast.AST]:
    for statement in block.body:
        yield from ast.walk(statement)


def _modules(source: Source, node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = source.package.split(".")
            base = ".".join([*parts[: len(parts) + 1 - node.level], *filter(None, [node.module])])
        return [f"{base}.{alias.name}" for alias in node.names] if base == "edge" else [base]
    if isinstance(node, ast.Call) and dotted(node.func) in {"importlib.import_module", "import_module", "__import__"}:
        name = node.args[0] if node.args else None
        return [str(name.value)] if isinstance(name, ast.Constant) else []
    return []
