"""Assistants: instructions, a model whose key is never shown, and knowledge bases."""

from datetime import timedelta

import pytest
from tests.making import RULES, make_assistant, make_base, member

from frontdesk.access.queries import get_scope_version
from frontdesk.assistants import queries
from frontdesk.assistants.actions import create_assistant, read_model_key, update_assistant
from frontdesk.assistants.model import ModelChoice, ModelProvider
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, KnowledgeBaseId, new_id
from frontdesk.core.secrets import Cipher, SecretKeyLost
from frontdesk.knowledge.queries import hide_base
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Right

OPENAI = ModelProvider.OPENAI
ALLOWED = "https://models.example.com/v1"


async def test_an_assistant_is_kept_as_it_was_made(tx, owner):
    """With its bases by name, and no model unless one is chosen."""
    late, early = await make_base(tx, "Late"), await make_base(tx, "Early")
    changes = {"name": " Shop ", "instructions": "Be kind.\r\nBe short.", "base_ids": [late, early, late]}
    made = await create_assistant(tx, owner, changes, RULES)
    assert await queries.get_assistant(tx, made.id) == made
    assert (made.name, made.instructions, made.model_provider) == ("Shop", "Be kind.\nBe short.", None)
    assert await queries.list_bases_of(tx, made.id) == [early, late]


async def test_a_key_is_kept_encrypted_and_never_shown(tx, owner):
    """What is read back says only that there is one; the log does not say it either."""
    choice = ModelChoice(OPENAI, "some-model", ALLOWED + "/", key="sk-secret")
    made = await create_assistant(tx, owner, {"name": "Shop", "model": choice}, RULES)
    assert (made.has_model_key, made.model_base_url) == (True, ALLOWED)
    assert b"sk-secret" not in (await queries.find_model_key(tx, made.id))
    assert await read_model_key(tx, RULES.cipher, made.id) == "sk-secret"
    with pytest.raises(SecretKeyLost):
        await read_model_key(tx, Cipher(bytes([1]) * 32), made.id)
    log = await list_audit(tx, owner, limit=9)
    assert "sk-secret" not in repr(log)


async def test_a_key_goes_nowhere_it_was_not_given_for(tx, owner):
    """It stays while only the model's name changes, and is dropped with the provider or the address."""
    choice = ModelChoice(OPENAI, "one", ALLOWED, key="sk-secret")
    made = await create_assistant(tx, owner, {"name": "Shop", "model": choice}, RULES)
    renamed = await update_assistant(tx, owner, made.id, {"model": ModelChoice(OPENAI, "two", ALLOWED)}, RULES)
    assert (renamed.model_name, await read_model_key(tx, RULES.cipher, made.id)) == ("two", "sk-secret")
    moved = await update_assistant(tx, owner, made.id, {"model": ModelChoice(OPENAI, "two")}, RULES)
    assert (moved.has_model_key, await read_model_key(tx, RULES.cipher, made.id)) == (False, None)


async def test_a_key_is_removed_by_an_empty_one_and_with_the_model(tx, owner):
    """Both leave nothing to read."""
    choice = ModelChoice(OPENAI, "one", key="sk-secret")
    made = await create_assistant(tx, owner, {"name": "Shop", "model": choice}, RULES)
    await update_assistant(tx, owner, made.id, {"model": ModelChoice(OPENAI, "one", key="")}, RULES)
    assert await read_model_key(tx, RULES.cipher, made.id) is None
    await update_assistant(tx, owner, made.id, {"model": choice}, RULES)
    plain = await update_assistant(tx, owner, made.id, {"model": None}, RULES)
    assert (plain.model_provider, plain.model_name, plain.has_model_key) == (None, None, False)


@pytest.mark.parametrize(
    "choice",
    [
        ModelChoice(OPENAI, "one", "http://169.254.169.254/v1"),
        ModelChoice(OPENAI, "one", ALLOWED + "/../x"),
        ModelChoice(ModelProvider.ANTHROPIC, "one", ALLOWED),
    ],
)
async def test_a_model_is_called_only_where_the_operator_allows(tx, owner, choice):
    """No typed address reaches the part that calls models."""
    with pytest.raises(InvalidRequest) as refused:
        await create_assistant(tx, owner, {"name": "Shop", "model": choice}, RULES)
    assert refused.value.pointer == "/model/baseUrl"


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "example.com/hook", "https://[bad", "https://a b"])
async def test_a_webhook_is_an_address(tx, owner, url):
    """Whether it may be called is decided when it is called; that it is one, here."""
    with pytest.raises(InvalidRequest) as refused:
        await create_assistant(tx, owner, {"name": "Shop", "webhook_url": url}, RULES)
    assert refused.value.pointer == "/webhookUrl"


async def test_other_bases_are_noticed_by_answers_that_are_being_given(tx, owner):
    """Bases raise the scope version; other changes, and the same bases again, do not."""
    base = await make_base(tx, "Shop public")
    shop = await make_assistant(tx, owner, "Shop", base)
    before = await get_scope_version(tx)
    await update_assistant(tx, owner, shop.id, {"name": "Store", "base_ids": [base]}, RULES)
    assert await get_scope_version(tx) == before
    await update_assistant(tx, owner, shop.id, {"base_ids": []}, RULES)
    assert (await queries.list_bases_of(tx, shop.id), await get_scope_version(tx)) == ([], before + 1)


async def test_a_base_that_is_not_there_is_refused_and_nothing_changes(tx, owner, db, other_organization):
    """Unknown, another organization's, or being deleted: all alike, and the assistant keeps what it has."""
    base, gone = await make_base(tx, "Shop public"), await make_base(tx, "Gone")
    await hide_base(tx, gone, now=(await queries.get_assistant(tx, (await make_assistant(tx, owner)).id)).created_at)
    async with db.begin(other_organization) as theirs:
        foreign = await make_base(theirs, "Theirs")
    shop = await make_assistant(tx, owner, "Store", base)
    for missing in (KnowledgeBaseId(new_id()), foreign, gone):
        with pytest.raises(InvalidRequest) as refused:
            await update_assistant(tx, owner, shop.id, {"base_ids": [missing]}, RULES)
        assert refused.value.pointer == "/knowledgeBases"
    assert await queries.list_bases_of(tx, shop.id) == [base]


async def test_a_base_that_is_being_deleted_is_not_an_assistants_base(tx, owner):
    """From that moment it is neither listed nor read."""
    base = await make_base(tx, "Shop public")
    shop = await make_assistant(tx, owner, "Shop", base)
    await hide_base(tx, base, now=shop.created_at + timedelta(seconds=1))
    assert await queries.list_bases_of(tx, shop.id) == []


async def test_only_who_may_edit_assistants_does(tx, owner):
    """And what does not exist is not found."""
    shop = await make_assistant(tx, owner)
    viewer = member(owner, Right.ASSISTANTS_VIEW)
    with pytest.raises(Forbidden):
        await create_assistant(tx, viewer, {"name": "Mine"}, RULES)
    with pytest.raises(Forbidden):
        await update_assistant(tx, viewer, shop.id, {"name": "Mine"}, RULES)
    with pytest.raises(NotFound):
        await update_assistant(tx, owner, AssistantId(new_id()), {"name": "Mine"}, RULES)
