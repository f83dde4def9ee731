"""Rules of the files themselves: how long, how they open, how tests are named, what must not be committed."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from tests.house import plan
from tests.house.plan import Source

MOST_LINES = 400
FEWEST_WORDS = 4
LONG_KINDS = {".py", ".js", ".css"}
HOUSED = {"edge", "drivers", "tests", "deploy", "hardware"}
# Written apart, so that this file is no find of its own.
HOSTS = tuple(".".join(name) for name in (("pypi", "org"), ("files", "pythonhosted", "org"), ("deb", "debian", "org")))
HOSTS += (".".join(("registry", "npmjs", "org")),)
SKIPS = {"skip", "skipif", "xfail", "importorskip", "SkipTest", "skipTest", "skipIf", "skipUnless", "expectedFailure"}
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))? \\$", re.MULTILINE)


def length(path: str, text: str) -> list[str]:
    """A file that people read has at most MOST_LINES lines."""
    lines = len(text.splitlines())
    if path.split("/")[0] not in HOUSED or Path(path).suffix not in LONG_KINDS or lines <= MOST_LINES:
        return []
    return [f"{path}:{lines}: has {lines} lines; want at most {MOST_LINES}: split it"]


def opening(source: Source) -> list[str]:
    """A module opens by saying what it is for."""
    return [] if ast.get_docstring(source.tree) else [f"{source.path}:1: opens without a docstring"]


def sentences(source: Source) -> list[str]:
    """A test's name is a sentence."""
    why = f"is no sentence; want at least {FEWEST_WORDS} words"
    return [
        source.says(node, f"{node.name} {why}")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and len([word for word in node.name.split("_")[1:] if word]) < FEWEST_WORDS
    ]


def skips(source: Source) -> list[str]:
    """No test is skipped or expected to be wrong."""
    why = "a test that does not run says nothing"
    taken = [(node, _names(node) & SKIPS) for node in ast.walk(source.tree)]
    return [source.says(node, f"{', '.join(sorted(names))}: {why}") for node, names in taken if names]


def hosts(path: str, text: str) -> list[str]:
    """No file names a package registry's host: where packages come from is the machine's own setting."""
    lines = enumerate(text.splitlines(), 1)
    return [f"{path}:{number}: names {host}" for number, line in lines for host in HOSTS if host in line]


def top(paths: Iterable[str]) -> list[str]:
    """The first look at the folder shows what plan.TOP lists, and dotfiles."""
    seen = {path.split("/")[0] for path in paths}
    return [f"{name}:1: is not in TOP in tests/house/plan.py" for name in sorted(seen - plan.TOP) if name[0] != "."]


def pins(lock: str) -> dict[tuple[str, str], str]:
    """A lock's (package, marker) -> version."""
    return {(found["name"], found["marker"] or ""): found["version"] for found in PIN.finditer(lock)}


def disagreements(smaller: str, larger: str) -> list[str]:
    """Packages that two locks pin, the larger not at the version of the smaller (or not at all)."""
    versions: dict[str, set[str]] = {}
    for (name, _), version in pins(larger).items():
        versions.setdefault(name, set()).add(version)
    small = pins(smaller).items()
    return [f"{name}: {version}" for (name, _), version in small if version not in versions.get(name, set())]


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
