"""What a warning is, and which of them explain others."""

import msgspec


class Row(msgspec.Struct, frozen=True):
    """One thing that can be wrong. grace_s: how long it must last to be shown. parents: shown instead, if active.

    lasts_s: how long it is shown after it last happened, where it is something that happens; 0: until it is cleared.
    remedy, remedy_zh: what to do next, and who, in one sentence or two. fault: False where the unit does all it should.
    """

    code: str
    en: str
    zh: str
    grace_s: int = 0
    parents: tuple[str, ...] = ()
    lasts_s: int = 0
    remedy: str = ""
    remedy_zh: str = ""
    fault: bool = True


# Why there is no link; at most one of them at a time. Each explains all that needs the link.
LINK = ("link.network", "link.name", "link.server", "link.refused", "link.distrust", "link.untimed")
CONTACT = ("contact.unreadable", "contact.chatter")
NETWORK = ("link.network",)
PHONES = ("phones.wecom", "phones.dingtalk", "phones.feishu", "phones.ntfy", "phones.apprise")
CARD = ("spool.full", "spool.failing", "spool.newer")
