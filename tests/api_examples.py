"""A small valid request for every operation of the API. A new route is not done before it stands here."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.things import Things

from frontdesk.core.ids import new_id

# which of the things a parameter in a path names; a new name must be added here
PARAMETERS: Mapping[str, str] = {
    "organization_id": "organization",
    "key_id": "api_key",
    "profile_id": "profile",
    "rule_id": "rule",
    "base_id": "base",
    "label_id": "label",
    "file_id": "file",
    "chunk_id": "chunk",
    "faq_id": "faq",
    "assistant_id": "assistant",
    "inbox_id": "inbox",
    "web_chat_id": "web_chat",
    "realm_id": "realm",
    "realm_key_id": "realm_key",
    "key_set_id": "key_set",
    "contact_id": "contact",
    "contact_label_id": "contact_label",
    "attribute_id": "attribute",
    "note_id": "note",
    "conflict_id": "conflict",
    "source_id": "source_id",
    "conversation_id": "conversation",
    "message_id": "message",
    "attachment_id": "attachment",
    "erasure_id": "erasure",
    "merge_id": "merge",
    "segment_id": "segment",
    "bulk_edit_id": "bulk_edit",
    "import_id": "imported",
    "batch_id": "batch",
    "export_id": "export",
    "fact_id": "fact",
}

Maker = Callable[[Things], Awaitable[dict[str, Any]] | dict[str, Any] | list[Any]]


@dataclass(frozen=True)
class Example:
    """A request; `status` is what it is answered with."""

    status: int = 200
    body: Maker | None = None
    query: Callable[[Things], dict[str, str]] = lambda _: {}
    parameters: Mapping[str, str] = field(default_factory=dict)  # instead of PARAMETERS
    destroys: bool = False  # cannot be sent twice for the same things
    ignores_foreign: bool = False  # an id in the body that the organization has not got is passed over, or warned of
    makes_anew: bool = False  # a foreign id in the path is no id of an object: it makes one
    streams: bool = False


def _named(**more: Any) -> Maker:
    return lambda _: {"name": f"Name {new_id()}", **more}


def _rule(_: Things) -> dict[str, Any]:
    condition = {"field": "attributes.level", "op": "equals", "value": "gold"}
    return {"filter": {"operator": "and", "conditions": [condition]}}


async def _new_files(things: Things) -> dict[str, Any]:
    return {"files": [{"file": await things.upload("chatbot-file"), "filename": "a.txt", "labels": [things.label]}]}


async def _new_version(things: Things) -> dict[str, Any]:
    return {"file": await things.upload("chatbot-file"), "filename": "b.txt"}


async def _new_batch(things: Things) -> dict[str, Any]:
    mapping = [{"column": "The filter lasts for twelve months.", "target": "question"}]
    key = await things.upload("document-batch")
    return {"kind": "faqs", "file": key, "format": "csv", "mapping": mapping, "unknownLabels": "create"}


async def _new_attachment(things: Things) -> dict[str, Any]:
    return {"file": await things.upload("attachment"), "filename": "a.txt", "type": "image"}


async def _message(things: Things) -> dict[str, Any]:
    return {"conversation": things.conversation, "content": "Hello", "queryMetadata": None, "attachments": []}


async def _new_import(things: Things) -> dict[str, Any]:
    key = await things.upload("contact-import")
    mapping = [{"column": "The filter lasts for twelve months.", "target": "name"}]
    return {"file": key, "format": "csv", "mapping": mapping, "options": {"allowErased": True}}


VIP = {"operator": "and", "conditions": [{"field": "attributes.tier_level", "op": "equals", "value": "VIP"}]}
CHANGE_CONTACT = _named(phoneNumber="+886912345678", timeZone="Asia/Taipei", attributes={"tier_level": "gold"})
FAQ = {"question": "Is there a shop?", "answer": "Yes."}

EXAMPLES: Mapping[str, Example] = {
    "GET /organizations": Example(),
    "GET /organizations/{organization_id}/members": Example(),
    "GET /organizations/{organization_id}/groups": Example(),
    "GET /users/current": Example(),
    "GET /permissions": Example(query=lambda _: {"pageSize": "5"}),
    "GET /api-keys": Example(),
    "POST /api-keys": Example(201, lambda _: {"name": "k", "rights": ["contacts.view"], "inboxIds": None}),
    "DELETE /api-keys/{key_id}": Example(204, destroys=True),
    "GET /audit": Example(query=lambda _: {"pageSize": "2"}),
    "GET /access-profiles": Example(),
    "POST /access-profiles": Example(201, _named(queryMetadata={"knowledge_bases": []}, minimumAssurance="signed")),
    "GET /access-profiles/{profile_id}": Example(),
    "PUT /access-profiles/{profile_id}": Example(body=_named(minimumAssurance="channel")),
    "PATCH /access-profiles/{profile_id}": Example(body=_named(minimumAssurance="channel")),
    "DELETE /access-profiles/{profile_id}": Example(204, destroys=True),
    "GET /access-profiles/{profile_id}/contacts": Example(),
    "GET /access-profiles/{profile_id}/rules": Example(),
    "POST /access-profiles/{profile_id}/rules": Example(201, body=_rule),
    "GET /access-profiles/{profile_id}/rules/{rule_id}": Example(),
    "PUT /access-profiles/{profile_id}/rules/{rule_id}": Example(body=_rule),
    "PATCH /access-profiles/{profile_id}/rules/{rule_id}": Example(body=_rule),
    "DELETE /access-profiles/{profile_id}/rules/{rule_id}": Example(204, destroys=True),
    "GET /access-profiles/templates": Example(),
    "POST /access-profiles/templates": Example(
        body=lambda things: {
            "attribute": f"level{new_id()}",
            "levels": [{"value": "gold", "name": f"Gold {new_id()}"}],
            "knowledgeBases": [things.base],
            "dryRun": True,
        }
    ),
    "GET /contacts/{contact_id}/access-profiles": Example(),
    "POST /contacts/{contact_id}/access-profiles": Example(201, lambda things: {"profile": things.profile}),
    "DELETE /contacts/{contact_id}/access-profiles/{profile_id}": Example(204),
    "POST /access-profiles/{profile_id}/what-if": Example(
        body=lambda _: {"queryMetadata": {"knowledge_bases": []}, "minimumAssurance": "signed"}
    ),
    "GET /contacts/{contact_id}/access": Example(
        query=lambda things: {"inbox": things.inbox, "assurance": "signed", "document": things.file}
    ),
    "GET /inboxes/{inbox_id}/access": Example(query=lambda things: {"speaker": "member", "document": things.faq}),
    "POST /contacts/{contact_id}/view-as": Example(
        body=lambda things: {"question": "How long does a filter last?", "inbox": things.inbox, "assurance": "signed"}
    ),
    "POST /contacts/{contact_id}/access/what-if": Example(
        body=lambda _: {"queryMetadata": {"knowledge_bases": []}, "profilesMode": "add"}
    ),
    "POST /inboxes/{inbox_id}/what-if": Example(
        body=lambda things: {"visitorScope": {"knowledge_bases": []}, "chatbot": things.assistant}
    ),
    "POST /knowledge-bases/{base_id}/labels/what-if": Example(
        body=lambda things: {"documents": [things.file], "add": [things.label], "remove": []}
    ),
    "POST /knowledge-bases/{base_id}/labels/{label_id}/what-if-deleted": Example(),
    "POST /chatbots/{assistant_id}/what-if": Example(body=lambda things: {"knowledgeBases": [things.base]}),
    "GET /knowledge-bases": Example(),
    "POST /knowledge-bases": Example(
        201, lambda things: {"name": f"Base {new_id()}", "enableRerank": True, "chatbots": [{"id": things.assistant}]}
    ),
    "GET /knowledge-bases/{base_id}": Example(),
    "PUT /knowledge-bases/{base_id}": Example(body=lambda things: {"chatbots": [things.assistant], "topK": 1}),
    "PATCH /knowledge-bases/{base_id}": Example(body=lambda _: {"name": f"Base {new_id()}", "similarityCutoff": 0.1}),
    "DELETE /knowledge-bases/{base_id}": Example(204, destroys=True),
    "GET /knowledge-bases/{base_id}/search": Example(query=lambda _: {"query": "filter", "topK": "3"}),
    "POST /knowledge-bases/{base_id}/search": Example(
        body=lambda things: {"query": "filter", "topK": 3, "queryMetadata": None, "contact": things.contact}
    ),
    "GET /chatbots/{assistant_id}/search": Example(query=lambda _: {"query": "filter", "topK": "3"}),
    "POST /chatbots/{assistant_id}/search": Example(body=lambda _: {"query": "filter", "queryMetadata": {}}),
    "GET /chatbots/{assistant_id}/files": Example(),
    "POST /chatbots/{assistant_id}/files": Example(201, _new_files),
    "GET /chatbots/{assistant_id}/files/{file_id}": Example(),
    "DELETE /chatbots/{assistant_id}/files/{file_id}": Example(204, destroys=True),
    "GET /chatbots/{assistant_id}/faqs": Example(),
    "POST /chatbots/{assistant_id}/faqs": Example(201, lambda _: FAQ),
    "GET /chatbots/{assistant_id}/faqs/{faq_id}": Example(),
    "PUT /chatbots/{assistant_id}/faqs/{faq_id}": Example(body=lambda _: FAQ),
    "PATCH /chatbots/{assistant_id}/faqs/{faq_id}": Example(body=lambda _: FAQ),
    "DELETE /chatbots/{assistant_id}/faqs/{faq_id}": Example(204, destroys=True),
    "GET /faqs": Example(query=lambda things: {"chatbot": things.assistant}),
    "POST /faqs": Example(201, lambda things: {"chatbot": things.assistant, **FAQ}),
    "GET /knowledge-bases/{base_id}/labels": Example(),
    "POST /knowledge-bases/{base_id}/labels": Example(201, _named()),
    "GET /knowledge-bases/{base_id}/labels/{label_id}": Example(),
    "PUT /knowledge-bases/{base_id}/labels/{label_id}": Example(body=_named()),
    "PATCH /knowledge-bases/{base_id}/labels/{label_id}": Example(body=_named()),
    "DELETE /knowledge-bases/{base_id}/labels/{label_id}": Example(204, destroys=True),
    "GET /knowledge-bases/{base_id}/files": Example(query=lambda things: {"label": things.label}),
    "POST /knowledge-bases/{base_id}/files": Example(201, _new_files),
    "POST /knowledge-bases/{base_id}/files/batch-delete": Example(
        204, lambda things: {"ids": [things.file]}, destroys=True, ignores_foreign=True
    ),
    "PATCH /knowledge-bases/{base_id}/files/batch-reparse": Example(
        body=lambda things: [{"id": things.file, "parser": None}],
        destroys=True,  # until it is read again
    ),
    "GET /knowledge-bases/{base_id}/files/{file_id}": Example(),
    "DELETE /knowledge-bases/{base_id}/files/{file_id}": Example(204, destroys=True),
    "PATCH /knowledge-bases/{base_id}/files/{file_id}/update-metadata": Example(
        body=lambda things: {"labels": [{"id": things.label}], "rawUserDefineMetadata": {"some_key": 1}},
        ignores_foreign=True,
    ),
    "POST /knowledge-bases/{base_id}/files/{file_id}/update-metadata": Example(
        body=lambda things: {"labels": [things.label]}, ignores_foreign=True
    ),
    "GET /knowledge-bases/{base_id}/files/{file_id}/versions": Example(),
    "POST /knowledge-bases/{base_id}/files/{file_id}/versions": Example(201, _new_version, destroys=True),
    "POST /knowledge-bases/{base_id}/files/{file_id}/versions/restore": Example(
        body=lambda _: {"number": 1},
        destroys=True,  # until it is read
    ),
    "GET /knowledge-bases/{base_id}/files/{file_id}/content": Example(query=lambda _: {"version": "1"}),
    "GET /knowledge-bases/{base_id}/documents": Example(query=lambda things: {"chatbotFileId": things.file}),
    "GET /knowledge-bases/{base_id}/documents/{chunk_id}": Example(),
    "PUT /knowledge-bases/{base_id}/documents/{chunk_id}": Example(body=lambda _: {"text": "Another text."}),
    "DELETE /knowledge-bases/{base_id}/documents/{chunk_id}": Example(204, destroys=True),
    "GET /knowledge-bases/{base_id}/faqs": Example(query=lambda things: {"label": things.label}),
    "POST /knowledge-bases/{base_id}/faqs": Example(
        201, lambda things: FAQ | {"labels": [{"id": things.label}]}, ignores_foreign=True
    ),
    "POST /knowledge-bases/{base_id}/faqs/batch-delete": Example(
        204, lambda things: {"ids": [things.faq]}, destroys=True, ignores_foreign=True
    ),
    "GET /knowledge-bases/{base_id}/faqs/{faq_id}": Example(),
    "PUT /knowledge-bases/{base_id}/faqs/{faq_id}": Example(body=lambda _: FAQ),
    "PATCH /knowledge-bases/{base_id}/faqs/{faq_id}": Example(body=lambda _: FAQ),
    "DELETE /knowledge-bases/{base_id}/faqs/{faq_id}": Example(204, destroys=True),
    "PATCH /knowledge-bases/{base_id}/faqs/{faq_id}/update-metadata": Example(
        body=lambda things: {"labels": [things.label], "rawUserDefineMetadata": {"a": 1}}, ignores_foreign=True
    ),
    "POST /knowledge-bases/{base_id}/faqs/{faq_id}/update-metadata": Example(
        body=lambda things: {"labels": [things.label]}, ignores_foreign=True
    ),
    "GET /knowledge-bases/{base_id}/batches": Example(),
    "POST /knowledge-bases/{base_id}/batches": Example(201, _new_batch),
    "POST /knowledge-bases/{base_id}/batches/edit": Example(
        202,
        lambda things: {
            "documents": {"kind": "faq", "query": "filter", "status": "done"},
            "options": {"labels": {"how": "add", "labels": [things.label]}},
        },
    ),
    "GET /knowledge-bases/{base_id}/batches/{batch_id}": Example(),
    "PATCH /knowledge-bases/{base_id}/batches/{batch_id}": Example(
        body=lambda _: {"mapping": [], "unknownLabels": "ignore"}
    ),
    "POST /knowledge-bases/{base_id}/batches/{batch_id}/check": Example(destroys=True),
    "POST /knowledge-bases/{base_id}/batches/{batch_id}/run": Example(
        parameters={"batch_id": "cancelled_batch"}, destroys=True
    ),
    "POST /knowledge-bases/{base_id}/batches/{batch_id}/cancel": Example(parameters={"batch_id": "cancelled_batch"}),
    "POST /knowledge-bases/{base_id}/batches/{batch_id}/undo": Example(
        parameters={"batch_id": "done_batch"}, destroys=True
    ),
    "GET /knowledge-bases/{base_id}/batches/{batch_id}/rows": Example(
        parameters={"batch_id": "done_batch"}, query=lambda _: {"outcome": "error", "pageSize": "10"}
    ),
    "GET /knowledge-bases/{base_id}/export": Example(query=lambda _: {"what": "labels", "format": "csv"}),
    "POST /upload-presigned-url": Example(
        body=lambda _: {"filename": "a.txt", "modelName": "attachment", "fieldName": "file", "fileSize": 3}
    ),
    "GET /inboxes": Example(query=lambda things: {"channelType": "web", "chatbot": things.assistant}),
    "POST /inboxes": Example(
        201,
        lambda things: {
            "name": "Shop",
            "chatbot": things.assistant,
            "channelType": "web",
            "channel": {"identityMode": "jwt", "allowedOrigins": ["https://shop.example.com"]},
            "visitorScope": {"knowledge_bases": []},
            "ownRealm": False,
        },
    ),
    "GET /inboxes/{inbox_id}": Example(),
    "PUT /inboxes/{inbox_id}": Example(body=lambda things: {"name": "Shop", "chatbot": {"id": things.assistant}}),
    "PATCH /inboxes/{inbox_id}": Example(body=lambda _: {"name": "Shop", "channel": {"onLogin": "separate"}}),
    "DELETE /inboxes/{inbox_id}": Example(204, destroys=True),
    "GET /web-chats": Example(),
    "POST /web-chats": Example(
        201, lambda things: {"name": "Shop", "chatbot": things.assistant, "identityMode": "none"}
    ),
    "GET /web-chats/{web_chat_id}": Example(),
    "PUT /web-chats/{web_chat_id}": Example(body=lambda things: {"name": "Shop", "chatbot": things.assistant}),
    "PATCH /web-chats/{web_chat_id}": Example(body=lambda _: {"allowedOrigins": [], "memberScope": None}),
    "DELETE /web-chats/{web_chat_id}": Example(204, destroys=True),
    "GET /chatbots": Example(),
    "POST /chatbots": Example(201, lambda things: {"name": f"A {new_id()}", "knowledgeBases": [{"id": things.base}]}),
    "GET /chatbots/{assistant_id}": Example(),
    "PUT /chatbots/{assistant_id}": Example(body=_named(largeLanguageModel=None)),
    "PATCH /chatbots/{assistant_id}": Example(body=lambda things: {"knowledgeBases": [things.base]}),
    "DELETE /chatbots/{assistant_id}": Example(409),  # its web chat needs it
    "POST /chatbots/{assistant_id}/completions": Example(
        body=lambda things: {
            "conversation": None,
            "message": {"content": "How long does a filter last?", "sender": things.contact, "contentPayload": None},
            "isStreaming": True,
        },
        streams=True,
    ),
    "GET /contact-attributes": Example(),
    "POST /contact-attributes": Example(
        201, lambda _: {"key": f"key {new_id()}", "kind": "text", "choices": ["a", "b"], "mayKnowFrom": "never"}
    ),
    "GET /contact-attributes/{attribute_id}": Example(),
    "PUT /contact-attributes/{attribute_id}": Example(body=_named(isUnique=True)),
    "PATCH /contact-attributes/{attribute_id}": Example(body=_named(isUnique=False)),
    "DELETE /contact-attributes/{attribute_id}": Example(204, destroys=True),
    "GET /contact-field-rules": Example(),
    "PUT /contact-field-rules": Example(
        body=lambda _: {"name": "signed", "phoneRegion": "TW", "refusedSourceIds": ["guest"]}
    ),
    "PATCH /contact-field-rules": Example(body=lambda _: {"timeZone": "channel"}),
    "GET /bulk-edits": Example(),
    "POST /bulk-edits": Example(
        202,
        lambda things: {
            "selection": {"ids": [things.contact]},
            "change": {"kind": "add_label", "label": things.contact_label},
        },
    ),
    "GET /bulk-edits/{bulk_edit_id}": Example(),
    "GET /bulk-edits/{bulk_edit_id}/outcomes": Example(),
    "POST /bulk-edits/{bulk_edit_id}/undo": Example(202, destroys=True),
    "GET /segments": Example(),
    "POST /segments": Example(201, _named(filter=VIP, sort="-name", columns=["email", "attributes.tier_level"])),
    "GET /segments/{segment_id}": Example(),
    "PUT /segments/{segment_id}": Example(body=_named(filter=VIP)),
    "PATCH /segments/{segment_id}": Example(body=_named()),
    "DELETE /segments/{segment_id}": Example(204, destroys=True),
    "GET /labels": Example(),
    "POST /labels": Example(201, _named()),
    "GET /labels/{contact_label_id}": Example(),
    "PUT /labels/{contact_label_id}": Example(body=_named()),
    "PATCH /labels/{contact_label_id}": Example(body=_named()),
    "DELETE /labels/{contact_label_id}": Example(204, destroys=True),
    "GET /contacts/{contact_id}/notes": Example(),
    "POST /contacts/{contact_id}/notes": Example(201, lambda _: {"body": "Prefers Saturdays."}),
    "GET /contacts/{contact_id}/notes/{note_id}": Example(),
    "PUT /contacts/{contact_id}/notes/{note_id}": Example(body=lambda _: {"body": "Prefers Sundays."}),
    "PATCH /contacts/{contact_id}/notes/{note_id}": Example(body=lambda _: {"body": "Prefers Mondays."}),
    "DELETE /contacts/{contact_id}/notes/{note_id}": Example(204, destroys=True),
    "GET /identity-health": Example(query=lambda things: {"days": "7", "inbox": things.inbox}),
    "GET /identity-health/shared-identifiers": Example(query=lambda _: {"pageSize": "5"}),
    "POST /identity-health/shared-identifiers/ignore": Example(
        204, lambda _: {"value": "info@example.com", "isIgnored": True}
    ),
    "GET /duplicates": Example(query=lambda things: {"contact": things.contact, "inbox": things.inbox}),
    "POST /duplicates/keep-apart": Example(204, lambda things: {"contacts": [things.contact, things.twin]}),
    "GET /duplicates/search": Example(),
    "POST /duplicates/search": Example(202),
    "GET /conflicts": Example(query=lambda things: {"state": "open", "contact": things.contact}),
    "GET /conflicts/{conflict_id}": Example(),
    "POST /conflicts/{conflict_id}/settle": Example(body=lambda _: {"resolution": "dismissed"}),
    "GET /contacts": Example(query=lambda things: {"sourceId": things.source_id, "inbox": things.inbox}),
    "GET /imports": Example(),
    "POST /imports": Example(201, _new_import),
    "GET /imports/{import_id}": Example(),
    "PATCH /imports/{import_id}": Example(
        body=lambda _: {"mapping": [{"column": "name", "target": "name"}], "options": {"allowErased": False}}
    ),
    "POST /imports/{import_id}/check": Example(destroys=True),
    "POST /imports/{import_id}/run": Example(destroys=True),
    "POST /imports/{import_id}/cancel": Example(parameters={"import_id": "cancelled_import"}),
    "POST /imports/{import_id}/undo": Example(parameters={"import_id": "done_import"}, destroys=True),
    "GET /imports/{import_id}/rows": Example(
        parameters={"import_id": "done_import"}, query=lambda _: {"outcome": "error", "pageSize": "10"}
    ),
    "GET /imports/{import_id}/errors": Example(parameters={"import_id": "done_import"}),
    "GET /exports": Example(),
    "POST /exports": Example(201, lambda _: {"selection": {"filters": {}}, "format": "ndjson", "columns": ["name"]}),
    "GET /exports/{export_id}": Example(),
    "POST /exports/{export_id}/link": Example(destroys=True),  # the link that was made before
    "GET /exports/{export_id}/download": Example(query=lambda things: {"token": things.export_token}, destroys=True),
    "POST /contacts": Example(
        201,
        lambda things: {
            "name": "Bob",
            "phoneNumber": "+886912345678",
            "sourceId": f"M-{new_id()}",
            "inboxes": [{"id": things.inbox}],
            "queryMetadata": {"knowledge_bases": []},
        },
    ),
    "PUT /contacts/by-source-id": Example(body=CHANGE_CONTACT, query=lambda things: {"sourceId": things.source_id}),
    "PUT /contacts/by-source-id/{source_id}": Example(body=CHANGE_CONTACT, makes_anew=True),
    "GET /contacts/{contact_id}": Example(),
    "PUT /contacts/{contact_id}": Example(body=CHANGE_CONTACT),
    "PATCH /contacts/{contact_id}": Example(body=lambda things: {"inboxes": [things.inbox]}),
    "DELETE /contacts/{contact_id}": Example(204, destroys=True),
    "POST /contacts/{contact_id}/restore": Example(
        body=lambda _: {"confirmAccess": True}, parameters={"contact_id": "deleted_contact"}, destroys=True
    ),
    "GET /contacts/{contact_id}/identities": Example(),
    "POST /contacts/{contact_id}/identities": Example(201, lambda _: {"sourceId": f"M-{new_id()}"}),
    "GET /realms": Example(),
    "GET /realms/{realm_id}/keys": Example(),
    "POST /realms/{realm_id}/keys": Example(
        201, lambda things: {"name": "k", "issuer": "https://a.example", "allowedProfiles": [things.profile]}
    ),
    "GET /realms/{realm_id}/keys/{realm_key_id}": Example(),
    "PATCH /realms/{realm_id}/keys/{realm_key_id}": Example(
        body=lambda _: {"state": "verify_only", "verifyUntil": "2999-01-01T00:00:00Z", "mayNarrow": True}
    ),
    "GET /realms/{realm_id}/key-sets": Example(),
    "POST /realms/{realm_id}/key-sets": Example(
        201, lambda _: {"name": "k", "issuer": "https://a.example", "address": "http://10.0.0.1/jwks.json"}
    ),
    "GET /realms/{realm_id}/key-sets/{key_set_id}": Example(),
    "PATCH /realms/{realm_id}/key-sets/{key_set_id}": Example(
        body=lambda things: {"allowedProfiles": [things.profile], "mayNarrow": False}
    ),
    "GET /inboxes/{inbox_id}/introspection": Example(),
    "PUT /inboxes/{inbox_id}/introspection": Example(
        body=lambda things: {
            "endpoint": "https://id.example.com/introspect",
            "clientId": "desk",
            "clientSecret": None,
            "audiences": ["shop-desk"],
            "allowedProfiles": [things.profile],
        }
    ),
    "POST /contacts/{contact_id}/block": Example(
        body=lambda things: {"reason": "spam", "sourceId": things.source_id}, destroys=True
    ),
    "POST /contacts/{contact_id}/unblock": Example(body=lambda _: {}),
    "DELETE /contacts/{contact_id}/identities": Example(
        204, query=lambda things: {"sourceId": things.source_id}, destroys=True
    ),
    "POST /contacts/{contact_id}/erase": Example(202, lambda _: {"mode": "personal"}, destroys=True),
    "GET /contacts/{contact_id}/export": Example(),
    "GET /erasures": Example(query=lambda things: {"contact": things.erased_contact}),
    "GET /erasures/{erasure_id}": Example(),
    "GET /inboxes/{inbox_id}/retention": Example(),
    "PUT /inboxes/{inbox_id}/retention": Example(body=lambda _: {"afterDays": 30, "isEnabled": False}),
    "DELETE /inboxes/{inbox_id}/retention": Example(204),
    "POST /inboxes/{inbox_id}/retention/preview": Example(body=lambda _: {"afterDays": 30}),
    "GET /contacts/{contact_id}/memory": Example(),
    "PATCH /contacts/{contact_id}/memory": Example(
        body=lambda things: {
            "facts": [
                {"id": things.fact, "text": "Is allergic to peanuts"},
                {"topic": "home", "text": "Lives in Graz"},
            ],
            "summaries": [{"assurance": "signed", "text": "Asked about filters."}],
        }
    ),
    "DELETE /contacts/{contact_id}/memory": Example(204, destroys=True),
    "DELETE /contacts/{contact_id}/memory/{fact_id}": Example(204, destroys=True),
    "POST /contacts/{contact_id}/merge": Example(
        body=lambda things: {"from": [things.other_contact], "choices": {"timeZone": things.other_contact}}
    ),
    "GET /contacts/{contact_id}/merges": Example(),
    "POST /merges/{merge_id}/undo": Example(body=lambda _: {"confirmAccess": True}),
    "GET /contacts/{contact_id}/conversations": Example(query=lambda things: {"inboxes": things.inbox}),
    "GET /contacts/{contact_id}/conversations/latest": Example(),
    "POST /conversations": Example(201, lambda things: {"webChat": things.web_chat, "contact": things.contact}),
    "GET /conversations": Example(query=lambda things: {"inbox": things.inbox, "contact": things.contact}),
    "GET /conversations/{conversation_id}": Example(),
    "PATCH /conversations/{conversation_id}/update-auto-reply": Example(body=lambda _: {"autoReplyEnabled": False}),
    "POST /conversations/{conversation_id}/attachments": Example(201, _new_attachment),
    "POST /attachments": Example(201, _new_attachment),
    "GET /attachments/{attachment_id}": Example(),
    "POST /messages": Example(201, _message),
    "GET /messages": Example(query=lambda things: {"conversation": things.conversation}),
    "GET /messages/{message_id}": Example(),
    "POST /messages/outgoing": Example(201, _message),
    "PATCH /messages/{message_id}/feedback": Example(body=lambda _: {"feedback": "like"}),
    "GET /messages/{message_id}/receipt": Example(parameters={"message_id": "assistant_answer"}),
    "POST /messages/{message_id}/receipt/replay": Example(parameters={"message_id": "assistant_answer"}),
}

# answered without a key, each for its own reason
OPEN = {
    "POST /uploads": "the signed form says all",
    "GET /attachments/{attachment_id}/file": "the address itself is signed, for 10 minutes",
}


def path_of(operation: str, things: Things, **instead: str) -> str:
    """The path of an operation on these things; `instead` gives other values of single parameters."""
    path = operation.partition(" ")[2]
    for parameter, kind in (PARAMETERS | dict(EXAMPLES[operation].parameters)).items():
        path = path.replace(f"{{{parameter}}}", instead.get(parameter, getattr(things, kind)))
    assert "{" not in path, f"add the parameter of {operation} to PARAMETERS"
    return f"/api/v1{path}"


async def body_of(operation: str, things: Things) -> Any:
    maker = EXAMPLES[operation].body
    if maker is None:
        return None
    made = maker(things)
    return await made if isinstance(made, Awaitable) else made


async def send(
    client: httpx.AsyncClient,
    operation: str,
    *,
    path: str,
    headers: Mapping[str, str],
    body: Any = None,
    query: Mapping[str, str] | None = None,
) -> httpx.Response:
    method = operation.partition(" ")[0]
    return await client.request(method, path, params=dict(query or {}), json=body, headers=dict(headers))
