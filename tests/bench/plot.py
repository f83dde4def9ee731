"""report.json to PNGs. Runs in a Python with matplotlib and nothing of ours."""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot

PLOTS = {
    "latency": ("Edge to subscriber, ms (log)", ("latency_p50_ms", "latency_p99_ms"), True),
    "memory": ("PSS idle, MiB", ("pss_mib",), False),
    "idle": ("Idle CPU, % (log)", ("idle_cpu_pct",), True),
    "start": ("Exec to first delivered event, ms", ("start_ms",), False),
    "delivered": ("Delivered, share: after an outage; and after kill -9 in it", ("after_outage", "after_kill"), False),
    "drain": ("Backlog, records/s", ("backlog_drain_s",), False),
}


def main(folder: Path) -> None:
    """One PNG for each plot that has figures."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for name, (title, keys, log) in PLOTS.items():
        rows = {who: row for who, row in report["rows"].items() if any(key in row for key in keys)}
        if not rows:
            continue
        figure, axes = pyplot.subplots(figsize=(8, 1 + 0.5 * len(rows) * len(keys)), layout="constrained")
        height = 0.8 / len(keys)
        for n, key in enumerate(keys):
            places = [place + n * height for place in range(len(rows))]
            bars = axes.barh(places, [row.get(key, 0) for row in rows.values()], height, label=key)
            axes.bar_label(bars, fmt="%.3g", padding=3)
        middle = 0.4 - height / 2
        axes.set_yticks([place + middle for place in range(len(rows))], [report["words"][who] for who in rows])
        axes.invert_yaxis()
        axes.set_title(title)
        axes.margins(x=0.15)
        if log:
            axes.set_xscale("log")
        if len(keys) > 1:
            axes.legend()
        figure.savefig(folder / f"report-{name}.png", dpi=120)
        pyplot.close(figure)


main(Path(sys.argv[1]))
