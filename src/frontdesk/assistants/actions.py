"""What is done with assistants. Who may touch which one is decided one domain up, where inboxes are known."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from frontdesk.access.queries import raise_scope_version
from frontdesk.assistants import queries
from frontdesk.assistants.model import Assistant, AssistantChanges, ModelChoice, ModelProvider
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import AssistantId, new_id
from frontdesk.core.inputs import clean_line, clean_name, clean_text
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_INSTRUCTIONS: Final = 20_000  # characters

_KEY_PURPOSE: Final = "assistant-model-key"


@dataclass(frozen=True, slots=True)
class ModelRules:
    """What the operator decides about models: where a key may be sent, and how it is kept."""

    cipher: Cipher
    allowed_urls: tuple[str, ...]  # base addresses beside the vendors' own


async def create_assistant(tx: Tx, caller: Caller, changes: AssistantChanges, rules: ModelRules) -> Assistant:
    """Make an assistant.

    Right: assistants.edit. Raises InvalidRequest. Use `channels.assistant_actions`, which gives it its own inbox.
    """
    caller.require(Right.ASSISTANTS_EDIT)
    now = utc_now()
    empty = Assistant(AssistantId(new_id()), "", "", None, None, None, False, None, True, now, now)  # noqa: FBT003 -- no key; remembers
    assistant, model_key = _change(empty, {"name": "", **changes}, None, rules)
    await queries.insert_assistant(tx, assistant, model_key)
    await queries.set_bases(tx, assistant.id, changes.get("base_ids", ()))
    await audit.record(tx, caller, "assistant.created", "assistant", assistant.id, payload=_facts(assistant, changes))
    return assistant


async def update_assistant(
    tx: Tx, caller: Caller, assistant_id: AssistantId, changes: AssistantChanges, rules: ModelRules
) -> Assistant:
    """Change an assistant; other knowledge bases count from the next message on.

    Right: assistants.edit. Raises NotFound and InvalidRequest.
    """
    caller.require(Right.ASSISTANTS_EDIT)
    old = await queries.lock_assistant(tx, assistant_id)
    old_key = await queries.find_model_key(tx, assistant_id)
    new, model_key = _change(old, changes, old_key, rules)
    has_other_bases = "base_ids" in changes and await queries.set_bases(tx, assistant_id, changes["base_ids"])
    if new == old and model_key == old_key and not has_other_bases:
        return old
    new = replace(new, updated_at=utc_now())
    await queries.update_assistant(tx, new, model_key)
    payload = {"before": _facts(old, {}), "after": _facts(new, changes)}
    await audit.record(tx, caller, "assistant.updated", "assistant", assistant_id, payload=payload)
    if has_other_bases:
        await raise_scope_version(tx)
    return new


async def delete_assistant(tx: Tx, caller: Caller, assistant_id: AssistantId) -> None:
    """Hide the assistant for good. Its inboxes must be gone.

    Right: assistants.edit. Raises NotFound.
    """
    caller.require(Right.ASSISTANTS_EDIT)
    assistant = await queries.lock_assistant(tx, assistant_id)
    await queries.delete_assistant(tx, assistant_id, utc_now())
    payload = {"name": assistant.name}
    await audit.record(tx, caller, "assistant.deleted", "assistant", assistant_id, payload=payload)
    await raise_scope_version(tx)


async def read_model_key(tx: Tx, cipher: Cipher, assistant_id: AssistantId) -> str | None:
    """Return the key of the assistant's model in clear, to call the model with; None when it has none.

    It is never logged nor shown. Raises SecretKeyLost.
    """
    stored = await queries.find_model_key(tx, assistant_id)
    return None if stored is None else cipher.decrypt(stored, purpose=_KEY_PURPOSE)


def _change(
    old: Assistant, changes: AssistantChanges, old_key: bytes | None, rules: ModelRules
) -> tuple[Assistant, bytes | None]:
    """Return the assistant as it shall be, and its encrypted key."""
    new, key = old, old_key
    if "name" in changes:
        new = replace(new, name=clean_name(changes["name"]))
    if "instructions" in changes:
        text = clean_text(changes["instructions"], pointer="/instructions", max_length=MAX_INSTRUCTIONS)
        new = replace(new, instructions=text)
    if "webhook_url" in changes:
        new = replace(new, webhook_url=_check_webhook_url(changes["webhook_url"]))
    if "remembers" in changes:
        new = replace(new, remembers=changes["remembers"])
    if "model" in changes:
        new, key = _choose_model(new, changes["model"], old_key, rules)
    return new, key


def _choose_model(
    assistant: Assistant, choice: ModelChoice | None, old_key: bytes | None, rules: ModelRules
) -> tuple[Assistant, bytes | None]:
    if choice is None:
        plain = replace(assistant, model_provider=None, model_name=None, model_base_url=None, has_model_key=False)
        return plain, None
    base_url = _check_base_url(choice, rules.allowed_urls)
    stays = (assistant.model_provider, assistant.model_base_url) == (choice.provider, base_url)
    key = old_key if stays else None
    if choice.key is not None:
        text = clean_line(choice.key, pointer="/model/key", max_length=1000)
        key = rules.cipher.encrypt(text, purpose=_KEY_PURPOSE) if text else None
    chosen = replace(
        assistant,
        model_provider=choice.provider,
        model_name=clean_name(choice.name, pointer="/model/name"),
        model_base_url=base_url,
        has_model_key=key is not None,
    )
    return chosen, key


def _check_base_url(choice: ModelChoice, allowed_urls: tuple[str, ...]) -> str | None:
    base_url = (choice.base_url or "").strip().rstrip("/")
    if not base_url:
        return None
    allowed = {url.rstrip("/") for url in allowed_urls} if choice.provider is ModelProvider.OPENAI else set()
    if base_url not in allowed:
        detail = "The operator of this installation has not allowed this address for models."
        raise InvalidRequest(detail, pointer="/model/baseUrl")
    return base_url


def _check_webhook_url(text: str | None) -> str | None:
    url = clean_line(text or "", pointer="/webhookUrl", max_length=2000)
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or " " in url:
        raise InvalidRequest("Write an address such as https://example.com/hook.", pointer="/webhookUrl")
    return url


def _facts(assistant: Assistant, changes: AssistantChanges) -> dict[str, object]:
    bases = {"knowledge_bases": [str(base) for base in changes["base_ids"]]} if "base_ids" in changes else {}
    return {
        "name": assistant.name,
        "instructions": assistant.instructions,
        "model": f"{assistant.model_provider}/{assistant.model_name}" if assistant.model_provider else None,
        "model_base_url": assistant.model_base_url,
        "has_model_key": assistant.has_model_key,
        "remembers": assistant.remembers,
        "has_webhook": assistant.webhook_url is not None,  # the address itself may carry a secret
        **bases,
    }
