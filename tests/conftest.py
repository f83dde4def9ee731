"""What several rooms' tests share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.spool.card import Card


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    """A real card, mounted."""
    with closing(Card(tmp_path)) as mounted:
        yield mounted
