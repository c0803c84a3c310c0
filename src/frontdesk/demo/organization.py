"""Makes the demo organization step by step; a step whose result is there is left out, so a broken start goes on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from frontdesk.access import queries as profiles
from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.assistants.actions import ModelRules
from frontdesk.channels import queries as channels
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, IdentityMode, Inbox
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import KnowledgeBaseId, LabelId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.uploads import describe_upload, issue_upload, record_upload, store_upload
from frontdesk.demo.cards import fill_cards
from frontdesk.demo.content import BASES, DEALER, FAQS, FAQS_BY_LEVEL, FILES, LABELS, SHOP
from frontdesk.demo.departments import fill_departments
from frontdesk.identities.keys import KeySpec, generate_secret
from frontdesk.identities.searching import run_search
from frontdesk.identities.source_ids import set_source_id
from frontdesk.knowledge import document_queries, queries
from frontdesk.knowledge.actions import create_knowledge_base, create_label
from frontdesk.knowledge.document_actions import add_files, name_uploader
from frontdesk.knowledge.model import DocumentFilter, FaqText, LabelWish, NewFile
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.invitations import accept_invitation, invite_member
from frontdesk.organizations.model import Caller, system_caller
from frontdesk.organizations.queries.roles import list_roles
from frontdesk.organizations.queries.users import find_credentials, list_organization_ids

NAME: Final = "Northlight Home"
PASSWORD: Final = "northlight-demo"  # noqa: S105 -- printed for everybody at the start
OWNER: Final = ("hana@northlight.example", "Hana Kobayashi")
AGENT: Final = ("ming@northlight.example", "Ming Chen")
ISSUER: Final = "https://shop.northlight.example"
INBOX: Final = "Shop web chat"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the demo shop."""

    source_id: str
    name: str
    email: str
    profiles: tuple[str, ...]


ZHANG: Final = Person("M-100482", "張偉民 Zhang Weimin", "weimin.zhang@example.com", ("VIP",))
LIN: Final = Person("M-100517", "林佳穎 Lin Chia-ying", "chiaying.lin@example.com", ())
WU: Final = Person("D-7001", "吳志明 Dr. Wu", "wu@dealer.example", ("Distributor",))


async def make_organization(services: Services) -> tuple[OrganizationId, Inbox]:
    """Return the demo organization and its web chat; both are made at the first call. Safe to repeat."""
    organization_id = await _ensure_organization(services)
    caller = system_caller(organization_id)
    async with services.db.begin(organization_id) as tx:
        inbox = await find_inbox(tx)
        if inbox is None:
            bases = await _make_bases(tx, caller, services.embedder.model)
            inbox = await _make_platforms(tx, caller, services, bases)
            await _make_contacts(tx, caller, inbox)
    async with services.db.begin(organization_id) as tx:
        is_new = await fill_cards(tx, caller, inbox, agent=AGENT[1], vip=ZHANG.source_id)
        await _fill_departments(tx, caller, services, inbox)
    if is_new:
        await run_search(services.db, organization_id)
    await _write_faqs(services, caller)
    await _write_files(services, caller)
    return organization_id, inbox


async def find_inbox(tx: Tx) -> Inbox | None:
    """Return the shop's web chat, or None."""
    inboxes, _ = await channels.list_inboxes(tx, None)
    return next((inbox for inbox in inboxes if inbox.name == INBOX), None)


async def find_shop(services: Services) -> tuple[OrganizationId, Inbox]:
    """Return the demo organization and its web chat. Raises NotFound when somebody removed it."""
    organization_id = await _find_organization(services)
    if organization_id is None:
        raise NotFound
    async with services.db.begin(organization_id) as tx:
        inbox = await find_inbox(tx)
    if inbox is None:
        raise NotFound
    return organization_id, inbox


async def _find_organization(services: Services) -> OrganizationId | None:
    async with services.db.begin_bootstrap() as tx:
        known = await find_credentials(tx, OWNER[0])
        return (await list_organization_ids(tx, known.user_id))[0] if known else None


async def _ensure_organization(services: Services) -> OrganizationId:
    known = await _find_organization(services)
    if known is not None:
        return known
    organization_id, _ = await create_organization(
        services.db, name=NAME, owner_email=OWNER[0], owner_name=OWNER[1], password=PASSWORD
    )
    async with services.db.begin(organization_id) as tx:
        agents = [role.id for role in await list_roles(tx) if role.name == "agent"]
        _, token = await invite_member(tx, system_caller(organization_id), email=AGENT[0], role_ids=agents)
    await accept_invitation(services.db, token, name=AGENT[1], password=PASSWORD, address="127.0.0.1")
    return organization_id


@dataclass(frozen=True, slots=True)
class _Base:
    id: KnowledgeBaseId
    labels: Mapping[str, LabelId]

    def open(self, *names: str) -> dict[str, Any]:
        """Return query metadata for the documents that carry one of these labels."""
        conditions = [{"label_id": str(self.labels[name])} for name in names]
        relation = {"operator": "OR", "conditions": conditions, "applies_to": "all"}
        base = {
            "knowledge_base_id": str(self.id),
            "has_user_selected_all": True,
            "faq_mode": "all",
            "label_relations": relation,
        }
        return {"knowledge_bases": [base]}


