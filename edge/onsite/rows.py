"""What only somebody at the unit can find wrong, also with the agent dead; and which of all rows explains which."""

from edge.warnings import LINK, ROWS, Row

MORE = {
    row.code: row
    for row in (
        Row(
            "config.wrong",
            "The settings file cannot be used",
            "配置文件无法使用",
            remedy="`doorunit config check` says what is wrong with which setting.",
            remedy_zh="请运行 `doorunit config check`，查看哪项设置有误。",
        ),
        Row(
            "identity.missing",
            "This unit has no identity that can be used",
            "本机没有可用的身份文件",
            remedy="Enrol this unit, or copy the identity folder back from where it was issued.",
            remedy_zh="请登记本机，或从签发处拷回身份目录。",
        ),
        Row(
            "identity.open",
            "Others on this machine can read the unit's keys",
            "本机密钥可被其他用户读取",
            remedy="`sudo doorunit doctor --fix` closes the folder.",
            remedy_zh="请运行 `sudo doorunit doctor --fix` 收紧目录权限。",
        ),
        Row(
            "certificate.ended",
            "This unit's certificate has ended",
            "本机证书已过期",
            remedy="Enrol this unit again.",
            remedy_zh="请重新登记本机。",
        ),
        Row(
            "certificate.ending",
            "This unit's certificate ends soon",
            "本机证书即将到期",
            parents=("certificate.ended", "identity.ending"),
            remedy="Enrol this unit again before it ends.",
            remedy_zh="请在到期前重新登记本机。",
        ),
        Row(
            "service.down",
            "The unit's agent does not run",
            "门磁程序未运行",
            parents=("config.wrong", "identity.missing"),
            remedy="`sudo systemctl start doorunit`; `journalctl -u doorunit -e` tells why it ended.",
            remedy_zh="请运行 `sudo systemctl start doorunit`；`journalctl -u doorunit -e` 可查看退出原因。",
        ),
        Row(
            "service.silent",
            "The unit's agent runs and does not answer",
            "门磁程序无响应",
            remedy="Keep `journalctl -u doorunit`, then `sudo systemctl restart doorunit`.",
            remedy_zh="请保存 `journalctl -u doorunit` 日志，然后运行 `sudo systemctl restart doorunit`。",
        ),
        Row(
            "service.barred",
            "This user may not ask the unit's agent",
            "当前用户无权查询门磁程序",
            remedy="Use sudo, or have the user put into the group doorunit.",
            remedy_zh="请使用 sudo，或将该用户加入 doorunit 组。",
        ),
        Row(
            "service.restarts",
            "The unit's agent was restarted again and again",
            "门磁程序反复重启",
            parents=("config.wrong", "identity.missing"),
            remedy="`journalctl -u doorunit -p warning` tells why it ended.",
            remedy_zh="请用 `journalctl -u doorunit -p warning` 查看退出原因。",
        ),
        Row(
            "card.missing",
            "The state folder is not there",
            "状态目录不存在",
            remedy="Mount the data partition, or correct unit.state_dir.",
            remedy_zh="请挂载数据分区，或更正 unit.state_dir。",
        ),
        Row(
            "card.readonly",
            "The card has become read-only",
            "存储卡已变为只读",
            remedy="`dmesg` names the fault; change the card. Openings are told live meanwhile.",
            remedy_zh="`dmesg` 可查看故障；请更换存储卡。期间开门仍会实时上报。",
        ),
        Row(
            "memory.low",
            "Memory runs short",
            "内存不足",
            remedy="`ps aux --sort -rss | head` shows what takes it; end what does not belong here.",
            remedy_zh="请用 `ps aux --sort -rss | head` 查看占用，结束无关程序。",
        ),
        Row(
            "net.interface",
            "No network interface is connected",
            "没有已连接的网络接口",
            remedy="Plug in the network cable, or join the Wi-Fi with `sudo nmtui`.",
            remedy_zh="请插好网线，或用 `sudo nmtui` 连接 Wi-Fi。",
        ),
        Row(
            "net.address",
            "The network gives this unit no address",
            "网络未给本机分配地址",
            parents=("net.interface",),
            remedy="Restart the router; see that its DHCP has addresses left.",
            remedy_zh="请重启路由器，并确认 DHCP 地址未用尽。",
        ),
        Row(
            "net.gateway",
            "The router does not answer",
            "路由器无响应",
            parents=("net.interface", "net.address"),
            remedy="Restart the router; with Wi-Fi, bring the unit nearer to it.",
            remedy_zh="请重启路由器；若用 Wi-Fi，请靠近路由器。",
        ),
        Row(
            "net.names",
            "No name server answers",
            "域名服务器无响应",
            parents=("net.interface", "net.address", "net.gateway"),
            remedy="Correct the DNS server in the router; `resolvectl status` shows which one is asked.",
            remedy_zh="请更正路由器的 DNS 设置；`resolvectl status` 可查看当前 DNS。",
        ),
        Row(
            "net.blocked",
            "The network lets nothing through to the platform",
            "网络不通往平台",
            parents=("net.interface", "net.address", "net.gateway", "net.names", "net.portal"),
            remedy="Have the network's keeper open uplink.host and uplink.port; check the router's own line.",
            remedy_zh="请网络管理员放行 uplink.host 与 uplink.port，并检查路由器外网线路。",
        ),
        Row(
            "net.portal",
            "The network wants a log-in on a web page first",
            "网络要求先通过网页登录",
            parents=("net.interface", "net.address"),
            remedy="Have this unit's MAC address let through, or use another network.",
            remedy_zh="请让网络管理员放行本机 MAC 地址，或换用其他网络。",
        ),
    )
}
ALL = {**ROWS, **MORE}

_OFFLINE = (*LINK, "clock.unsynced", "frames.waiting", "receipt.none")
# What a finding at the unit explains of what the agent sees: the nearer cause is shown instead.
_EXPLAINS = {
    **dict.fromkeys(("net.interface", "net.address", "net.gateway"), _OFFLINE),
    "net.names": ("link.network", "link.name", "clock.unsynced"),
    "net.blocked": ("link.network", "link.server", "link.fallback"),
    "net.portal": LINK,
    "config.wrong": ("card.missing", "identity.missing"),  # without settings nobody knows where they are
    "card.readonly": ("spool.failing", "spool.slow", "spool.full", "frames.unkept", "term.unkept", "term.unknown"),
    "card.missing": ("spool.failing", "spool.lost", "frames.unkept", "term.unkept", "identity.missing"),
    "certificate.ended": ("link.refused",),
}


def parents(code: str) -> frozenset[str]:
    """The codes that are shown instead of this one, where they are wrong too."""
    row = ALL.get(code)
    above = {cause for cause, explained in _EXPLAINS.items() if code in explained}
    return frozenset((*row.parents, *above) if row else above)
