"""A knowledge base of Northlight, and how stories fill it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from frontdesk.access.model import Scope
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.uploads import UploadPurpose, describe_upload, issue_upload, record_upload, store_upload
from frontdesk.knowledge import actions
from frontdesk.knowledge.access import access_document
from frontdesk.knowledge.document_actions import add_files, delete_document, name_uploader, update_document
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.knowledge.model import Document, FaqText, LabelWish, NewFile
from frontdesk.knowledge.search import Question, SearchResult, prepare_question, search
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.model import Caller, system_caller


@dataclass(frozen=True)
class Library:
    """Everything of one organization that a story needs; all of it by actions."""

    services: Services
    caller: Caller

    async def make_base(self, name: str = "Shop") -> KnowledgeBaseId:
        async with self.services.db.begin(self.caller.organization_id) as tx:
            model = self.services.embedder.model
            return (await actions.create_knowledge_base(tx, self.caller, {"name": name}, embedding_model=model)).id

    async def make_label(self, base: KnowledgeBaseId, name: str) -> LabelId:
        async with self.services.db.begin(self.caller.organization_id) as tx:
            return (await actions.create_label(tx, self.caller, base, name)).id

    async def write_faq(
        self, base: KnowledgeBaseId, question: str, answer: str, labels: Sequence[LabelId] = ()
    ) -> Document:
        wishes = [LabelWish(label, None) for label in labels]
        return (await create_faq(self.services, self.caller, base, FaqText(question, answer), wishes))[0]

    async def upload(self, content: bytes, filename: str, *, purpose: UploadPurpose = "chatbot-file") -> str:
        async with self.services.db.begin(self.caller.organization_id) as tx:
            form = await issue_upload(
                tx, caller=name_uploader(self.caller), purpose=purpose, filename=filename, max_bytes=10_000_000
            )
        await store_upload(self.services.files, form.key, content)
        async with self.services.db.begin(self.caller.organization_id) as tx:
            await record_upload(tx, describe_upload(form, content))
        return form.key

    async def add_file(
        self, base: KnowledgeBaseId, content: bytes, filename: str, labels: Sequence[LabelId] = ()
    ) -> Document:
        """Upload a file and make a document of it, which nobody has read yet."""
        new = NewFile(await self.upload(content, filename), labels=[LabelWish(label, None) for label in labels])
        async with self.services.db.begin(self.caller.organization_id) as tx:
            return (await add_files(tx, self.caller, base, [new]))[0][0]

    async def read_file(
        self, base: KnowledgeBaseId, content: bytes, filename: str, labels: Sequence[LabelId] = ()
    ) -> Document:
        """The same, read."""
        document = await self.add_file(base, content, filename, labels)
        await on_document_added(self.services, self.caller.organization_id, document.id)
        return await self.find(base, document.id)

    async def find(self, base: KnowledgeBaseId, document_id: DocumentId) -> Document:
        async with self.services.db.begin(self.caller.organization_id) as tx:
            return await access_document(tx, self.caller, base, document_id, "file")

    async def relabel(self, document: Document, labels: Sequence[LabelId]) -> None:
        wishes = [LabelWish(label, None) for label in labels]
        async with self.services.db.begin(self.caller.organization_id) as tx:
            await update_document(
                tx, self.caller, document.knowledge_base_id, document.id, document.kind, labels=wishes
            )

    async def delete(self, document: Document) -> None:
        async with self.services.db.begin(self.caller.organization_id) as tx:
            await delete_document(tx, self.caller, document.knowledge_base_id, document.id, document.kind)

    async def prepare(self, text: str) -> Question:
        return await prepare_question(self.services.embedder, text)

    async def ask(self, scope: Scope, question: str | Question, *, limit: int = 12) -> SearchResult:
        prepared = await self.prepare(question) if isinstance(question, str) else question
        async with self.services.db.begin(self.caller.organization_id) as tx:
            return await search(tx, scope, prepared, limit=limit)


@pytest.fixture
def library(services: Services, owner: Caller) -> Library:
    """What Northlight knows: nothing yet."""
    return Library(services, owner)


@pytest.fixture
def other_library(services: Services, other_organization: OrganizationId) -> Library:
    """What Southdark knows."""
    return Library(services, system_caller(other_organization))


@pytest.fixture
async def base(library: Library) -> KnowledgeBaseId:
    """A knowledge base of Northlight."""
    return await library.make_base()
