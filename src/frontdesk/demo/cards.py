"""What makes the demo's card file worth a look: attributes, labels, notes, a segment, a pair of cards, a conflict.

Everybody is made up.
"""

from dataclasses import replace
from datetime import date
from typing import Final

from frontdesk.channels.model import Inbox
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.attributes import Kind
from frontdesk.contacts.configuring import create_definition, set_phone_region
from frontdesk.contacts.filters import parse_filter
from frontdesk.contacts.labels import add_labels, create_label, list_labels
from frontdesk.contacts.model import CardFields, Contact, Provenance
from frontdesk.contacts.notes import write_note
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId
from frontdesk.core.text import utc_now
from frontdesk.identities.conflicts import note_conflicts
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners
from frontdesk.identities.segments import create_segment
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.model import Caller

_LEVELS: Final = ("regular", "silver", "gold")
_MODELS: Final = ("AP-200", "AP-400")
_CARE, _REPAIR = "VIP 專人服務", "Repair 維修中"
_SOURCE_IDS: Final = ("M-100733", "M-100901")
_CHOU: Final = CardFields(
    name="周雅婷 Chou Ya-ting",
    language="zh-Hant",
    emails=["yating.chou@example.com"],
    phones=["+886912555031"],
    attributes={"level": "silver", "birthday": "1988-03-14", "member_since": "2023-06-01", "models": ["AP-200"]},
)
_CHOU_AGAIN: Final = CardFields(
    name="雅婷 周", emails=["yating.chou@example.com"], attributes={"birthday": "1988-03-14"}
)
_CHEN: Final = CardFields(
    name="陳伯宇 Chen Po-yu",
    language="en",
    emails=["poyu.chen@example.com"],
    attributes={"level": "gold", "member_since": date(2021, 11, 20).isoformat(), "models": list(_MODELS)},
)
_CHEN_IN_THE_SHOP: Final = CardFields(name="陳柏宇 Chen Po-yu")


async def fill_cards(tx: Tx, caller: Caller, inbox: Inbox, *, agent: str, vip: str) -> bool:
    """Add all of it, in the name of the member `agent`; `vip` is the source id of somebody who is there.

    False: it was added before, or somebody changed what it is built upon.
    """
    owners = await find_owners(tx, [IdentityKey(inbox.realm_id, one) for one in (vip, *_SOURCE_IDS)])
    zhang = owners.pop(IdentityKey(inbox.realm_id, vip), None)
    if (await list_labels(tx, caller))[1] or zhang is None or owners:
        return False
    caller = replace(caller, name=agent)
    for position, (key, name, kind, choices) in enumerate(
        (
            ("level", "Level 會員等級", Kind.TEXT, _LEVELS),
            ("member_since", "Member since 入會日", Kind.DATE, None),
            ("birthday", "Birthday 生日", Kind.DATE, None),
            ("models", "Purifiers 機型", Kind.LIST, _MODELS),
        )
    ):
        await create_definition(tx, caller, key, {"name": name, "kind": kind, "choices": choices, "position": position})
    await set_phone_region(tx, caller, "TW")
    care, repair = [(await create_label(tx, caller, name)).id for name in (_CARE, _REPAIR)]
    await add_labels(tx, caller, zhang, [care])
    await write_note(tx, caller, zhang, "Prefers delivery after 19:00. 請於晚間七點後配送。")
    chou = await _add(tx, caller, _CHOU, [inbox], Provenance.API, _SOURCE_IDS[0])
    await add_labels(tx, caller, chou.id, [repair])
    await write_note(tx, caller, chou.id, "AP-200 sent in on 18 November, fan replaced. 風扇已更換，待寄回。")
    dealers = [one for one in (await list_inboxes(tx, None))[0] if one.name == "Dealer web chat"]
    await _add(tx, caller, _CHOU_AGAIN, dealers, Provenance.IMPORT)
    chen = await _add(tx, caller, _CHEN, [inbox], Provenance.MEMBER, _SOURCE_IDS[1])
    await note_conflicts(tx, chen, _CHEN_IN_THE_SHOP, Provenance.SIGNED, (), now=utc_now())
    gold = parse_filter(
        {"operator": "and", "conditions": [{"field": "attributes.level", "op": "equals", "value": "gold"}]}
    )
    await create_segment(tx, caller, {"name": "Gold members 金卡會員", "filter": gold, "is_shared": True})
    return True


async def _add(
    tx: Tx,
    caller: Caller,
    fields: CardFields,
    inboxes: list[Inbox],
    provenance: Provenance,
    source_id: str | None = None,
) -> Contact:
    ids = [inbox.id for inbox in inboxes]
    card = await create_contact(tx, caller, fields=fields, inbox_ids=ids, provenance=provenance)
    if source_id is not None:
        await set_source_id(tx, caller, ContactId(card.id), source_id)
    return card
