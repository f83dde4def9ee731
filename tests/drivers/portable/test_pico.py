"""What a Pico W says on the wire, from times and reports alone. Runs on both Pythons."""

import json

from drivers.examples.pico_w_door import PULSE_MS, RESEND_MS, SILENT_MS, WINDOW, Sender
from drivers.examples.pico_w_wire import BoardClock, Door, Outbox, message, online, ranges, reckon, rfc3339, state
from drivers.reed import FAULT, SETTLED, Report
from tests.drivers.portable.bench import said

UTC_S = 1_795_510_923  # 2026-11-24T09:02:03Z
PERIOD = 1 << 30
UNIT = "door-17"


def ticks_diff(later, earlier):
    return (later - earlier + PERIOD // 2) % PERIOD - PERIOD // 2


def settled(closed, at_us, edges=1):
    return Report(SETTLED, closed, at_us, at_us + 4000, edges, False, False)


def started(most=64):
    clock = BoardClock("b" * 32, 0, ticks_diff)
    outbox = Outbox("e" * 16, most)
    return clock, outbox, Door(clock, outbox)


class Client:
    """A broker's end in umqtt's shape: what was published, and what is to come."""

    def __init__(self):
        self.said = []
        self.coming = []
        self.topics = []

    def set_callback(self, callback):
        self._callback = callback

    def subscribe(self, topic, qos):
        self.topics.append((topic, qos))

    def publish(self, topic, payload, retain=False):
        self.said.append((topic.decode().split("/")[3], json.loads(payload), retain))

    def check_msg(self):
        while self.coming:
            self._callback(b"", self.coming.pop(0))

    def told(self, leaf):
        """What was published of this leaf since it was last asked."""
        found = [payload for name, payload, _ in self.said if name == leaf]
        self.said = [one for one in self.said if one[0] != leaf]
        return found


def connected():
    clock, outbox, door = started()
    client = Client()
    sender = Sender(UNIT, clock, door, outbox, ticks_diff)
    sender.begin(client, 0)
    return clock, outbox, door, client, sender


def test_the_boot_clock_goes_on_where_the_boards_ticks_wrap():
    clock = BoardClock("b", PERIOD - 100, ticks_diff)
    assert [clock.at(ticks) for ticks in (PERIOD - 50, 50, 1050)] == [50_000, 150_000, 1_150_000]
    assert clock.at(950) == 1_050_000  # an edge from before the last look


def test_an_opening_before_the_network_told_the_time_says_no_time():
    clock, _, door = started()
    record = door.report(settled(True, 1_000_000))
    told = json.loads(message(UNIT, record, clock.anchor))
    assert "time" not in told
    assert told["data"]["clock"] == record["at"]["clock"] == "unsynced"
    assert told["id"] == UNIT + "/" + "e" * 16 + "/1"


def test_the_same_record_is_dated_once_the_time_is_known_and_its_raw_clock_stays():
    clock, _, door = started()
    record = door.report(settled(True, 1_000_000))
    clock.sync(clock.at(61_000_000), UTC_S)
    told = json.loads(message(UNIT, record, clock.anchor))
    assert told["time"] == "2026-11-24T09:01:03.000000Z"
    assert (told["data"]["clock"], told["data"]["error_ms"]) == ("synced", 2007)
    assert told["data"]["record"]["at"]["clock"] == "unsynced"


def test_a_stamp_ages_by_the_drift_of_a_board():
    clock, _, _ = started()
    clock.sync(0, UTC_S)
    stamp = clock.stamp(86_400 * 1_000_000_000)
    assert (stamp["clock"], stamp["error_ms"]) == ("synced", 2000 + 8640 + 1)
    assert reckon(5, None) == (None, None)


def test_what_the_reed_reports_becomes_found_opened_shut_and_lost():
    clock, outbox, door = started()
    fault = Report(FAULT, None, 5_000_000, 8_000_000, 99, False, True)
    for report in (settled(True, 1_000_000), settled(False, 3_000_000), fault, settled(False, 9_000_000)):
        door.report(report)
    door.report(fault)
    door.report(settled(True, 12_000_000))
    told = [(r["change"], r["door"]) for r in outbox.records]
    want = [("found", "shut"), ("opened", "open"), ("lost", "unknown"), ("found", "open"), ("lost", "unknown")]
    assert told == want + [("shut", "shut")]
    assert door.openings == 1
    assert [r["seq"] for r in outbox.records] == [1, 2, 3, 4, 5, 6]
    assert outbox.records[1]["at"]["boot_ns"] == 3_000_000_000
    assert outbox.records[1]["settle_us"] == 4000


def test_a_receipt_forgets_what_it_names_and_nothing_else():
    _, outbox, _ = started()
    for _ in range(6):
        outbox.put("event", {})
    assert outbox.receipt(json.dumps({"epoch": "e" * 16, "stored": [[1, 2], [5, 5]]})) == 3
    assert [r["seq"] for r in outbox.records] == [3, 4, 6]


def test_what_is_no_receipt_of_this_power_on_forgets_nothing():
    _, outbox, _ = started()
    outbox.put("event", {})
    for payload in (
        json.dumps({"epoch": "another", "stored": [[1, 9]]}),
        json.dumps({"epoch": "e" * 16}),
        json.dumps({"epoch": "e" * 16, "stored": [1]}),
        json.dumps([]),
        "{",
    ):
        assert outbox.receipt(payload) == 0
    assert len(outbox.records) == 1


def test_what_had_to_go_is_counted_in_one_gap_even_where_a_gap_had_to_go_too():
    _, outbox, _ = started(most=4)
    for _ in range(7):
        outbox.put("event", {})
    outbox.tell_gap({})
    gap = outbox.records[-1]
    assert (gap["kind"], gap["reason"], gap["records"], gap["seqs"]) == ("gap", "overrun", 4, [[1, 4]])
    for _ in range(4):
        outbox.put("event", {})
    outbox.tell_gap({})
    assert len(outbox.records) == 4
    told = [seq for first, last in outbox.records[-1]["seqs"] for seq in range(first, last + 1)]
    kept = [r["seq"] for r in outbox.records]
    assert sorted(told + kept) == list(range(1, kept[-1] + 1))
    assert outbox.records[-1]["records"] == len(told)


def test_ranges_are_sorted_and_joined():
    assert ranges([7, 1, 3, 2, 2]) == [[1, 3], [7, 7]]
    assert ranges([]) == []


def test_a_time_is_written_as_the_unit_writes_it():
    assert rfc3339(UTC_S * 1_000_000_000 + 123_456_789) == "2026-11-24T09:02:03.123456Z"


def test_a_connection_begins_with_online_and_asks_for_receipts():
    clock, _, _, client, _ = connected()
    assert client.topics == [(b"door/v1/door-17/receipt", 1)]
    assert client.said == [("online", json.loads(online(clock.boot, True)), True)]


def test_a_record_is_sent_at_once_and_again_until_the_receipt():
    _, outbox, door, client, sender = connected()
    door.report(settled(True, 0))
    for now_ms in range(0, 3 * RESEND_MS, 500):
        sender.step(now_ms, now_ms * 1_000_000, 0)
    assert [told["data"]["record"]["seq"] for told in client.told("event")] == [1, 1, 1]
    client.coming.append(json.dumps({"epoch": outbox.epoch, "stored": [[1, 1]]}).encode())
    for now_ms in range(3 * RESEND_MS, 6 * RESEND_MS, 500):
        sender.step(now_ms, now_ms * 1_000_000, 0)
    assert client.told("event") == []
    assert outbox.records == []


def test_a_backlog_goes_out_in_order_and_a_window_at_a_time():
    clock, outbox, _, client, sender = connected()
    for _ in range(3 * WINDOW):
        outbox.put("event", clock.stamp(0), {"change": "opened", "door": "open"})
    order = []
    for now_ms in range(0, 5000, 100):
        sender.step(now_ms, 0, 0)
        seqs = [told["data"]["record"]["seq"] for told in client.told("event")]
        assert len(seqs) <= WINDOW
        order += seqs
        if seqs:
            client.coming.append(json.dumps({"epoch": outbox.epoch, "stored": ranges(seqs)}).encode())
    assert order == list(range(1, 3 * WINDOW + 1))


def test_the_state_is_told_once_a_change_and_kept_by_the_broker():
    clock, _, door, client, sender = connected()
    sender.step(0, 0, 0)
    sender.step(20, 0, 0)
    assert client.told("state") == [{"door": "unknown", "since": None, "camera": "none"}]
    door.report(settled(False, 1_000_000))
    sender.step(40, 0, 0)
    clock.sync(1_000_000_000, UTC_S)
    sender.step(60, 0, 0)
    assert client.said[-1][2]
    assert [told["since"] for told in client.told("state")] == [None, "2026-11-24T09:02:03.000000Z"]
    assert json.loads(state(door, clock.anchor))["door"] == "open"


def test_a_pulse_comes_every_twenty_seconds_and_claims_no_time_that_it_has_not():
    clock, _, _, client, sender = connected()
    for now_ms in range(0, 3 * PULSE_MS, 1000):
        sender.step(now_ms, now_ms * 1_000_000, 3)
    pulses = client.told("pulse")
    assert len(pulses) == 3
    assert [(p["clock"], p["time"], p["glitches"]) for p in pulses] == [("unsynced", None, 3)] * 3
    clock.sync(0, UTC_S)
    sender.step(3 * PULSE_MS, 60_000_000_000, 3)
    (told,) = client.told("pulse")
    assert (told["clock"], told["time"]) == ("synced", "2026-11-24T09:03:03.000000Z")


def test_a_link_that_brings_no_receipt_is_given_up_and_an_idle_one_is_not():
    _, _, door, _, sender = connected()
    for now_ms in range(0, 3 * SILENT_MS, 1000):
        sender.step(now_ms, 0, 0)
    door.report(settled(True, 0))
    began_ms = 3 * SILENT_MS
    for now_ms in range(began_ms, began_ms + SILENT_MS - 1000, 1000):
        sender.step(now_ms, 0, 0)
    assert "no receipt for 45000 ms with 1 records" in said(OSError, sender.step, began_ms + SILENT_MS, 0, 0)
