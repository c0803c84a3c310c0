"""The token debugger of a platform: what a token, or the enterprise's answer about it, is checked for."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.channels.model import IdentityMode
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.navigation import N_
from frontdesk.console.pages import page
from frontdesk.console.platforms import Editor, Head, load_head
from frontdesk.console.refusals import REFUSALS
from frontdesk.contacts.queries import find_visible_contact
from frontdesk.core.ids import ContactId
from frontdesk.core.text import utc_now
from frontdesk.identities.actions import load_proving_keys
from frontdesk.identities.errors import EnterpriseUnreachable, IdentityRefused, ProofRefused, RefusalReason
from frontdesk.identities.examining import CheckName, Examination, examine_answer, examine_token
from frontdesk.identities.introspection import load_introspection
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.proof_queries import is_used
from frontdesk.identities.proofs import peek, read_jti
from frontdesk.identities.proving import Prover, check_opaque
from frontdesk.identities.queries import find_owners, list_reserved
from frontdesk.organizations.model import Right

router = screen_router()

CHECKS = {
    CheckName.FORM: N_("Form"),
    CheckName.TYPE: N_("Type"),
    CheckName.KEY: N_("Key"),
    CheckName.ALGORITHM: N_("Algorithm"),
    CheckName.SIGNATURE: N_("Signature"),
    CheckName.ISSUER: N_("Issuer"),
    CheckName.AUDIENCE: N_("Audience"),
    CheckName.TIMES: N_("Times"),
    CheckName.SOURCE_ID: N_("Source ID"),
    CheckName.TOKEN_ID: N_("Token ID"),
    CheckName.CARD: N_("Card"),
    CheckName.PROFILES: N_("Profiles"),
    CheckName.QUERY_METADATA: N_("Query metadata"),
    CheckName.NONCE: N_("Nonce"),
    CheckName.ACTIVE: N_("Active"),
}


@router.post("/platforms/{inbox_id}/identity/check")
async def check_token(request: Request, inbox_id: UUID, member: Editor, token: Annotated[str, Form()] = "") -> Response:
    """Say what a token is checked for, and what was found. Nothing is stored, and the token is not used up."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
    examination, unreachable, detail = None, None, ""
    if head.inbox.identity_mode is IdentityMode.INTROSPECT:
        try:
            examination = await _ask(request.app.state.prover, member, head, token.strip())
        except (EnterpriseUnreachable, IdentityRefused) as error:
            unreachable = error.reason
            detail = error.detail if isinstance(error, EnterpriseUnreachable) else ""
    else:
        examination = await _verify(member, head, token.strip())
    key = examination.key if examination else None
    owner, is_nobodys = await _find_owner(member, key) if key else (None, False)
    refusal: RefusalReason | None = unreachable or (examination.refusal if examination else None)
    return page(
        request,
        "platforms/checked.html",
        head=head,
        examination=examination,
        refusal=refusal,
        detail=detail,
        is_unreachable=refusal in {RefusalReason.ENTERPRISE_UNREACHABLE, RefusalReason.ENTERPRISE_UNREADABLE},
        owner=owner,
        is_nobodys=is_nobodys,
        names=CHECKS,
        text=REFUSALS[refusal] if refusal else "",
    )


async def _verify(member: MemberCtx, head: Head, token: str) -> Examination:
    now, realm = utc_now(), head.inbox.realm_id
    async with member.db.begin(member.organization_id) as tx:
        keys = await load_proving_keys(tx, member.services.cipher, realm, now=now)
        reserved = await list_reserved(tx)
        jti = _peek_jti(token)
        used = jti is not None and await is_used(tx, realm, jti)
    audience = head.inbox.public_id
    return examine_token(token, keys=keys, audience=audience, realm=realm, now=now, refused=reserved, is_used=used)


async def _ask(prover: Prover, member: MemberCtx, head: Head, token: str) -> Examination:
    opaque = check_opaque(token)
    async with member.db.begin(member.organization_id) as tx:
        asked = await load_introspection(tx, member.services.cipher, head.inbox.id)
        reserved = await list_reserved(tx)
    if asked is None:
        raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, "nobody said how to ask")
    answer = await prover.ask_now(asked, head.inbox.realm_id, opaque)
    return examine_answer(answer, asked, head.inbox.realm_id, now=utc_now(), refused=reserved)


async def _find_owner(member: MemberCtx, key: IdentityKey) -> tuple[ContactId | None, bool]:
    """Return who has the source id, if the member may see that contact, and whether the member may know it is nobody.

    Whoever sees some contacts only does not learn of the others here: anything can be pasted.
    """
    limit = member.caller.inboxes_for(Right.CONTACTS_VIEW)
    async with member.db.begin(member.organization_id) as tx:
        owner = (await find_owners(tx, [key])).get(key)
        if owner is None:
            return None, limit is None
        return (owner if await find_visible_contact(tx, owner, limit) else None), False


def _peek_jti(token: str) -> str | None:
    try:
        return read_jti(peek(token)) if "." in token else None
    except ProofRefused:
        return None
