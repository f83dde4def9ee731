"""Every message says what, found, wanted and remedy; every exception to a rule says why."""

from collections.abc import Callable

import pytest

from tests.house import plan, words
from tests.house.plan import Source

TREE = Source("edge/errors.py", "class PartError(DoorunitError, OSError): pass\nclass FullError(PartError): pass\n")
KINDS = words.kinds([TREE])

BROKEN = {
    ("errors", "raise PartError('the card', found=1, wanted='2')"): "remedy",
    ("errors", "raise errors.FullError('the card')"): "found, remedy, wanted",
    ("errors", "def f():\n    return PartError('the card', found=1, remedy='Do.')"): "wanted",
    ("errors", "raise PartError"): "without a word",
    ("wording", "raise ValueError('failed to open')"): "failed to",
    ("wording", "raise ValueError(f'Invalid pin {pin}')"): "Invalid",
    ("wording", "raise PartError('x', found=1, wanted='2', remedy='Go!')"): "!",
    ("wording", "def f():\n    return PartError('x', found='an invalid one', wanted='2', remedy='3')"): "invalid",
    ("wording", "log.warning('Failed to send %s', x)"): "Failed to",
    ("wording", "self._log.info('done!')"): "!",
    ("excepts", "try: f()\nexcept Exception: g()"): "no reason",
    ("excepts", "try: f()\nexcept: g()"): "no reason",
    ("excepts", "try: f()\nexcept (OSError, BaseException) as err:  # noqa: BLE001\n    g()"): "no reason",
    ("excepts", "with contextlib.suppress(Exception): f()"): "no reason",
    ("else_pass", "if a: f()\nelif b: g()\nelse: pass"): "else: pass",
    ("else_pass", "for a in b: f()\nelse:\n    pass"): "else: pass",
    ("ignores", "x = 1  # noqa"): "without a code",
    ("ignores", "x = 1  # type: ignore"): "without a code",
    ("ignores", "x = 1  # noqa: S101"): "without a reason",
    ("ignores", "x = 1  # noqa: S101, E501"): "without a reason",
    ("ignores", "x = 1  # type: ignore[arg-type]  # noqa: S101"): "without a reason",
    ("ignores", "# ruff: noqa: S101\nx = 1"): "without a reason",
    ("threads", "threading.Thread(target=f).start()"): "neither",
    ("threads", "from threading import Thread\nt = Thread(target=f, daemon=False)"): "neither",
    ("threads", "self.timer = threading.Timer(3, f)\nself.other.join()"): "neither",
    ("threads", "class Pump(threading.Thread):\n    def run(self): ..."): "neither",
}
KEPT = {
    ("errors", "raise PartError('the card', found=1, wanted='2', remedy='Do.') from err"),
    ("errors", "raise PartError('the card', **pieces)"),
    ("errors", "try: f()\nexcept PartError: raise\nraise error"),
    ("wording", "raise ValueError(f'{pin!r} != 2; want a free GPIO')"),
    ("wording", "log.info('the door is %s', word)\nprint('Done!')\nmath.log('!')"),
    ("excepts", "try: f()\nexcept Exception:  # the loop's edge: one bad fact must not end the watch\n    g()"),
    ("excepts", "try: f()\nexcept (OSError, ValueError): g()"),
    ("else_pass", "if a: f()\nelse:\n    g()"),
    ("ignores", "x = 1  # noqa: S101  # the test's own assertion"),
    ("ignores", "x = 1  # type: ignore[arg-type]  # gpiozero has no types"),
    ("ignores", "x = '# noqa'  # a plain remark"),
    ("threads", "t = threading.Thread(target=f, daemon=True)"),
    ("threads", "self.t = threading.Thread(target=f)\nself.t.join(timeout=5)"),
    ("threads", "t = threading.Timer(3, f)\nt.daemon = True"),
    ("threads", "from edge.loop import Thread\nt = Thread('card', loop)"),
    ("threads", "class Pump(threading.Thread):\n    def __init__(self): super().__init__(daemon=True)"),
}


def rule(name: str, known: set[str]) -> Callable[[Source], list[str]]:
    """The checker called `name`; those that ask what an error of ours is are told."""
    check = getattr(words, name)
    return (lambda source: check(source, known)) if name in {"errors", "wording"} else check


def broken(name: str, *folders: str) -> str:
    """All that the checker finds in these folders, one a line."""
    check = rule(name, words.kinds(plan.read("edge")))
    return "\n".join(line for source in plan.read(*folders) for line in check(source))


def test_every_error_says_found_wanted_and_remedy():
    assert broken("errors", "edge", "deploy") == ""


def test_no_message_blames_or_shouts():
    assert broken("wording", "edge", "drivers", "deploy") == ""


def test_catching_everything_has_a_reason_on_its_line():
    assert broken("excepts", "edge", "drivers", "deploy", "tests") == ""


def test_no_branch_passes_over_what_it_does_not_know():
    assert broken("else_pass", "edge", "drivers", "deploy", "tests") == ""


def test_every_ignore_has_a_code_and_a_reason():
    assert broken("ignores", "edge", "drivers", "deploy", "tests") == ""


def test_every_thread_is_a_daemon_or_joined():
    assert broken("threads", "edge", "deploy", "tests") == ""


@pytest.mark.parametrize(("planted", "why"), BROKEN.items())
def test_a_planted_breach_is_found(planted: tuple[str, str], why: str):
    name, text = planted
    found = rule(name, KINDS)(Source("edge/planted.py", text))
    assert why in found[0]
    assert found[0].startswith("edge/planted.py:")


@pytest.mark.parametrize(("name", "text"), sorted(KEPT))
def test_what_keeps_the_rule_is_left_alone(name: str, text: str):
    assert rule(name, KINDS)(Source("edge/planted.py", text)) == []


def test_the_kinds_of_error_are_read_from_the_house_itself():
    known = words.kinds(plan.read("edge"))
    assert {"DoorunitError", "ConfigError", "PartError", "LinkError", "RefusedError", "WireError"} <= known
