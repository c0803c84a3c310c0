"""Things that stories need before they begin: bases, assistants, inboxes, and callers who hold only so much."""

from collections.abc import Collection
from uuid import UUID

from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import Assistant
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType, Inbox, InboxChanges
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, InboxId, KnowledgeBaseId, LabelId, new_id
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.knowledge import queries as knowledge
from frontdesk.knowledge.model import BaseSettings, Label
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right
from frontdesk.organizations.queries import members, roles
from frontdesk.organizations.records import RoleDraft

RULES = ModelRules(Cipher(bytes(32)), ("https://models.example.com/v1",))


async def make_base(tx: Tx, name: str) -> KnowledgeBaseId:
    base_id = KnowledgeBaseId(new_id())
    await knowledge.insert_base(tx, base_id, BaseSettings(name), embedding_model="none", now=utc_now())
    return base_id


async def make_label(tx: Tx, base_id: KnowledgeBaseId, name: str) -> LabelId:
    label = Label(LabelId(new_id()), base_id, name, utc_now())
    await knowledge.insert_label(tx, label)
    return label.id


async def make_assistant(tx: Tx, caller: Caller, name: str = "Shop", *bases: KnowledgeBaseId) -> Assistant:
    assistant, _ = await create_assistant_with_inbox(tx, caller, {"name": name, "base_ids": bases}, RULES)
    return assistant


async def make_inbox(
    tx: Tx,
    caller: Caller,
    name: str = "Shop web",
    *,
    assistant: Assistant | None = None,
    kind: ChannelType = ChannelType.WEB,
    **changes: object,
) -> Inbox:
    assistant = assistant or await make_assistant(tx, caller, f"Assistant of {name}")
    written = InboxChanges(name=name, assistant_id=assistant.id, **changes)
    inbox, _ = await create_inbox(tx, caller, written, channel_type=kind)
    return inbox


def member(caller: Caller, *rights: Right, inboxes: set[InboxId] | None = None) -> Caller:
    """A member of the organization of `caller` with these rights (or all), in these inboxes (or all)."""
    grant = Grant(frozenset(rights or Right), None if inboxes is None else frozenset(inboxes))
    return Caller(CallerKind.MEMBER, UUID(int=7), "Mia Member", caller.organization_id, (grant,))


def opens(base_id: object) -> dict[str, object]:
    """Query metadata that opens all of one knowledge base."""
    return {"knowledge_bases": [{"knowledge_base_id": str(base_id), "has_user_selected_all": True}]}


async def make_document(
    tx: Tx, base_id: KnowledgeBaseId, title: str, labels: Collection[LabelId] = (), *, kind: str = "file"
) -> DocumentId:
    """A document that is done, without a text: enough for all that only asks who may read it."""
    document_id = DocumentId(new_id())
    params = {"o": tx.organization_id, "id": document_id, "b": base_id, "kind": kind, "title": title, "now": utc_now()}
    await tx.execute(
        """
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
        VALUES (%(o)s, %(id)s, %(b)s, %(kind)s, %(title)s, 'done', %(now)s, %(now)s)
        """,
        params,
    )
    await tx.execute(
        """
        INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
        SELECT %(o)s, %(id)s, unnest(%(labels)s::uuid[]), %(b)s
        """,
        params | {"labels": list(labels)},
    )
    return document_id


async def make_role_holder(
    tx: Tx, *rights: Right, query_metadata: dict[str, object] | None = None, inboxes: set[InboxId] | None = None
) -> Caller:
    """The organization's first member, who holds one role with these rights, and nothing else."""
    user_id = await tx.fetch_value(
        "SELECT user_id FROM member_roles WHERE organization_id = %(o)s LIMIT 1", {"o": tx.organization_id}
    )
    limit = None if inboxes is None else frozenset(inboxes)
    draft = RoleDraft(f"Role {new_id()}", frozenset(rights), limit, query_metadata)
    role_id = await roles.insert_role(tx, draft)
    assert role_id is not None
    await members.replace_member_roles(tx, user_id, [role_id])
    return Caller(CallerKind.MEMBER, user_id, "Mia Member", tx.organization_id, (draft.grant,))
