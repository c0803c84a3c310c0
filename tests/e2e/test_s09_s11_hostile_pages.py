"""Threats 9 and 11 in a browser: what pages and their addresses never get to see of a session."""

from urllib.parse import urlsplit

from playwright.async_api import expect

from e2e_shop import ask, begin_anew, composer, enter

HOSTILE = """<!doctype html><body><script>
  window.heard = [];
  addEventListener("message", (event) => heard.push(JSON.stringify(event.data)));
  const say = (to, message) => { for (const shape of [message, {frontdesk: message}, JSON.stringify(message)]) to.postMessage(shape, "*"); };
  const token = "a.b.c";
  const messages = [
    {kind: "start", identityToken: token, canRenew: true, endsSession: true, queryMetadata: {}, primaryColor: null, locale: "en", theme: null},
    {kind: "identify", token}, {kind: "token", token}, {kind: "logout"}, {kind: "newConversation"}, {kind: "shown"},
    {kind: "send", text: "sent by the attacker"}, {kind: "setAuthCookie", token}, {event: "set-user", identifier: "M-100482"},
  ];
  window.attack = (to) => messages.forEach((message) => say(to, message));
</script></body>"""


async def test_s09_no_token_in_addresses_and_referrers(desk, visitor):
    """Every request of a proven chat, its frame's address and history, and the page's own: none carries a token."""
    requests = []
    visitor.on("request", lambda request: requests.append(request))  # noqa: PLW0108 -- Playwright marks what it calls
    frame = await enter(visitor, desk.url, person="zhang")
    await begin_anew(frame)
    await ask(frame, "How can I pay?")
    (inner,) = [one for one in visitor.frames if "/chat/" in one.url]
    session = await inner.evaluate(f"localStorage.getItem('frontdesk.{desk.public_id}.session')")
    bodies = [one.post_data_json for one in requests if one.url.endswith("/open")]
    tokens = [session, *(body["identityToken"] for body in bodies if body.get("identityToken"))]
    assert len(tokens) >= 2
    seen = [
        visitor.url,
        inner.url,
        await inner.evaluate("JSON.stringify([history.state, document.referrer, document.cookie])"),
    ]
    for request in requests:
        headers = await request.all_headers()
        seen += [request.url, headers.get("referer", ""), headers.get("cookie", "")]
    assert not any(token in text for token in tokens for text in seen)
    calls = [one for one in requests if "/webchat/" in one.url]
    assert calls
    assert not any([(await one.all_headers()).get("referer") for one in calls])


async def test_s11_a_hostile_parent_or_opener_gets_nothing(desk, visitor):
    """Another origin can neither embed the chat nor talk to it in a window that it opened: no word goes in or out."""
    frame = await enter(visitor, desk.url, person="zhang")
    await expect(frame.get_by_text("Signed in as")).to_be_visible()
    evil = desk.url.replace("127.0.0.1", "localhost")
    assert urlsplit(evil).netloc != urlsplit(desk.url).netloc
    chat = f"{desk.url}/chat/{desk.public_id}"
    context = visitor.context
    await context.route(f"{evil}/evil", lambda route: route.fulfill(body=HOSTILE, content_type="text/html"))
    page = await context.new_page()
    opened = []
    page.on("request", lambda request: opened.append(request.url))
    await page.goto(f"{evil}/evil")

    await page.evaluate(
        "address => { frames_ = document.createElement('iframe'); frames_.src = address; document.body.append(frames_); }",
        chat,
    )
    await page.wait_for_timeout(500)
    await page.evaluate("attack(frames_.contentWindow)")
    assert all("/chat/" not in one.url for one in page.frames)

    async with page.expect_popup() as popup_info:
        await page.evaluate("address => { opened_ = window.open(address); }", chat)
    popup = await popup_info.value
    sent = []
    popup.on("request", lambda request: sent.append(request.url))
    await expect(popup.get_by_label("Message", exact=True)).to_be_editable()
    await page.evaluate("attack(opened_)")
    await page.wait_for_timeout(300)
    await expect(popup.get_by_text("sent by the attacker")).to_have_count(0)
    await expect(popup.locator("header")).not_to_contain_text("Zhang")
    assert not any(url.endswith(("/messages", "/logout", "/sessions")) for url in sent)
    assert await page.evaluate("heard") == []
    await expect(composer(frame)).to_be_editable()
    await expect(frame.get_by_text("Signed in as")).to_be_visible()
