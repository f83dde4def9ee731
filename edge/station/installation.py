"""A unit's installation report as the station holds it: verified against its key store, and made ready to print."""

import base64
from typing import Any

import msgspec

from edge import wire
from edge.errors import ConfigError, WireError
from edge.records import Audit
from edge.spool.seal import signed_by
from edge.station.known import Known
from edge.station.ledger import Ledger
from edge.station.sheets import Sheet

PAGE_ROWS = 1000
_FACTS = {
    "unit": "设备 Unit",
    "installer": "安装人 Installed by",
    "begun": "开始 Begun",
    "ended": "签收 Signed off",
    "took_s": "用时（秒） Took, s",
    "software": "软件 Software",
}
_STEPS = {
    "enrol": "Enrolled 设备注册",
    "identify": "Label compared 核对标签",
    "power": "Supply 供电",
    "net.address": "Address 地址",
    "net.name": "Name (DNS) 域名解析",
    "net.tcp": "Connection (TCP) 连接",
    "net.tls": "Encryption (TLS) 加密",
    "net.broker": "Broker (MQTT) 消息服务",
    "net.upload": "Pictures (HTTPS) 图片上传",
    "clock": "Clock 时钟",
    "walk": "Open, shut, open, shut 开关门测试",
    "tamper": "Lid and tilt 防拆",
    "aim": "Camera aimed 摄像头对准",
    "event": "Message confirmed 消息回执",
    "picture": "Picture opened by the platform 平台已解密图片",
}
_STATES = {"well": "well 正常", "skipped": "skipped 跳过"}


class Report(msgspec.Struct, frozen=True):
    """What the unit reported, in which record, and whether the record's signature is this unit's."""

    told: dict[str, Any]
    audit: Audit
    received: str
    genuine: bool


def newest(ledger: Ledger, known: Known, unit: str) -> Report:
    """The last report of `unit`. Raises ConfigError where there is none, WireError where it cannot be read."""
    before_n = 0
    while rows := ledger.records(unit=unit, before_n=before_n, limit=PAGE_ROWS):
        for row in rows:
            record = row.envelope.data.record
            if isinstance(record, Audit) and record.what == "installed":
                return Report(_read(record, unit), record, wire.rfc3339(row.received_ns), genuine(known, unit, record))
        before_n = rows[-1].n
    raise ConfigError(
        f"installation of {unit}",
        found="no report",
        wanted="a unit that an installer has signed off",
        remedy="`doorunit station units` lists all; install it first.",
    )


def genuine(known: Known, unit: str, audit: Audit) -> bool:
    """Whether a key that `unit` was enrolled with signed this."""
    try:
        signature, keys = base64.b64decode(audit.signature, validate=True), known.verify_keys(unit, ever=True)
    except ValueError:  # WireError too: a unit without a key
        return False
    return any(signed_by(key, signature, wire.testimony(unit, audit)) for key in keys)


def sheet(report: Report) -> Sheet:
    """The report to print, in Chinese and English."""
    told, audit = report.told, report.audit
    notes = [f"{words}: {told.get(name, '')}" for name, words in _FACTS.items()]
    notes.append(f"遮挡 Masks: {len(told.get('mask', ()))}")
    steps = told["steps"]
    rows = [
        (_STEPS.get(step["name"], step["name"]), _STATES.get(step["state"], step["state"]), _found(step))
        for step in steps
    ]
    verdict = "签名有效 verified" if report.genuine else "签名无效 NOT this unit's"
    notes.append(f"记录 Record: {audit.epoch} / {audit.seq}, 收到 received {report.received}")
    notes.append(f"签名 Signature (Ed25519): {verdict}. {audit.signature}")
    title = f"安装报告 Installation report: {told.get('unit', '')}"
    return Sheet(
        title=title,
        notes=tuple(notes),
        columns=("项目 Step", "结果 Result", "数据 Found"),
        rows=tuple(rows),
        widths=(60, 25, 85),
    )


def _read(audit: Audit, unit: str) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(str(audit.detail.get("report", "")), type=dict[str, Any])
        steps = msgspec.convert(told.get("steps"), list[_Step])
    except wire.GARBLED as err:
        raise WireError(
            f"installation of {unit}", found=err, wanted="a report of schema 1", remedy="Update the station."
        ) from err
    return {**told, "steps": msgspec.to_builtins(steps)}


class _Step(msgspec.Struct):
    name: str
    state: str
    ms: float | None = None
    at_s: float = 0.0
    found: dict[str, Any] = {}


def _found(step: dict[str, Any]) -> str:
    """The numbers of a step: how long the answer took, when it was passed, and each movement of the walk test."""
    said = [] if step["ms"] is None else [f"{step['ms']} ms"]
    if step["at_s"]:
        said.append(f"at {step['at_s']} s")
    for move in step["found"].get("moves", ()):
        if isinstance(move, dict):
            said.append(
                f"{move.get('to')}: {move.get('edges')} edges, {move.get('settle_ms')} ms, "
                f"receipt {move.get('receipt_ms')} ms"
            )
    return "; ".join(said)
