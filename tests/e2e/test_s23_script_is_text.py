"""Threat 23 in a browser: script in any field or answer shows as text, and the policy of the page would stop it."""

import re

from playwright.async_api import expect

from e2e_shop import ask, begin_anew, enter
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.knowledge.model import FaqText, LabelWish
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.model import system_caller

SCRIPT = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
MARKDOWN = "[click](javascript:document.title='owned')"


async def test_s23_script_is_text(desk, visitor, staff):
    """In an answer, its source, a visitor's message, a name: read in the widget and in the console."""
    caller = system_caller(desk.organization_id)
    async with desk.services.db.begin(desk.organization_id) as tx:
        sql = """
            SELECT b.id FROM knowledge_bases b JOIN labels l ON l.knowledge_base_id = b.id AND l.name = 'public'
             ORDER BY b.created_at LIMIT 1
        """
        base = await tx.fetch_value(sql)
        inbox = await tx.fetch_value("SELECT id FROM inboxes WHERE public_id = %(id)s", {"id": desk.public_id})
        contact = await create_contact(
            tx, caller, fields={"name": f"Eve {SCRIPT}"}, inbox_ids=[inbox], provenance=Provenance.API
        )
    text = FaqText(f"Who is Mallory {SCRIPT}?", f"Mallory is {SCRIPT} {MARKDOWN}")
    await create_faq(desk.services, caller, base, text, [LabelWish(None, "public")])
    frame = await enter(visitor, desk.url)
    await begin_anew(frame)
    await ask(frame, f"Who is Mallory {SCRIPT}?")
    await expect(frame.get_by_text("Mallory is <img src=x").first).to_be_visible()
    assert await frame.locator("img[src=x]").count() == 0
    assert await frame.locator("a[href^='javascript']").count() == 0
    pages = [f"{desk.url}/console/contacts/{contact.id}", f"{desk.url}/console/conversations"]
    for address in pages:
        answer = await staff.goto(address)
        assert answer is not None
        policy = re.search("script-src ([^;]*)", await answer.header_value("content-security-policy") or "")
        assert policy
        assert "'unsafe-inline'" not in policy[1]
        assert await staff.locator("img[src=x]").count() == 0
        assert await staff.title() != "owned"
    await staff.goto(pages[0])
    await expect(staff.get_by_text(re.compile("Eve <img src=x")).first).to_be_visible()
    assert await visitor.title() != "owned"
