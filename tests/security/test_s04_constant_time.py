"""Threat 4: secrets are compared in constant time, or looked up by their hash."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import frontdesk

SECRETS = re.compile("token|secret|signature|digest|hash|nonce|verifier|csrf|password", re.IGNORECASE)
HARMLESS = {
    "parse_secret(token, _TOKEN_KIND) != tx.organization_id",  # the organization in it, which is no secret
    "header.get('typ') != TOKEN_TYPE",  # a media type
    "row[0] != claim.body_hash",  # of one's own request, to tell whether it is the same
}


def comparisons(tree: ast.AST) -> Iterator[ast.Compare]:
    """Every `==` and `!=` with something on a side whose name sounds like a secret."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            names = {one for side in (node.left, *node.comparators) for one in names_of(side)}
            if any(SECRETS.search(name) for name in names):
                yield node


def names_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Call):
        yield from names_of(node.func)


def test_s04_no_secret_is_compared_letter_by_letter():
    """Whoever adds a comparison says here why it is harmless, or uses hmac.compare_digest."""
    sources = Path(frontdesk.__file__).parent.rglob("*.py")
    found = {ast.unparse(node) for path in sources for node in comparisons(ast.parse(path.read_text()))}
    assert found - HARMLESS == set()


def test_s04_the_search_finds_what_it_looks_for():
    """It would see the mistake."""
    bad = "if request.headers['x'] == expected_signature or self.token_hash != hash_secret(token): pass"
    assert len(list(comparisons(ast.parse(bad)))) == 2


async def test_s04_sessions_and_keys_are_found_by_their_hash(db, shop, browser):
    """The database never compares the secret itself: it does not have it."""
    await browser.ask("How can I pay?", key="s04-conversation")
    async with db.begin(shop.organization_id) as tx:
        rows = await tx.fetch("SELECT row_to_json(s)::text FROM chat_sessions s ORDER BY id DESC LIMIT 5")
        keys = await tx.fetch("SELECT row_to_json(k)::text FROM api_keys k LIMIT 5")
    assert all(browser.token not in row[0] for row in (*rows, *keys))
    assert rows
