"""Reading a knowledge base by another embedding model, while the present one goes on answering.

A job gives every passage a vector of the next model; then one transaction lets that model read the knowledge base. A
search compares vectors of the model that reads when it begins; the old ones are removed some minutes later, so that it
finds them to its end. Passages that are written meanwhile ask for the job again.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import ChunkId, KnowledgeBaseId, OrganizationId
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.knowledge import embedding_queries as queries
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.model import KnowledgeBase
from frontdesk.knowledge.wanting import ask_for_vectors
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

GRACE: Final = timedelta(minutes=5)  # much longer than any search; without a lock, behind which others would wait
_BATCH: Final = 20
_FIELD: Final = "/embeddingModel"


def check_model(model: str, installed: Collection[str]) -> str:
    """Return `model` itself. Raises InvalidRequest when it is not installed."""
    if model not in installed:
        raise InvalidRequest(f"There is no such model here. Installed: {', '.join(sorted(installed))}.", pointer=_FIELD)
    return model


async def choose_model(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, model: str, *, installed: Collection[str]
) -> KnowledgeBase:
    """Have `model` read the knowledge base once it has read every passage; the present model: stop that.

    Right: knowledge.edit. Raises NotFound, and InvalidRequest when the model is not installed. Safe to repeat.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    base = await access_base(tx, caller, base_id)
    following = None if model == base.embedding_model else model
    if following == base.next_embedding_model:
        return base
    if following is not None:
        check_model(following, installed)
    await queries.update_next_model(tx, base_id, following, now=utc_now())
    if following is None:
        await enqueue(tx, "knowledge.model_changed", delay=GRACE, base_id=base_id)
    else:
        await ask_for_vectors(tx, base_id)
    models = {"before": base.next_embedding_model or base.embedding_model, "after": model}
    payload = {"name": base.settings.name, "embedding_model": models}
    await audit.record(tx, caller, "knowledge_base.updated", "knowledge_base", base_id, payload=payload)
    await announce(tx, Event("document", base_id))
    return await access_base(tx, caller, base_id)


async def on_vectors_wanted(services: Services, organization_id: OrganizationId, base_id: UUID) -> None:
    """Read what a model of the knowledge base has not read, then let the next model read it. Safe to repeat."""
    base = KnowledgeBaseId(base_id)
    while True:
        async with services.db.begin(organization_id) as tx:
            models = await queries.find_models(tx, base)
        if models is None:
            return
        await _read(services, organization_id, base, models.present)
        if models.following is None:
            return
        if not await _read(services, organization_id, base, models.following):
            return  # another process, which has it installed, will be asked when somebody writes or chooses again
        async with services.db.begin(organization_id) as tx:
            if await queries.switch_model(tx, base, models.following, now=utc_now()):
                await enqueue(tx, "knowledge.model_changed", delay=GRACE, base_id=base)
                await announce(tx, Event("document", base))


async def on_model_changed(services: Services, organization_id: OrganizationId, base_id: UUID) -> None:
    """Remove the vectors that no search reads any more, once every passage has those that are. Safe to repeat."""
    await on_vectors_wanted(services, organization_id, base_id)
    async with services.db.begin(organization_id) as tx:
        await queries.delete_unused_vectors(tx, KnowledgeBaseId(base_id))


async def _read(services: Services, organization_id: OrganizationId, base_id: KnowledgeBaseId, model: str) -> bool:
    """Give every passage a vector of `model`; False when it is not installed here. What an earlier run read stays."""
    if model not in services.embedder.models:
        return False
    after: tuple[int, ChunkId] | None = None
    while True:
        async with services.db.begin(organization_id) as tx:
            wanted = await queries.find_models(tx, base_id)
            if wanted is None or model not in {wanted.present, wanted.following}:
                return True  # nobody wants it any more
            batch = await queries.list_unread(tx, base_id, model, after=after, limit=_BATCH)
        if not batch:
            return True
        read = [(one, await services.embedder.embed(one.text, model)) for one in batch]
        async with services.db.begin(organization_id) as tx:
            await queries.insert_vectors(tx, model, read)
            await queries.update_progress(tx, base_id, model)
            await announce(tx, Event("document", base_id))
        after = (batch[-1].document_number, batch[-1].id)


HANDLERS: dict[str, Handler] = {
    "knowledge.vectors_wanted": on_vectors_wanted,
    "knowledge.model_changed": on_model_changed,
}
