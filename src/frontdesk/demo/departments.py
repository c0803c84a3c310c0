"""Access by department and by product edition in the demo, set up by the templates that everybody has.

Everybody is made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import ProfileChanges
from frontdesk.assistants.actions import ModelRules, update_assistant
from frontdesk.assistants.queries import list_bases_of
from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.contacts.profile_templates import TEMPLATES, Level, Template, apply_template
from frontdesk.core.db import Tx
from frontdesk.demo.content import EDITIONS
from frontdesk.identities.source_ids import set_source_id
from frontdesk.knowledge.actions import create_knowledge_base
from frontdesk.knowledge.queries import list_bases
from frontdesk.organizations.model import Caller

_DEPARTMENTS: Final = replace(
    TEMPLATES["department"],
    attribute_name="Department 部門",
    levels=(Level("customer", "Customers"), Level("distributor", "Distributors"), Level("employee", "Employees")),
    common_label="",
)
_EDITIONS: Final = replace(TEMPLATES["edition"], attribute_name="Edition 版本", is_cumulative=False, common_label="")


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody whose card says a department or an edition."""

    source_id: str
    name: str
    email: str
    label: str  # on the page of the shop
    label_zh: str
    attributes: Mapping[str, str]


PEOPLE: Final[Mapping[str, DemoPerson]] = {
    "huang": DemoPerson(
        "E-1042", "黃怡君 Huang Yi-chun", "yichun.huang@example.com", "an employee", "員工", {"department": "employee"}
    ),
    "tsai": DemoPerson(
        "D-7014",
        "蔡承翰 Tsai Cheng-han",
        "chenghan.tsai@dealer.example",
        "a distributor",
        "經銷商",
        {"department": "distributor"},
    ),
    "hsu": DemoPerson(
        "M-100655", "許雅文 Hsu Ya-wen", "yawen.hsu@example.com", "a customer", "顧客", {"department": "customer"}
    ),
    "kuo": DemoPerson(
        "P-3001", "郭俊傑 Kuo Chun-chieh", "kuo@example.com", "enterprise edition", "企業版", {"edition": "enterprise"}
    ),
    "yeh": DemoPerson(
        "P-3002", "葉書豪 Yeh Shu-hao", "yeh@example.com", "personal edition", "個人版", {"edition": "personal"}
    ),
    "lai": DemoPerson(
        "P-3003", "賴佩珊 Lai Pei-shan", "lai@example.com", "trial edition", "試用版", {"edition": "trial"}
    ),
}


async def fill_departments(
    tx: Tx, caller: Caller, inbox: Inbox, rules: ModelRules, *, also: dict[str, Any], model: str
) -> None:
    """Add a knowledge base with its labels, profiles, rules and people; `also` is what all of them read besides.

    Done once: it is left out when the knowledge base is there.
    """
    bases, _ = await list_bases(tx, limit=100, offset=0)
    if any(base.settings.name == EDITIONS for base in bases):
        return
    base = await create_knowledge_base(tx, caller, {"name": EDITIONS}, embedding_model=model)
    present = await list_bases_of(tx, inbox.assistant_id)
    await update_assistant(tx, caller, inbox.assistant_id, {"base_ids": [*present, base.id]}, rules)
    for offered in (_DEPARTMENTS, _EDITIONS):
        template = replace(offered, base_ids=(base.id,))
        await _apply(tx, caller, template, also)
    for person in PEOPLE.values():
        fields: CardFields = {
            "name": person.name,
            "emails": [person.email],
            "attributes": dict(person.attributes),
        }
        card = await create_contact(tx, caller, fields=fields, inbox_ids=[inbox.id], provenance=Provenance.API)
        await set_source_id(tx, caller, card.id, person.source_id)


async def _apply(tx: Tx, caller: Caller, template: Template, also: dict[str, Any]) -> None:
    for level in template.levels:  # the template adds to what a profile opens already
        opened: ProfileChanges = {"query_metadata": also, "minimum_assurance": Assurance.SIGNED}
        await create_profile(tx, caller, {"name": level.name, **opened})
    await apply_template(tx, caller, template)
