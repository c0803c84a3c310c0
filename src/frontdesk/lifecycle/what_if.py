"""What a change of access would do, before it is saved: who could read what more, and what less.

Nothing is written. Contacts are not asked one by one: those of equal access form a class, and each class is asked once,
before and after the change, in each of its inboxes and at each assurance that its people may have there.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from frontdesk.access import queries as access
from frontdesk.access.actions import review_query_metadata
from frontdesk.access.catalog import Catalog, CatalogDocument
from frontdesk.access.layers import ContactAccess, InboxAccess, ProfileAccess, ProfilesMode
from frontdesk.access.model import Assurance, DocumentKind, Layer
from frontdesk.access.reading import ScopeReader, load_reader
from frontdesk.answers.askers import assurances_of, open_inbox
from frontdesk.assistants.queries import list_bases_of
from frontdesk.channels.access import access_assistant, access_inbox, require_whole_assistant
from frontdesk.channels.actions import review_inbox
from frontdesk.channels.checks import change_inbox
from frontdesk.channels.model import Inbox, InboxChanges
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.access import access_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AssistantId, ContactId, DocumentId, InboxId, KnowledgeBaseId, LabelId, ProfileId
from frontdesk.knowledge.access import access_base, access_label
from frontdesk.knowledge.queries import find_labels
from frontdesk.lifecycle.gains import scope_in
from frontdesk.lifecycle.what_if_queries import AccessClass, Circle, list_classes, list_members_of, load_catalog
from frontdesk.organizations.model import Caller, Right

Speaker: TypeAlias = Literal["visitor", "member"]

_SPEAKERS: Final[tuple[Speaker, ...]] = ("visitor", "member")
_SHOWN: Final = 20
_MOST_CLASSES: Final = 20_000  # more kinds of access than an organization has, unless each contact has its own


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A contact, and how many documents it would gain and lose."""

    id: ContactId
    name: str
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document, and how many contacts would gain and lose it; 0 and 0: only newcomers would."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class NewcomerChange:
    """Visitors of an inbox, or its proven people who have no access of their own: what they would gain and lose."""

    inbox_id: InboxId
    inbox_name: str
    speaker: Speaker
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a change of access would do.

    A contact counts as gaining when it could read at least one document more than now in one of its inboxes, at one of
    the assurances that it may have there; as losing when at least one less; it may count as both. A contact that is in
    no inbox counts as if it were in all. Deleted contacts do not count, nor what a signed token claims for one session.
    `newcomers` are nobody's contacts: whoever comes to an inbox for the first time, one entry each; those for whom
    nothing changes are left out. A document counts once, whoever gains or loses it, newcomers among them.

    Only the caller's contacts and inboxes are counted, named and listed (`is_partial` says that there are limits, not
    whether somebody stands outside). Documents are named only to whoever may see documents; they are counted for all.
    `contacts` and `documents` are the first 20, by name and title.
    """

    contacts_gaining: int
    contacts_losing: int
    documents_gained: int
    documents_lost: int
    contacts: tuple[ContactChange, ...]
    documents: tuple[DocumentChange, ...]
    newcomers: tuple[NewcomerChange, ...]
    is_partial: bool  # the caller does not see every inbox
    is_exact: bool  # False: contacts have so many different conditions of their own that some were not asked

    @property
    def changes_nothing(self) -> bool:
        """True when nobody who was asked could read more or less than now."""
        return not (self.documents_gained or self.documents_lost)


async def preview_profile(
    tx: Tx,
    caller: Caller,
    profile_id: ProfileId,
    raw: dict[str, Any] | None,
    *,
    minimum_assurance: Assurance | None = None,
) -> WhatIf:
    """Return what other query metadata of a profile would do; `minimum_assurance` None: it stays.

    Right: profiles.edit. Raises NotFound and InvalidQueryMetadata (at `/queryMetadata`).
    """
    caller.require(Right.PROFILES_EDIT)
    profile = await access.get_profile(tx, profile_id)
    await review_query_metadata(tx, raw, layer=Layer.PROFILE, at="/queryMetadata")
    before = await _load_world(tx, await _list_seen(tx, caller))
    least = profile.minimum_assurance if minimum_assurance is None else minimum_assurance
    changed = before.read.profile(replace(profile, query_metadata=raw, minimum_assurance=least))
    after = replace(before, profiles={**before.profiles, profile_id: changed})
    return await _compare(tx, caller, before, after, profile_id=profile_id)


async def preview_contact(
    tx: Tx, caller: Caller, contact_id: ContactId, raw: dict[str, Any] | None, profiles_mode: ProfilesMode = "replace"
) -> WhatIf:
    """Return what other query metadata of its own would do to one contact.

    Right: contacts.edit_access. Raises NotFound and InvalidQueryMetadata (at `/queryMetadata`).
    """
    await access_contact(tx, caller, contact_id, Right.CONTACTS_EDIT_ACCESS)
    await review_query_metadata(tx, raw, layer=Layer.CONTACT, at="/queryMetadata")
    before = await _load_world(tx, await _list_seen(tx, caller))
    own = before.read(raw, Layer.CONTACT)
    after = replace(before, rewrite=lambda card: replace(card, query_metadata=own, profiles_mode=profiles_mode))
    return await _compare(tx, caller, before, after, contact_id=contact_id)


async def preview_inbox(tx: Tx, caller: Caller, inbox_id: InboxId, changes: InboxChanges) -> WhatIf:
    """Return what other scopes or another assistant of an inbox would do.

    Right: inboxes.edit. Raises NotFound, InvalidRequest and InvalidQueryMetadata.
    """
    inbox = await access_inbox(tx, caller, inbox_id, Right.INBOXES_EDIT)
    changed = change_inbox(inbox, changes)
    if changed.assistant_id != inbox.assistant_id:
        await access_assistant(tx, caller, changed.assistant_id)
    await review_inbox(tx, changed)
    old, new = await _load_world(tx, [inbox]), await _load_world(tx, [changed])
    catalog = await load_catalog(tx, old.bases | new.bases)
    return await _compare(tx, caller, replace(old, catalog=catalog), replace(new, catalog=catalog))


async def preview_labels(
    tx: Tx,
    caller: Caller,
    base_id: KnowledgeBaseId,
    document_ids: Collection[DocumentId],
    label_ids_added: Collection[LabelId] = (),
    label_ids_removed: Collection[LabelId] = (),
) -> WhatIf:
    """Return what giving these documents some labels and taking others from them would do.

    Documents that are not in the knowledge base are passed over. Right: knowledge.edit. Raises NotFound, also when a
    label that is given is not one of the knowledge base.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    given = list(dict.fromkeys(label_ids_added))
    if len(await find_labels(tx, base_id, ids=given, names=[])) != len(given):
        raise NotFound
    return await _relabel(
        tx, caller, base_id, lambda now: now.relabelled(document_ids, added=given, removed=label_ids_removed)
    )


