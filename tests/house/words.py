"""Rules of what a file says: messages, logs, exceptions to the rules, and threads that end. Each returns findings."""

import ast
import re
from collections.abc import Iterable

from tests.house.plan import Source, dotted

PIECES = {"found", "wanted", "remedy"}
UNWANTED = re.compile(r"failed to|\binvalid\b|!(?!=)", re.IGNORECASE)
LOGS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
IGNORE = re.compile(
    r"(?:ruff:\s*)?\bnoqa\b(?P<codes>:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?P<code>\[[\w, -]+\])?"
)
REASON_WORDS = 2


def kinds(sources: Iterable[Source]) -> set[str]:
    """The names of DoorunitError and all that inherit from it and keep its four pieces."""
    classes = [node for source in sources for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    known = {"DoorunitError"}
    while True:
        more = {c.name for c in classes if known & {dotted(b).rpartition(".")[2] for b in c.bases} and not _has_init(c)}
        if more <= known:
            return known
        known |= more


def errors(source: Source, known: set[str]) -> list[str]:
    """An error of ours is made with found=, wanted= and remedy=; a bare class is never raised."""
    said = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Raise) and node.exc is not None and _last(node.exc) in known:
            said.append(source.says(node, f"raises {_last(node.exc)} without a word"))
        if isinstance(node, ast.Call) and _last(node.func) in known:
            given = {keyword.arg for keyword in node.keywords}
            if None not in given and (missing := PIECES - given):
                said.append(source.says(node, f"{_last(node.func)} without {', '.join(sorted(missing))}"))
    return said


def wording(source: Source, known: set[str]) -> list[str]:
    """No message or log says "failed to" or "invalid", or shouts."""
    spoken = {part for node in ast.walk(source.tree) if _speaks(node, known) for part in ast.walk(node)}
    texts = [n for n in spoken if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    found = [(n, match[0]) for n in texts if (match := UNWANTED.search(n.value))]
    return sorted(
        source.says(n, f'a message says "{word}"; say what was found and what is wanted') for n, word in found
    )


def excepts(source: Source) -> list[str]:
    """`except Exception` says why on its line."""
    why = "catches everything and gives no reason on its line"
    return [
        source.says(node, why)
        for node in ast.walk(source.tree)
        if _catches_all(node) and not _reason(source.comments.get(node.lineno, ""))
    ]


def else_pass(source: Source) -> list[str]:
    """What a table does not list is an error or is listed as ignored: never `else: pass`."""
    return [
        source.says(orelse[0], "`else: pass`: an absent row is an error, or is listed as ignored")
        for node in ast.walk(source.tree)
        if isinstance(orelse := getattr(node, "orelse", None), list)
        and len(orelse) == 1
        and isinstance(orelse[0], ast.Pass)
    ]


def ignores(source: Source) -> list[str]:
    """A lint or type ignore names its code and gives its reason."""
    said = []
    for line, comment in source.comments.items():
        for match in IGNORE.finditer(comment):
            if not (match["codes"] or match["code"]):
                said.append(f"{source.path}:{line}: {match[0]} without a code")
            elif not _reason(comment):
                said.append(f"{source.path}:{line}: {match[0]} without a reason")
    return said


def threads(source: Source) -> list[str]:
    """A thread is a daemon, or somebody joins it."""
    kinds_ = _thread_kinds(source.tree)
    made = {n.value: _target(n) for n in ast.walk(source.tree) if isinstance(n, ast.Assign | ast.AnnAssign)}
    why = "starts a thread that is neither a daemon nor joined"
    return [
        source.says(node, why)
        for node in ast.walk(source.tree)
        if _makes_thread(node, kinds_) and not _is_daemon(node) and not _is_ended(source, made.get(node, ""))
    ]


def _has_init(node: ast.ClassDef) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)


def _last(node: ast.AST) -> str:
    return dotted(node).rpartition(".")[2]


def _speaks(node: ast.AST, known: set[str]) -> bool:
    if isinstance(node, ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    base, _, method = dotted(node.func).rpartition(".")
    is_log = method in LOGS and base.rpartition(".")[2].strip("_") in {"log", "logger", "logging"}
    return is_log or method in known


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in caught)
    if isinstance(node, ast.Call) and _last(node.func) == "suppress":
        return any(dotted(kind) in {"Exception", "BaseException"} for kind in node.args)
    return False


def _reason(comment: str) -> bool:
    """Whether words are left once ignores are taken out of a comment."""
    return len(re.findall(r"\w+", IGNORE.sub("", comment))) >= REASON_WORDS


def _thread_kinds(tree: ast.Module) -> set[str]:
    """threading's Thread and Timer, by the names they have in this file."""
    threading = {"Thread", "Timer"}
    taken = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "threading"]
    names = {alias.asname or alias.name for node in taken for alias in node.names if alias.name in threading}
    return names | {f"threading.{name}" for name in threading}


def _makes_thread(node: ast.AST, kinds_: set[str]) -> bool:
    """A call of a thread's class, or a class of that kind."""
    if isinstance(node, ast.ClassDef):
        return any(dotted(base) in kinds_ for base in node.bases)
    return isinstance(node, ast.Call) and dotted(node.func) in kinds_


def _is_daemon(node: ast.AST) -> bool:
    """Whether daemon=True is said in it."""
    said = [n for n in ast.walk(node) if isinstance(n, ast.keyword) and n.arg == "daemon"]
    return any(isinstance(k.value, ast.Constant) and k.value.value is True for k in said)


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    return dotted(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])


def _is_ended(source: Source, name: str) -> bool:
    """Whether the file joins `name`, or makes it a daemon after all."""
    return bool(name) and any(_ends(node, name) for node in ast.walk(source.tree))


def _ends(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Call):
        return dotted(node.func) == f"{name}.join"
    return isinstance(node, ast.Assign) and dotted(node.targets[0]) == f"{name}.daemon"
