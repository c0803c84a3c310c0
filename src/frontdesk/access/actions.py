"""What is done with access profiles, and the look that every saved query metadata gets."""

from dataclasses import replace
from typing import Final

from frontdesk.access import queries
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.grants import require_holding
from frontdesk.access.model import Assurance, Layer, Nothing
from frontdesk.access.parse import Parsed, parse_query_metadata
from frontdesk.access.profiles import AccessProfile, ProfileChanges
from frontdesk.access.reading import load_reader
from frontdesk.access.warnings import AccessWarning, check_references, find_references
from frontdesk.core.db import Tx
from frontdesk.core.errors import PreconditionFailed
from frontdesk.core.ids import KnowledgeBaseId, ProfileId, new_id
from frontdesk.core.inputs import check_json, clean_name
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_QUERY_METADATA_BYTES: Final = 900_000  # 10,000 listed ids, and room


async def review_query_metadata(
    tx: Tx, raw: object, *, layer: Layer, at: str, reachable: frozenset[KnowledgeBaseId] | None = None
) -> tuple[AccessWarning, ...]:
    """Read query metadata that is about to be saved, and remark what in it is probably not meant.

    `at` is the JSON pointer of the field it stands in, and begins every pointer of the answer. `reachable` are the
    knowledge bases that the holder's inboxes reach; None when the holder is not bound to inboxes. Raises
    InvalidQueryMetadata, or InvalidRequest when the database could not keep it.
    """
    check_json(raw, pointer=at, max_bytes=MAX_QUERY_METADATA_BYTES)
    parsed = _parse(raw, layer, at)
    remarks = parsed.warnings
    if parsed.query is not None:
        known = await queries.find_known(tx, find_references(parsed.query), reachable)
        remarks += check_references(parsed.query, known)
    return tuple(replace(remark, pointer=at + remark.pointer) for remark in remarks)


async def create_profile(
    tx: Tx, caller: Caller, changes: ProfileChanges
) -> tuple[AccessProfile, tuple[AccessWarning, ...]]:
    """Make an access profile that nobody has yet, and return it with warnings.

    Right: profiles.edit. Raises InvalidRequest, InvalidQueryMetadata, ProfileNameTaken, and GrantNotHeld when it opens
    documents which the caller neither sees nor holds.
    """
    caller.require(Right.PROFILES_EDIT)
    now = utc_now()
    empty = AccessProfile(ProfileId(new_id()), "", None, Assurance.CHANNEL, 1, now, now)
    profile = _change(empty, {"name": "", **changes})
    remarks = await review_query_metadata(tx, profile.query_metadata, layer=Layer.PROFILE, at="/queryMetadata")
    await _require_holding(tx, caller, empty, profile)
    await queries.insert_profile(tx, profile)
    await audit.record(tx, caller, "profile.created", "profile", profile.id, payload=_facts(profile))
    return profile, remarks


async def update_profile(
    tx: Tx, caller: Caller, profile_id: ProfileId, changes: ProfileChanges, *, if_version: int | None = None
) -> tuple[AccessProfile, tuple[AccessWarning, ...]]:
    """Change a profile for everybody who has it, and return it with warnings. Writing what is there changes nothing.

    Right: profiles.edit. Raises NotFound, PreconditionFailed when `if_version` is not the present one, and what
    `create_profile` raises.
    """
    caller.require(Right.PROFILES_EDIT)
    old = await queries.lock_profile(tx, profile_id)
    if if_version not in {None, old.version}:
        raise PreconditionFailed(facts={"version": old.version})
    new = _change(old, changes)
    remarks = await review_query_metadata(tx, new.query_metadata, layer=Layer.PROFILE, at="/queryMetadata")
    if new == old:
        return old, remarks
    await _require_holding(tx, caller, old, new)
    new = replace(new, version=old.version + 1, updated_at=utc_now())
    await queries.update_profile(tx, new)
    payload = {"before": _facts(old), "after": _facts(new)}
    await audit.record(tx, caller, "profile.updated", "profile", profile_id, payload=payload)
    await queries.raise_scope_version(tx)
    return new, remarks


async def delete_profile(tx: Tx, caller: Caller, profile_id: ProfileId) -> None:
    """Take the profile from all contacts and delete it: they read by their other profiles, else by their inboxes.

    Right: profiles.edit. Raises NotFound.
    """
    caller.require(Right.PROFILES_EDIT)
    profile = await queries.lock_profile(tx, profile_id)
    holders = await queries.delete_profile(tx, profile_id)
    payload = {**_facts(profile), "contacts": holders}
    await audit.record(tx, caller, "profile.deleted", "profile", profile_id, payload=payload)
    await queries.raise_scope_version(tx)


async def _require_holding(tx: Tx, caller: Caller, old: AccessProfile, new: AccessProfile) -> None:
    """Refuse to open what the caller does not hold; to less proven sessions than before, it is all opened anew."""
    read = await load_reader(tx)
    before, after = read(old.query_metadata, Layer.PROFILE), read(new.query_metadata, Layer.PROFILE)
    if new.minimum_assurance < old.minimum_assurance:
        before = None
    await require_holding(tx, caller, [(before or Nothing(), after or Nothing())])


def _change(profile: AccessProfile, changes: ProfileChanges) -> AccessProfile:
    wanted = replace(profile, **changes)
    return replace(wanted, name=clean_name(wanted.name))


def _facts(profile: AccessProfile) -> dict[str, object]:
    return {
        "name": profile.name,
        "query_metadata": profile.query_metadata,
        "minimum_assurance": profile.minimum_assurance.name.lower(),
    }


def _parse(raw: object, layer: Layer, at: str) -> Parsed:
    try:
        return parse_query_metadata(raw, layer=layer)
    except InvalidQueryMetadata as error:
        raise InvalidQueryMetadata(error.detail, pointer=at + (error.pointer or ""), facts=error.facts) from error
