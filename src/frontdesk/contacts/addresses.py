"""E-mails and phones: what becomes of a list when somebody proves or claims a further one."""

from collections.abc import Sequence

from frontdesk.contacts.model import Address, Provenance, may_overwrite, outranks


def add_said(
    present: Sequence[Address], said: Sequence[str], by: Provenance, *, listed_by: Provenance | None
) -> tuple[Address, ...]:
    """Return the list after an automatic write of `said`; `listed_by` wrote the list last, None: nobody did.

    Nothing deliberate is lost. A signed address stands beside what members, the API or imports wrote: behind a
    member's, before the others; it takes the place of what was learned automatically. What a platform or the person
    says counts only while nobody said better. A list that was emptied deliberately stays so.
    """
    if not present and not may_overwrite(by, listed_by):
        return ()
    if by is not Provenance.SIGNED and not all(may_overwrite(by, address.provenance) for address in present):
        return _confirm(present, said, by)
    wanted = {_key(value) for value in said}
    kept = [one for one in _confirm(present, said, by) if one.provenance.is_deliberate or _key(one.value) in wanted]
    known = {_key(one.value): one for one in kept}
    told = [known.get(_key(value), Address(value, by)) for value in said]
    first, then = (kept, told) if any(one.provenance is Provenance.MEMBER for one in kept) else (told, kept)
    return tuple({_key(one.value): one for one in (*first, *then)}.values())


def _confirm(present: Sequence[Address], said: Sequence[str], by: Provenance) -> tuple[Address, ...]:
    """Return the same addresses; those that are said again by somebody more trustworthy are marked so."""
    wanted = {_key(value) for value in said}
    return tuple(
        Address(one.value, by) if _key(one.value) in wanted and outranks(by, one.provenance) else one for one in present
    )


def _key(value: str) -> str:
    return value.lower()
