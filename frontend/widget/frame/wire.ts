// What the server says: JSON under /webchat/{publicId}. Times are RFC 3339.

export interface Citation {
  number: number;
  title: string;
  pageNumber: number | null;
  kind: "file" | "faq";
}

export interface Message {
  id: string;
  type: "incoming" | "outgoing";
  sender: { kind: "contact" | "assistant" | "member"; name: string };
  content: string;
  citations: Citation[];
  isFound: boolean | null; // false: the assistant looked and found nothing
  createdAt: string;
}

export interface ConversationSummary {
  id: string;
  key: string;
  title: string;
  lastMessageAt: string | null;
}

export interface Opened {
  sessionToken: string | null; // null: keep none, one is made with the first message
  assurance: "anonymous" | "signed";
  contactName: string | null;
  provenUntil: string | null;
  greeting: string;
  starters: string[];
  assistantName: string;
  notice: "identity-unavailable" | null;
  conversation: { id: string; key: string; messages: Message[] } | null; // the one to go on with
  conversations: ConversationSummary[];
}

export interface Outgoing {
  conversationKey: string;
  messageId: string;
  text: string;
  queryMetadata?: unknown;
}

/** What comes back on the stream of a message. */
export type AnswerEvent =
  | { event: "accepted"; data: { conversationId: string; messageId: string } }
  | { event: "delta"; data: { text: string } }
  | { event: "replace"; data: { text: string } } // forget what was shown, show this
  | { event: "answer"; data: { message: Message } }
  | { event: "error"; data: { slug: string; detail: string } };
