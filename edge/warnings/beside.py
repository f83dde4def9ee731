"""What can be wrong on the way to a platform beside the main one: the same for each, under its own name."""

from collections.abc import Iterator

from edge.warnings.row import NETWORK, Row

LASTS_S = 60  # such a platform is no alarm's only way: a warning that is gone again within a minute is none
ENDS = ("network", "name", "server", "refused", "distrust", "untimed")  # as LINK's
_WORDS = (
    ("network", "The network lets nothing through to {en}", "网络不通往{zh}", "Check {name}.host and {name}.port, and "
     "that the network lets them through.", "请检查 {name}.host 与 {name}.port，并确认网络已放行。"),
    ("name", "The name of {en} is not known", "找不到{zh}的域名", "Check {name}.host for a misspelling.",
     "请检查 {name}.host 是否拼写有误。"),
    ("server", "The server of {en} is down", "{zh}服务器无响应", "Nothing to do at the door: tell its keeper; the unit "
     "tries again by itself.", "现场无需处理：请通知其管理员，本机会自动重试。"),
    ("refused", "This unit is refused by {en}", "{zh}拒绝本机接入", "Check the device and its secret in [{name}] with "
     "the keeper.", "请与其管理员核对 [{name}] 中的设备标识与密钥。"),
    ("distrust", "The certificate of {en} is not to be believed", "{zh}证书不可信", "Check {name}.host and "
     "{name}.ca_file.", "请检查 {name}.host 与 {name}.ca_file。"),
    ("untimed", "The identity of {en} cannot be verified yet", "暂时无法验证{zh}身份", "Wait for the time, or see that "
     "a time server (NTP) can be reached.", "请等待校时，或确认可以访问时间服务器（NTP）。"),
)  # fmt: skip


def beside(name: str, en: str, zh: str) -> Iterator[Row]:
    """The rows of the platform whose section is [name]; en and zh say what it is."""
    ends = tuple(f"{name}.{end}" for end in ENDS)

    def row(end: str, words: tuple[str, ...], grace_s: int, parents: tuple[str, ...]) -> Row:
        told, told_zh, remedy, remedy_zh = (word.format(name=name, en=en, zh=zh) for word in words)
        return Row(f"{name}.{end}", told, told_zh, grace_s, parents, remedy=remedy, remedy_zh=remedy_zh)

    for end, *words in _WORDS:
        parents = {"untimed": ("clock.unsynced",), "refused": (), "distrust": ()}.get(end, NETWORK)
        yield row(end, tuple(words), LASTS_S, parents)
    yield row(
        "denied",
        (
            "Messages are refused by {en}",
            "{zh}拒收本机消息",
            "See what its keeper's log says of them; they are kept and tried again.",
            "请查看其管理员日志中的拒收原因；消息会保留并重试。",
        ),
        LASTS_S,
        ends,
    )
    yield row(
        "none",
        (
            "Nothing is confirmed by {en}",
            "{zh}无回执",
            "Its keeper must see that it works; the unit keeps everything meanwhile.",
            "请其管理员确认服务正常；期间本机保留全部记录。",
        ),
        LASTS_S,
        (f"{name}.denied", *ends),
    )
    yield row(
        "lost",
        (
            "Records were lost to {en}: it was away for longer than the card lasts",
            "{zh}中断过久，部分记录未能送达",
            "The main platform has its own count; restore the way, or delete [{name}] if it is not needed.",
            "主平台另有统计；请恢复该通道，或在不需要时删除 [{name}]。",
        ),
        0,
        (),
    )
