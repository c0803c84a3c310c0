"""Why proofs are refused, in words for whoever writes the code that makes them. Visitors see none of it."""

from frontdesk.console.navigation import N_
from frontdesk.identities.errors import RefusalReason

REFUSALS = {
    RefusalReason.TOO_LARGE: N_("The token is too long. Put less into it."),
    RefusalReason.MALFORMED: N_("This is no compact JWS: three parts of base64url, joined by dots."),
    RefusalReason.WRONG_TYPE: N_("The header says another type. It must be contact-identity+jwt."),
    RefusalReason.UNKNOWN_KEY: N_("No key of this platform's people has this key ID."),
    RefusalReason.KEY_REVOKED: N_("The key is revoked."),
    RefusalReason.KEY_RETIRED: N_("The key verified until a date that is over."),
    RefusalReason.ALGORITHM_MISMATCH: N_("The key is for another algorithm than the header says."),
    RefusalReason.WEAK_KEY: N_("The key is too weak to be used."),
    RefusalReason.BAD_SIGNATURE: N_("The signature is not of this key. Is it the right private key?"),
    RefusalReason.ISSUER_MISMATCH: N_("The issuer is not the one that is written beside the key."),
    RefusalReason.AUDIENCE_MISMATCH: N_("The token is made for another platform. The audience must be the public ID."),
    RefusalReason.ISSUED_AT_MISSING: N_("It does not say when it was made (iat)."),
    RefusalReason.EXPIRY_MISSING: N_("It does not say when it expires (exp)."),
    RefusalReason.ISSUED_IN_FUTURE: N_("It was made in the future. Check the clock of your server."),
    RefusalReason.EXPIRED: N_("It has expired. Make one for each page."),
    RefusalReason.LIFETIME_TOO_LONG: N_("It would be valid for too long: ten minutes are the most."),
    RefusalReason.TOKEN_ID_MISSING: N_("It has no ID of its own (jti)."),
    RefusalReason.TOKEN_ID_REUSED: N_("Another browser used this very token before. Make one for each person."),
    RefusalReason.NONCE_MISMATCH: N_("It was made for another browser than the one that sent it."),
    RefusalReason.TOKEN_INACTIVE: N_("Your system says that the token is not active."),
    RefusalReason.ENTERPRISE_UNREACHABLE: N_("Your system could not be asked: the person went on as a visitor."),
    RefusalReason.ENTERPRISE_UNREADABLE: N_("The answer of your system is not one: the person went on as a visitor."),
    RefusalReason.SOURCE_ID_INVALID: N_("The source ID (sub) cannot be one."),
    RefusalReason.CLAIM_INVALID: N_("A claim about the person has the wrong form."),
    RefusalReason.PROFILE_NOT_ALLOWED: N_("It claims an access profile that this key may not give."),
    RefusalReason.NARROWING_NOT_ALLOWED: N_("It carries query metadata, which this key may not do."),
    RefusalReason.QUERY_METADATA_INVALID: N_("Its query metadata cannot be read."),
}