async def _make_bases(tx: Tx, caller: Caller, model: str) -> dict[str, _Base]:
    bases = {}
    for name in BASES:
        base = await create_knowledge_base(tx, caller, {"name": name}, embedding_model=model)
        labels = {label: (await create_label(tx, caller, base.id, label)).id for label in LABELS}
        bases[name] = _Base(base.id, labels)
    shop = bases[SHOP]
    opened = {
        "Member": (("public", "member"), Assurance.CHANNEL),
        "VIP": (("public", "member", "vip", "advanced"), Assurance.SIGNED),
        "Distributor": (("public", "member", "distributor"), Assurance.CHANNEL),
        "Employee": (LABELS, Assurance.SIGNED),
    }
    for name, (opens, assurance) in opened.items():
        query = shop.open(*opens)
        if name in ("Distributor", "Employee"):
            query["knowledge_bases"] += bases[DEALER].open(*LABELS)["knowledge_bases"]
        await create_profile(tx, caller, {"name": name, "query_metadata": query, "minimum_assurance": assurance})
    return bases


async def _make_platforms(tx: Tx, caller: Caller, services: Services, bases: Mapping[str, _Base]) -> Inbox:
    rules = ModelRules(services.cipher, services.model_urls)
    shop, dealer = bases[SHOP], bases[DEALER]
    assistant, _ = await create_assistant_with_inbox(
        tx, caller, {"name": "Shop assistant", "base_ids": [shop.id]}, rules
    )
    inbox, _ = await create_inbox(
        tx,
        caller,
        {
            "name": INBOX,
            "assistant_id": assistant.id,
            "identity_mode": IdentityMode.JWT,
            "starters": ("What are your opening hours?", "Which air purifier fits my room?", "可以退貨嗎？"),
            "visitor_scope": shop.open("public"),
            "member_scope": shop.open("public", "member"),
        },
        channel_type=ChannelType.WEB,
    )
    await generate_secret(tx, caller, services.cipher, inbox.realm_id, KeySpec("Demo shop", ISSUER))
    dealers, _ = await create_assistant_with_inbox(tx, caller, {"name": "Dealer desk", "base_ids": [dealer.id]}, rules)
    await create_inbox(
        tx,
        caller,
        {
            "name": "Dealer web chat",
            "assistant_id": dealers.id,
            "member_scope": dealer.open("distributor", "internal"),
        },
        channel_type=ChannelType.WEB,
    )
    return inbox


async def _make_contacts(tx: Tx, caller: Caller, inbox: Inbox) -> None:
    known = {profile.name: profile.id for profile in (await profiles.list_profiles(tx))[0]}
    for person in (ZHANG, WU):
        fields: CardFields = {"name": person.name, "emails": [person.email]}
        contact = await create_contact(tx, caller, fields=fields, inbox_ids=[inbox.id], provenance=Provenance.API)
        await set_source_id(tx, caller, contact.id, person.source_id)
        for name in person.profiles:
            await assign_profile(tx, caller, contact.id, known[name])


async def _fill_departments(tx: Tx, caller: Caller, services: Services, inbox: Inbox) -> None:
    """Add the people of departments and editions, who read besides what members read."""
    if inbox.member_scope is not None:
        rules = ModelRules(services.cipher, services.model_urls)
        model = services.embedder.model
        await fill_departments(tx, caller, inbox, rules, also=inbox.member_scope, model=model)


async def _write_faqs(services: Services, caller: Caller) -> None:
    for base_id, name in await _base_ids(services, caller):
        async with services.db.begin(caller.organization_id) as tx:
            written, _ = await document_queries.list_documents(tx, base_id, DocumentFilter("faq"), limit=1000, offset=0)
        there = Counter(faq.title for faq in written)
        for faq in (*FAQS, *FAQS_BY_LEVEL):
            if faq.base != name:
                continue
            there[faq.question] -= 1
            if there[faq.question] < 0:
                text = FaqText(faq.question, faq.answer)
                await create_faq(services, caller, base_id, text, [LabelWish(None, faq.label)])


async def _write_files(services: Services, caller: Caller) -> None:
    base_id = next(base_id for base_id, name in await _base_ids(services, caller) if name == SHOP)
    async with services.db.begin(caller.organization_id) as tx:
        written, _ = await document_queries.list_documents(tx, base_id, DocumentFilter("file"), limit=1000, offset=0)
    there = {file.title for file in written}
    for filename, label in FILES.items():
        if filename not in there:
            content = (resources.files("frontdesk.demo") / "files" / filename).read_bytes()
            await _write_file(services, caller, base_id, filename, content, label)


async def _write_file(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, filename: str, content: bytes, label: str
) -> None:
    async with services.db.begin(caller.organization_id) as tx:
        form = await issue_upload(
            tx, caller=name_uploader(caller), purpose="chatbot-file", filename=filename, max_bytes=len(content)
        )
    stored = describe_upload(form, content)
    await store_upload(services.files, form.key, content)
    async with services.db.begin(caller.organization_id) as tx:
        await record_upload(tx, stored)
        await add_files(tx, caller, base_id, [NewFile(form.key, labels=[LabelWish(None, label)])])


async def _base_ids(services: Services, caller: Caller) -> list[tuple[KnowledgeBaseId, str]]:
    async with services.db.begin(caller.organization_id) as tx:
        bases, _ = await queries.list_bases(tx, limit=100, offset=0)
    return [(base.id, base.settings.name) for base in bases]
