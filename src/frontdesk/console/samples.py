"""Code that people copy: what a page embeds, and how its back end signs who is there."""

from frontdesk.channels.model import IdentityMode, Inbox
from frontdesk.core.text import dump_json
from frontdesk.identities.model import Algorithm, RealmKey

SECRET_VARIABLE = "FRONTDESK_KEY"  # noqa: S105 -- the name of a variable
_KEY_CLASSES: dict[Algorithm, str] = {"EdDSA": "OKPKey", "ES256": "ECKey", "RS256": "RSAKey", "HS256": "OctKey"}
_REMARKS: dict[Algorithm, str] = {
    "EdDSA": "    # joserfc warns that RFC 9864 renames EdDSA; we read EdDSA\n",
}
_PROOF = """
    getIdentityToken: async () => {
      const answer = await fetch("/chat-token");
      return answer.ok ? answer.text() : null;
    },"""


def render_embed(public_url: str, inbox: Inbox) -> str:
    """Return the HTML that puts the chat on a page; with a proof of identity where the platform asks for one."""
    proof = ""
    if inbox.identity_mode is not IdentityMode.NONE:
        proof = _PROOF
    return f"""<script>
  window.frontdesk = {{
    webChatId: {dump_json(inbox.public_id)},
    baseUrl: {dump_json(public_url)},{proof}
  }};
</script>
<script src="{public_url}/widget.js" defer></script>"""


def render_signing(inbox: Inbox, key: RealmKey) -> str:
    """Return a Python function that signs a token with `key`, whose private half or secret is in the environment."""
    kind = _KEY_CLASSES[key.algorithm]
    return f"""import os
import secrets
import time

from joserfc import jwt
from joserfc.jwk import {kind}


def sign_chat_token(source_id: str, name: str) -> str:
    \"\"\"Return a token for whoever is signed in to your site.\"\"\"
    now = int(time.time())
    header = {{
        "alg": {dump_json(key.algorithm)},
        "kid": {dump_json(key.kid)},
        "typ": "contact-identity+jwt",
    }}
    claims = {{
        "iss": {dump_json(key.issuer)},
        "aud": {dump_json(inbox.public_id)},
        "sub": source_id,  # the ID in your member system
        "iat": now,
        "exp": now + 300,  # seconds; 600 at most
        "jti": secrets.token_urlsafe(16),
        # the card: email, phone_number, locale, attributes …
        "name": name,
    }}
    key = {kind}.import_key(os.environ["{SECRET_VARIABLE}"])
{_REMARKS.get(key.algorithm, "")}    return jwt.encode(header, claims, key, algorithms=[{dump_json(key.algorithm)}])
"""
