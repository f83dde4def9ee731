"""Beijing's time, read and written; the platform's `Date` with what is known of its error."""

import pytest

from edge.clock import MS, SECOND
from edge.uplink.gb28181.clockwork import digits, local, read, said

AT_NS = 1_648_778_400 * SECOND  # 2022-04-01T10:00:00 in Beijing


@pytest.mark.parametrize(
    "value", ["", "now", "2022-04-31T10:00:00", "2022-04-01T25:00:00", "Fri", "9" * 400, "0000-00-00T00:00:00"]
)
def test_what_is_no_time_is_passed_over(value: str):
    assert read(value) is None


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("2022-04-01T10:00:00", AT_NS),
        ("2022-04-01T10:00:00.250", AT_NS + 250 * MS),
        ("2022-04-01 10:00:00", AT_NS),
        ("Fri, 01 Apr 2022 02:00:00 GMT", AT_NS),
    ],
)
def test_a_time_is_read_as_beijings_unless_it_says_otherwise(value: str, ns: int):
    assert read(value) == ns


def test_a_time_is_no_better_than_its_digits_and_half_of_the_way():
    time = said("2022-04-01T10:00:00.000", 5 * SECOND, 5 * SECOND + 200 * MS)
    assert time is not None
    assert (time.wall_ns, time.error_ms) == (AT_NS + 100 * MS, 102)
    coarse = said("2022-04-01T10:00:00", 0, 0)
    assert coarse is not None
    assert coarse.error_ms == 1001


def test_time_is_written_as_the_standard_has_it_whatever_the_clock_shows():
    assert local(AT_NS + 5) == "2022-04-01T10:00:00"
    assert digits(AT_NS + 7 * MS) == "20220401100000007"
    assert local(-(2**62)) == "1970-01-01T08:00:00"
    assert local(2**70) == "9999-12-31T23:59:59"
