"""`frontdesk ask`: one question in the terminal, as anybody."""

from dataclasses import dataclass

from frontdesk.access.model import Assurance
from frontdesk.answers.trying import Trial, try_question
from frontdesk.channels import queries as channels
from frontdesk.channels.model import Inbox
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.model import Contact, anybody
from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities import queries as identities
from frontdesk.identities.model import IdentityKey
from frontdesk.organizations.queries.organizations import list_organization_ids


@dataclass(frozen=True, slots=True)
class _Place:
    organization_id: OrganizationId
    inbox: Inbox
    contact: Contact
    assurance: Assurance


async def ask_as(services: Services, *, inbox: str, speaker: str, question: str) -> str:
    """Return the answer and its sources as text. `inbox` is a public id or a name, `speaker` a source id or "visitor".

    Raises NotFound, which says what is missing.
    """
    place = await _find_place(services.db, inbox, speaker)
    trial = await try_question(
        services,
        place.organization_id,
        contact=place.contact,
        inbox=place.inbox,
        assurance=place.assurance,
        question=question,
    )
    return _render(trial)


async def _find_place(db: Database, inbox: str, speaker: str) -> _Place:
    async with db.begin_bootstrap() as tx:
        organizations = await list_organization_ids(tx)
    for organization_id in organizations:
        async with db.begin(organization_id) as tx:
            for candidate in (await channels.list_inboxes(tx, None))[0]:
                if inbox in (candidate.public_id, candidate.name):
                    contact = await _find_contact(tx, candidate, speaker)
                    assurance = Assurance.ANONYMOUS if speaker == "visitor" else Assurance.SIGNED
                    return _Place(organization_id, candidate, contact, assurance)
    raise NotFound(f"There is no inbox {inbox!r}.")


async def _find_contact(tx: Tx, inbox: Inbox, speaker: str) -> Contact:
    if speaker == "visitor":
        return anybody(utc_now())
    owners = await identities.find_owners(tx, [IdentityKey(inbox.realm_id, speaker)])
    if not owners:
        raise NotFound(f"Nobody has the source id {speaker!r} in the realm of {inbox.name}.")
    return await contacts.get_contact(tx, next(iter(owners.values())))


def _render(trial: Trial) -> str:
    lines = [trial.draft.content, ""]
    lines += [
        f"[{number}] {hit.title}{f', page {hit.page_number}' if hit.page_number else ''}" for number, hit in trial.cited
    ]
    who = trial.asker.contact.name or "a visitor"
    lines.append(f"As {who} ({trial.asker.assurance.name.lower()}), {trial.draft.permitted_count} documents readable.")
    return "\n".join(lines)
