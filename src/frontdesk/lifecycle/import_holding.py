"""What rows of an import may not give: documents that whoever started it neither sees nor holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.access.grants import count_beyond, may_open_all
from frontdesk.access.model import Layer, Nothing, Scope
from frontdesk.access.queries import find_profiles
from frontdesk.access.reading import load_reader
from frontdesk.core.db import Tx
from frontdesk.core.ids import ProfileId
from frontdesk.core.text import dump_json
from frontdesk.lifecycle.import_model import Draft
from frontdesk.organizations.model import Caller


@dataclass(frozen=True, slots=True)
class NotHeld:
    """Profiles and query metadata that open more than the caller holds."""

    profiles: frozenset[ProfileId] = frozenset()
    query_metadata: frozenset[str] = frozenset()  # as `dump_json` writes it

    def has(self, *, profiles: Collection[ProfileId], query_metadata: Mapping[str, Any] | None) -> bool:
        """Tell whether giving these would open too much."""
        is_beyond = query_metadata is not None and dump_json(query_metadata) in self.query_metadata
        return is_beyond or not self.profiles.isdisjoint(profiles)


async def find_not_held(tx: Tx, caller: Caller, drafts: Collection[Draft]) -> NotHeld:
    """Return what of all that these rows give is not the caller's to give. What a card opens already is not asked."""
    if may_open_all(caller):
        return NotHeld()
    read = await load_reader(tx)

    async def is_beyond(scope: Scope | None) -> bool:
        return bool(await count_beyond(tx, caller, [(Nothing(), scope or Nothing())]))

    profiles = await find_profiles(tx, list({one for draft in drafts for one in draft.profile_ids}))
    written = {
        dump_json(draft.query_metadata): draft.query_metadata for draft in drafts if draft.query_metadata is not None
    }
    return NotHeld(
        frozenset([one.id for one in profiles if await is_beyond(read.profile(one).scope)]),
        frozenset([text for text, raw in written.items() if await is_beyond(read(raw, Layer.CONTACT))]),
    )
