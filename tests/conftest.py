"""What several rooms' tests share."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

from tests.spool.card import Card

# The same examples on every run, so that a change is judged by itself. HYPOTHESIS_PROFILE=default looks for more.
settings.register_profile("steady", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    """A real card, mounted."""
    with closing(Card(tmp_path)) as mounted:
        yield mounted
