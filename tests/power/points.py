"""The statements of a source file, numbered, and the same file with a call after each: where a crash can be planted.

`plant` gives the functions of a loaded module the code with the calls, in this process only; whoever forks before has
a parent that still runs the file as it is.
"""

import ast
import inspect
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

CALL = "__reached__"  # what the planted calls are named in the module
Reached = Callable[..., object]  # (number), or (number, value) -> value


class Statement(msgspec.Struct, frozen=True):
    """One statement. `within` is the function it stands in, or "" where it runs when the file is loaded."""

    file: str
    number: int
    line: int
    within: str
    text: str  # its first line

    def __str__(self) -> str:
        return f"{self.file} #{self.number} (line {self.line}{', ' + self.within if self.within else ''}): {self.text}"


class Planted(msgspec.Struct, frozen=True):
    """A file's statements, and its code with the calls in it."""

    statements: tuple[Statement, ...]
    code: types.CodeType


def plan(path: Path, name: str) -> Planted:
    """Read the file and put a call after each of its statements. `name` is what its statements call the file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    planter = _Planter(name, text.splitlines())
    tree.body = planter.block(tree.body, "")
    return Planted(tuple(planter.statements), compile(ast.fix_missing_locations(tree), str(path), "exec"))


def plant(module: types.ModuleType, planted: Planted, reached: Reached) -> None:
    """From now on the module's functions call `reached` after each of their statements."""
    wanted = {(code.co_qualname, code.co_firstlineno): code for code in _functions(planted.code)}
    for function in _live(module):
        code = wanted.pop((function.__qualname__, function.__code__.co_firstlineno), None)
        if code is not None:
            function.__code__ = code
    if wanted:
        raise LookupError(f"{module.__name__}: found no function for {sorted(wanted)}; was the file edited meanwhile?")
    setattr(module, CALL, reached)


def load(module: types.ModuleType, planted: Planted, reached: Reached) -> None:
    """What loading the file does, in a namespace that nobody uses."""
    exec(planted.code, {"__name__": module.__name__, "__file__": module.__file__, CALL: reached})


class _Planter:
    """Numbers statements in the order of their lines and puts the calls in."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.statements: list[Statement] = []
        self._file = file
        self._lines = lines

    def block(self, body: list[ast.stmt], within: str) -> list[ast.stmt]:
        """These statements with their calls. A docstring is none: nothing happens there."""
        made: list[ast.stmt] = []
        for statement in body:
            made += [statement] if _is_text(statement) else self._planted(statement, within)
        return made

    def _planted(self, statement: ast.stmt, within: str) -> list[ast.stmt]:
        number = self._number(statement, within)
        ends = _ends(statement)  # before its parts are planted
        self._inside(statement, within)
        call = _call(statement, number)
        if isinstance(statement, ast.Return) and statement.value is not None:
            statement.value = _call(statement, number, statement.value)
        elif isinstance(statement, ast.Raise) and statement.exc is not None:
            statement.exc = _call(statement, number, statement.exc)
        elif not ends:
            return [statement, _line(call)]
        elif isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return [_line(call), statement]
        else:  # all its ways leave the block: once one is taken is as late as it gets
            for way in ("body", "orelse") if isinstance(statement, ast.If) else ("body",):
                getattr(statement, way).insert(0, _line(call))
        return [statement]

    def _number(self, statement: ast.stmt, within: str) -> int:
        number = len(self.statements) + 1
        text = self._lines[statement.lineno - 1].strip()
        self.statements.append(Statement(self._file, number, statement.lineno, within, text))
        return number

    def _inside(self, statement: ast.stmt, within: str) -> None:
        if isinstance(statement, ast.FunctionDef):
            within = f"{within}.{statement.name}" if within else self._owner + statement.name
        owner = self._owner
        if isinstance(statement, ast.ClassDef):
            self._owner = f"{statement.name}."
        for part in ("body", "orelse", "finalbody"):
            if isinstance(getattr(statement, part, None), list):
                setattr(statement, part, self.block(getattr(statement, part), within))
        for branch in [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]:
            branch.body = self.block(branch.body, within)
        self._owner = owner

    _owner = ""


def _call(at: ast.stmt, number: int, value: ast.expr | None = None) -> ast.Call:
    given = [ast.Constant(number)] if value is None else [ast.Constant(number), value]
    return ast.copy_location(ast.Call(ast.Name(CALL, ast.Load()), given, []), at)


def _line(call: ast.Call) -> ast.Expr:
    return ast.copy_location(ast.Expr(call), call)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _ends(statement: ast.stmt) -> bool:
    """Whether what stands after it in its block is never reached from it."""
    if isinstance(statement, ast.If):
        return _all_end(statement.body) and _all_end(statement.orelse)
    if isinstance(statement, ast.With):
        return _all_end(statement.body) and not any(_suppresses(item) for item in statement.items)
    if isinstance(statement, ast.Try):
        ways = [[*statement.body, *statement.orelse], *(handler.body for handler in statement.handlers)]
        return _all_end(statement.finalbody) or all(_all_end(way) for way in ways)
    return isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue)


def _all_end(body: list[ast.stmt]) -> bool:
    return any(_ends(statement) for statement in body)


def _suppresses(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and getattr(item.context_expr.func, "id", "") == "suppress"


def _functions(code: types.CodeType) -> Iterator[types.CodeType]:
    """The file's functions and its classes' methods; what stands within a function belongs to it."""
    for part in code.co_consts:
        if not isinstance(part, types.CodeType) or part.co_name.startswith("<"):
            continue  # a lambda or a comprehension has no statements
        if part.co_flags & inspect.CO_NEWLOCALS and part.co_flags & inspect.CO_OPTIMIZED:
            yield part
        else:
            yield from _functions(part)


def _live(module: types.ModuleType) -> Iterator[types.FunctionType]:
    """The functions and methods that the module itself defines, whatever decorates them."""
    for owner in [module, *(c for c in vars(module).values() if _is_own_class(c, module))]:
        for found in vars(owner).values():
            parts = (found.fget, found.fset, found.fdel) if isinstance(found, property) else (found,)
            for part in parts:
                function = inspect.unwrap(getattr(part, "__func__", part)) if callable(part) else part
                if isinstance(function, types.FunctionType) and function.__module__ == module.__name__:
                    yield function


def _is_own_class(found: object, module: types.ModuleType) -> bool:
    return isinstance(found, type) and found.__module__ == module.__name__
