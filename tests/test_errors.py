"""Every failure says what, found, wanted and what to do, and is also the built-in that a reader expects."""

import builtins
import inspect
import re

import pytest

from edge import errors
from edge.errors import (
    ConfigError,
    CorruptError,
    DistrustError,
    DoorunitError,
    FullError,
    LimitError,
    LinkError,
    NewerError,
    PartError,
    RefusedError,
    ServerError,
    UnknownHostError,
    UntimedError,
    WireError,
)

TREE = {  # class -> what it must also be caught as
    DoorunitError: (Exception,),
    ConfigError: (DoorunitError, ValueError),
    PartError: (DoorunitError, OSError),
    FullError: (PartError, OSError),
    CorruptError: (PartError, OSError),
    NewerError: (PartError, OSError),
    LinkError: (DoorunitError, ConnectionError),
    ServerError: (LinkError, ConnectionError),
    RefusedError: (LinkError, ConnectionError),
    LimitError: (LinkError, ConnectionError),
    DistrustError: (LinkError, ConnectionError),
    UntimedError: (LinkError, ConnectionError),
    UnknownHostError: (LinkError, ConnectionError),
    WireError: (DoorunitError, ValueError),
}
PIECES = {"found": 3, "wanted": "a free GPIO 4-27", "remedy": "See hardware/wiring.md."}
EACH = [pytest.param(kind, id=kind.__name__) for kind in TREE]


def test_the_tree_below_is_the_whole_tree():
    made = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DoorunitError)}
    assert made == set(TREE)


@pytest.mark.parametrize(("kind", "also"), TREE.items(), ids=[kind.__name__ for kind in TREE])
def test_each_error_is_caught_by_who_must_act_and_by_the_builtin(kind: type, also: tuple[type, ...]):
    assert all(issubclass(kind, base) for base in also)


@pytest.mark.parametrize("kind", EACH)
def test_each_message_says_what_found_wanted_and_the_next_step(kind: type[DoorunitError]):
    error = kind("door.contact_pin", **PIECES)
    assert str(error) == "door.contact_pin: found 3; want a free GPIO 4-27. See hardware/wiring.md."


@pytest.mark.parametrize("kind", EACH)
def test_each_piece_can_be_read_on_its_own_for_json(kind: type[DoorunitError]):
    error = kind("door.contact_pin", **PIECES)
    assert [error.what, error.found, error.wanted, error.remedy] == [
        "door.contact_pin",
        "3",
        *list(PIECES.values())[1:],
    ]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("kind", EACH)
def test_no_error_can_be_made_without_all_four_pieces(kind: type[DoorunitError], piece: str):
    with pytest.raises(TypeError, match=piece):
        kind("the card", **{name: value for name, value in PIECES.items() if name != piece})


@pytest.mark.parametrize("kind", [ServerError, RefusedError, LinkError])
def test_a_link_that_is_down_is_not_mistaken_for_a_broken_part(kind: type):
    assert not issubclass(kind, PartError)
    assert not issubclass(PartError, LinkError)


def test_a_refusal_and_a_silent_server_are_told_apart():
    assert not issubclass(RefusedError, ServerError)
    assert not issubclass(ServerError, RefusedError)


def test_a_full_card_and_a_corrupt_one_are_told_apart():
    assert not issubclass(FullError, CorruptError)
    assert not issubclass(CorruptError, FullError)


def test_the_librarys_own_error_stays_behind_ours_as_the_cause():
    cause = OSError(28, "No space left on device")
    with pytest.raises(FullError) as caught:
        raise FullError("the card", **PIECES) from cause
    assert caught.value.__cause__ is cause


def test_the_docstring_draws_every_class_and_the_builtin_it_also_is():
    drawn = dict(re.findall(r"── (\w+)(?: +\((\w+)\))?", errors.__doc__))
    assert set(drawn) == {kind.__name__ for kind in TREE} - {"DoorunitError"}
    also = {name: builtin for name, builtin in drawn.items() if builtin}
    assert set(also) == {"ConfigError", "PartError", "LinkError", "WireError"}
    assert all(issubclass(getattr(errors, name), getattr(builtins, builtin)) for name, builtin in also.items())