async def preview_label_deletion(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, label_id: LabelId) -> WhatIf:
    """Return what deleting a label would do: no document carries it any more, so what asks for it closes.

    Right: knowledge.edit. Raises NotFound.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_label(tx, caller, base_id, label_id)

    def change(now: Catalog) -> Catalog:
        return now.relabelled([document.id for document in now.documents], removed=[label_id])

    return await _relabel(tx, caller, base_id, change)


async def preview_bases(
    tx: Tx, caller: Caller, assistant_id: AssistantId, base_ids: Collection[KnowledgeBaseId]
) -> WhatIf:
    """Return what giving an assistant exactly these knowledge bases would do.

    Right: assistants.edit in all inboxes that connect it. Raises NotFound and Forbidden.
    """
    caller.require(Right.ASSISTANTS_EDIT)
    assistant = await access_assistant(tx, caller, assistant_id)
    await require_whole_assistant(tx, caller, assistant_id)
    own = frozenset(await list_bases_of(tx, assistant_id))
    wanted = frozenset(base_ids)
    for base_id in wanted - own:
        await access_base(tx, caller, base_id)
    inboxes = [inbox for inbox in await _list_seen(tx, caller) if inbox.assistant_id == assistant.id]
    catalog = await load_catalog(tx, wanted | own)
    before = replace(await _load_world(tx, inboxes), catalog=catalog)
    opened = {inbox_id: replace(opened, bases=wanted) for inbox_id, opened in before.opened.items()}
    return await _compare(tx, caller, before, replace(before, opened=opened))


# --- the world before and after ---


def _as_it_is(card: ContactAccess) -> ContactAccess:
    return card


@dataclass(frozen=True, slots=True)
class _World:
    """All that decides who reads what, but for the contacts."""

    read: ScopeReader
    inboxes: Mapping[InboxId, Inbox]
    opened: Mapping[InboxId, InboxAccess]
    profiles: Mapping[ProfileId, ProfileAccess]
    catalog: Catalog
    rewrite: Callable[[ContactAccess], ContactAccess] = _as_it_is  # what the change does to a card

    @property
    def bases(self) -> frozenset[KnowledgeBaseId]:
        return frozenset(base for opened in self.opened.values() for base in opened.bases)

    def card_of(self, kind: AccessClass) -> ContactAccess:
        profiles = tuple(self.profiles[one] for one in kind.profiles if one in self.profiles)
        own = self.read(kind.query_metadata, Layer.CONTACT)
        return self.rewrite(ContactAccess(own, profiles, kind.profiles_mode, has_identity=kind.is_known))

    def mask(self, inbox_id: InboxId, card: ContactAccess, assurance: Assurance) -> int:
        return self.catalog.opened(scope_in(self.opened[inbox_id], card, assurance))


async def _list_seen(tx: Tx, caller: Caller) -> list[Inbox]:
    """Return the inboxes whose people, or which themselves, the caller may see."""
    limits = [caller.inboxes_for(right) for right in (Right.CONTACTS_VIEW, Right.INBOXES_VIEW)]
    wanted = None if None in limits else frozenset[InboxId]().union(*(limit for limit in limits if limit))
    inboxes, _ = await list_inboxes(tx, wanted)
    return inboxes


async def _load_world(tx: Tx, inboxes: Collection[Inbox]) -> _World:
    read = await load_reader(tx)
    opened = {inbox.id: await open_inbox(tx, read, inbox) for inbox in inboxes}
    profiles, _ = await access.list_profiles(tx)
    return _World(
        read=read,
        inboxes={inbox.id: inbox for inbox in inboxes},
        opened=opened,
        profiles={profile.id: read.profile(profile) for profile in profiles},
        catalog=await load_catalog(tx, {base for one in opened.values() for base in one.bases}),
    )


async def _relabel(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, change: Callable[[Catalog], Catalog]) -> WhatIf:
    """Compare before and after in the inboxes that reach the knowledge base, and in it alone: labels stay in theirs."""
    world = await _load_world(tx, await _list_seen(tx, caller))
    opened = {inbox_id: one for inbox_id, one in world.opened.items() if base_id in one.bases}
    before = replace(
        world,
        inboxes={inbox_id: world.inboxes[inbox_id] for inbox_id in opened},
        opened=opened,
        catalog=await load_catalog(tx, [base_id]),
    )
    return await _compare(tx, caller, before, replace(before, catalog=change(before.catalog)))


# --- the comparison ---


@dataclass(frozen=True, slots=True)
class _Delta:
    """Two sets of documents."""

    gained: int = 0
    lost: int = 0

    def __or__(self, other: "_Delta") -> "_Delta":
        return _Delta(self.gained | other.gained, self.lost | other.lost)

    @property
    def is_empty(self) -> bool:
        return not (self.gained or self.lost)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Asks both worlds. Their catalogues hold the same documents in the same order."""

    before: _World
    after: _World

    def of_class(self, kind: AccessClass) -> _Delta:
        old, new = self.before.card_of(kind), self.after.card_of(kind)
        delta = _Delta()
        for inbox_id in self.before.inboxes if kind.inboxes is None else kind.inboxes:
            for assurance in assurances_of(self.before.inboxes[inbox_id].channel_type, is_known=kind.is_known):
                delta |= self._at(inbox_id, old, new, assurance)
        return delta

    def of_newcomer(self, inbox: Inbox, speaker: Speaker) -> _Delta:
        """Return nothing when nobody comes to such an inbox in this way."""
        is_proven = speaker == "member"
        card = ContactAccess(None, (), "replace", has_identity=is_proven)
        delta = _Delta()
        for assurance in assurances_of(inbox.channel_type, is_known=True):
            if (assurance >= Assurance.CHANNEL) == is_proven:
                delta |= self._at(inbox.id, card, card, assurance)
        return delta

    def of_documents(self, documents: Sequence[CatalogDocument]) -> "_Comparison":
        """Return the same question about some of the documents."""
        before = replace(self.before, catalog=self.before.catalog.only(documents))
        return _Comparison(before, replace(self.after, catalog=self.after.catalog.only(documents)))

    def _at(self, inbox_id: InboxId, old: ContactAccess, new: ContactAccess, assurance: Assurance) -> _Delta:
        before, after = self.before.mask(inbox_id, old, assurance), self.after.mask(inbox_id, new, assurance)
        return _Delta(after & ~before, before & ~after)


