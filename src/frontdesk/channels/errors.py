"""What a caller of this domain can do wrong."""

from frontdesk.core.errors import Conflict


class AssistantInUse(Conflict):
    """An inbox beside the assistant's own still connects it; `facts["inboxes"]` names them."""

    status, slug, title = 409, "assistant-in-use", "An inbox still uses this assistant"


class InboxOfAssistant(Conflict):
    """The inbox was made with its assistant, answers its API calls, and stays and goes with it."""

    status, slug, title = 409, "inbox-of-assistant", "This inbox belongs to its assistant"
