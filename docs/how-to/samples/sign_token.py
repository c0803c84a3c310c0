"""Sign an identity token: what the back end of a website does for a person who is signed in there.

Needs the package joserfc. Any other library that makes a JWS (RFC 7515) does as well.
"""  # noqa: INP001 -- a sample, no package

import secrets
import time

from joserfc import jwt
from joserfc.jwk import ECKey

LIFETIME_SECONDS = 300  # Frontdesk accepts 600 at most


def sign_token(
    private_key: str, *, key_id: str, issuer: str, web_chat_id: str, source_id: str, about: dict[str, object]
) -> str:
    """Return a token that says: whoever sends this to the web chat is the person with this source id.

    `private_key` is a P-256 key as PEM, `key_id` and `issuer` are as registered for it in Frontdesk. `about` is
    what the card shall say: name, email, phone_number, picture, locale, attributes.
    """
    now = int(time.time())
    header = {"alg": "ES256", "kid": key_id, "typ": "contact-identity+jwt"}
    claims = {
        **about,
        "iss": issuer,
        "aud": web_chat_id,
        "sub": source_id,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(header, claims, ECKey.import_key(private_key), algorithms=["ES256"])
