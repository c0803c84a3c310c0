"""`frontdesk erase`: one person, on the operator's own machine, with the receipt."""

import json
from uuid import UUID

from frontdesk.channels.queries import get_default_realm
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners
from frontdesk.lifecycle.erasing import Mode, erase_contact, get_erasure, is_authentic, on_contact_erased
from frontdesk.organizations.model import system_caller


async def erase_person(services: Services, organization_id: OrganizationId, contact: str, mode: Mode) -> str:
    """Erase the contact with this id, or with this source id in the member realm; return the signed receipt as JSON.

    The files are gone when this returns. Raises NotFound, and what `erase_contact` raises.
    """
    caller = system_caller(organization_id)
    async with services.db.begin(organization_id) as tx:
        contact_id = await _find(tx, contact)
        erasure = await erase_contact(tx, services.cipher, caller, contact_id, mode)
    await on_contact_erased(services, organization_id, erasure_id=erasure.id)
    async with services.db.begin(organization_id) as tx:
        erasure = await get_erasure(tx, caller, erasure.id)
    receipt = {
        "receipt": erasure.receipt,
        "signature": erasure.signature,
        "isAuthentic": is_authentic(services.cipher, erasure),
    }
    return json.dumps(receipt, indent=2, ensure_ascii=False)


async def _find(tx: Tx, contact: str) -> ContactId:
    try:
        return ContactId(UUID(contact))
    except ValueError:
        key = IdentityKey((await get_default_realm(tx)).id, contact)
        holder = (await find_owners(tx, [key])).get(key)
        if holder is None:
            raise NotFound(f"Nobody has the id or source id {contact!r}.") from None
        return holder
