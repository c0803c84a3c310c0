"""Assistants and the knowledge bases they have."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from frontdesk.assistants.model import Assistant, BaseName, ModelProvider
from frontdesk.core.db import Row, Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, KnowledgeBaseId

_ASSISTANT: Final = """
    a.id, a.name, a.instructions, a.model_provider, a.model_name, a.model_base_url, a.model_key IS NOT NULL,
    a.webhook_url, a.remembers, a.created_at, a.updated_at
"""
_PRESENT: Final = "a.organization_id = %(organization)s AND a.deleted_at IS NULL"


async def list_assistants(
    tx: Tx, ids: Collection[AssistantId] | None = None, *, limit: int | None = None, offset: int = 0
) -> tuple[list[Assistant], int]:
    """Return one page by name, and how many there are; `ids` None: of all assistants, else of these."""
    where = f"FROM assistants a WHERE {_PRESENT} AND (%(ids)s::uuid[] IS NULL OR a.id = ANY(%(ids)s))"
    params = {
        "organization": tx.organization_id,
        "ids": None if ids is None else list(ids),
        "limit": limit,
        "offset": offset,
    }
    rows = await tx.fetch(
        f"SELECT {_ASSISTANT} {where} ORDER BY a.name, a.id LIMIT %(limit)s OFFSET %(offset)s", params
    )
    return [_to_assistant(row) for row in rows], await tx.fetch_value(f"SELECT count(*) {where}", params)


async def get_assistant(tx: Tx, assistant_id: AssistantId) -> Assistant:
    """Return the assistant, or raise NotFound; a deleted one is not found."""
    return await _get_assistant(tx, assistant_id, "")


async def lock_assistant(tx: Tx, assistant_id: AssistantId) -> Assistant:
    """Return the assistant, which nobody else can change before this transaction ends; or raise NotFound."""
    return await _get_assistant(tx, assistant_id, "FOR UPDATE")


async def insert_assistant(tx: Tx, assistant: Assistant, model_key: bytes | None) -> None:
    """Store a new assistant with its encrypted key."""
    sql = """
        INSERT INTO assistants (organization_id, id, name, instructions, model_provider, model_name, model_base_url,
                                model_key, webhook_url, remembers, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(instructions)s, %(model_provider)s, %(model_name)s,
                %(model_base_url)s, %(model_key)s, %(webhook_url)s, %(remembers)s, %(created_at)s, %(updated_at)s)
    """
    await tx.execute(sql, _assistant_params(tx, assistant) | {"model_key": model_key})


async def update_assistant(tx: Tx, assistant: Assistant, model_key: bytes | None) -> None:
    """Store all of `assistant` under its id, and the encrypted key."""
    sql = """
        UPDATE assistants
           SET name = %(name)s, instructions = %(instructions)s, model_provider = %(model_provider)s,
               model_name = %(model_name)s, model_base_url = %(model_base_url)s, model_key = %(model_key)s,
               webhook_url = %(webhook_url)s, remembers = %(remembers)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _assistant_params(tx, assistant) | {"model_key": model_key})


async def delete_assistant(tx: Tx, assistant_id: AssistantId, now: datetime) -> None:
    """Hide the assistant for good: its key and its bases are gone, its name stays."""
    params = {"organization": tx.organization_id, "id": assistant_id, "now": now}
    await tx.execute(
        """
        UPDATE assistants SET deleted_at = %(now)s, model_key = NULL
         WHERE organization_id = %(organization)s AND id = %(id)s
        """,
        params,
    )
    await tx.execute(
        "DELETE FROM assistant_bases WHERE organization_id = %(organization)s AND assistant_id = %(id)s", params
    )


async def find_model_key(tx: Tx, assistant_id: AssistantId) -> bytes | None:
    """Return the encrypted key of the assistant's model; None when it has none."""
    stored: bytes | None = await tx.fetch_value(
        f"SELECT a.model_key FROM assistants a WHERE {_PRESENT} AND a.id = %(id)s",
        {"organization": tx.organization_id, "id": assistant_id},
    )
    return stored


async def list_bases_of(tx: Tx, assistant_id: AssistantId) -> list[KnowledgeBaseId]:
    """Return the knowledge bases of one assistant, by name."""
    return [base.id for base in (await find_base_names(tx, [assistant_id]))[assistant_id]]


async def find_base_names(tx: Tx, assistant_ids: Sequence[AssistantId]) -> dict[AssistantId, list[BaseName]]:
    """Map each assistant to its knowledge bases, by name; every one of `assistant_ids` is a key."""
    sql = """
        SELECT ab.assistant_id, kb.id, kb.name
          FROM assistant_bases ab
          JOIN knowledge_bases kb
            ON kb.organization_id = ab.organization_id AND kb.id = ab.knowledge_base_id AND kb.deleted_at IS NULL
         WHERE ab.organization_id = %(organization)s AND ab.assistant_id = ANY(%(assistants)s)
         ORDER BY kb.name, kb.id
    """
    found: dict[AssistantId, list[BaseName]] = {assistant_id: [] for assistant_id in assistant_ids}
    params = {"organization": tx.organization_id, "assistants": list(assistant_ids)}
    for assistant_id, base_id, name in await tx.fetch(sql, params):
        found[assistant_id].append(BaseName(base_id, name))
    return found


async def set_bases(tx: Tx, assistant_id: AssistantId, base_ids: Collection[KnowledgeBaseId]) -> bool:
    """Give the assistant exactly these knowledge bases; return whether that changed anything.

    Raises InvalidRequest when one does not exist.
    """
    params = {"organization": tx.organization_id, "assistant": assistant_id, "bases": list(set(base_ids))}
    found = await tx.fetch(
        """
        SELECT id FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = ANY(%(bases)s::uuid[]) AND deleted_at IS NULL
           FOR KEY SHARE
        """,
        params,
    )
    if len(found) != len(set(base_ids)):
        raise InvalidRequest("There is no such knowledge base.", pointer="/knowledgeBases")
    removed = await tx.execute(
        """
        DELETE FROM assistant_bases
         WHERE organization_id = %(organization)s AND assistant_id = %(assistant)s
           AND knowledge_base_id <> ALL(%(bases)s::uuid[])
        """,
        params,
    )
    added = await tx.execute(
        """
        INSERT INTO assistant_bases (organization_id, assistant_id, knowledge_base_id)
        SELECT %(organization)s, %(assistant)s, unnest(%(bases)s::uuid[])
            ON CONFLICT (organization_id, assistant_id, knowledge_base_id) DO NOTHING
        """,
        params,
    )
    return removed + added > 0


async def _get_assistant(tx: Tx, assistant_id: AssistantId, lock: str) -> Assistant:
    sql = f"SELECT {_ASSISTANT} FROM assistants a WHERE {_PRESENT} AND a.id = %(id)s {lock}"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": assistant_id})
    if row is None:
        raise NotFound
    return _to_assistant(row)


def _to_assistant(row: Row) -> Assistant:
    assistant_id, name, instructions, provider, *rest = row
    return Assistant(assistant_id, name, instructions, ModelProvider(provider) if provider else None, *rest)


def _assistant_params(tx: Tx, assistant: Assistant) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": assistant.id,
        "name": assistant.name,
        "instructions": assistant.instructions,
        "model_provider": assistant.model_provider,
        "model_name": assistant.model_name,
        "model_base_url": assistant.model_base_url,
        "webhook_url": assistant.webhook_url,
        "remembers": assistant.remembers,
        "created_at": assistant.created_at,
        "updated_at": assistant.updated_at,
    }