async def _compare(
    tx: Tx,
    caller: Caller,
    before: _World,
    after: _World,
    *,
    profile_id: ProfileId | None = None,
    contact_id: ContactId | None = None,
) -> WhatIf:
    limit = caller.inboxes_for(Right.CONTACTS_VIEW)
    circle = Circle(
        [one for one in before.inboxes if limit is None or one in limit],
        with_unplaced=limit is None,
        profile_id=profile_id,
        contact_id=contact_id,
    )
    comparison = _Comparison(before, after)
    classes = await list_classes(tx, circle, limit=_MOST_CLASSES + 1)
    total, changed = _Delta(), list[tuple[AccessClass, int, int]]()
    for kind in classes[:_MOST_CLASSES]:
        delta = comparison.of_class(kind)
        if not delta.is_empty:
            total |= delta
            changed.append((kind, delta.gained.bit_count(), delta.lost.bit_count()))
    newcomers: list[NewcomerChange] = []
    for inbox in before.inboxes.values():
        for speaker in _SPEAKERS:
            delta = comparison.of_newcomer(inbox, speaker)
            if contact_id is None and not delta.is_empty:
                total |= delta
                counts = delta.gained.bit_count(), delta.lost.bit_count()
                newcomers.append(NewcomerChange(inbox.id, inbox.name, speaker, *counts))
    first = before.catalog.first(total.gained | total.lost, _SHOWN) if caller.may(Right.KNOWLEDGE_VIEW) else []
    return WhatIf(
        contacts_gaining=sum(kind.count for kind, gained, _ in changed if gained),
        contacts_losing=sum(kind.count for kind, _, lost in changed if lost),
        documents_gained=total.gained.bit_count(),
        documents_lost=total.lost.bit_count(),
        contacts=await _name_contacts(tx, circle, changed),
        documents=_count_by_document(comparison.of_documents(first), [kind for kind, _, _ in changed]),
        newcomers=tuple(newcomers),
        is_partial=limit is not None,
        is_exact=len(classes) <= _MOST_CLASSES,
    )


async def _name_contacts(
    tx: Tx, circle: Circle, changed: Sequence[tuple[AccessClass, int, int]]
) -> tuple[ContactChange, ...]:
    if not changed:
        return ()
    counts = {kind.key: (gained, lost) for kind, gained, lost in changed}
    return tuple(
        ContactChange(contact_id, name, *counts[key])
        for contact_id, name, key in await list_members_of(tx, circle, counts, limit=_SHOWN)
    )


def _count_by_document(comparison: _Comparison, classes: Iterable[AccessClass]) -> tuple[DocumentChange, ...]:
    """Return for each document of the comparison how many contacts gain and lose it."""
    documents = comparison.before.catalog.documents
    gained, lost = [0] * len(documents), [0] * len(documents)
    for kind in classes:
        delta = comparison.of_class(kind)
        for position in range(len(documents)):
            gained[position] += kind.count * (delta.gained >> position & 1)
            lost[position] += kind.count * (delta.lost >> position & 1)
    return tuple(
        DocumentChange(one.id, one.knowledge_base_id, one.kind, one.title, *counts)
        for one, *counts in zip(documents, gained, lost, strict=True)
    )
