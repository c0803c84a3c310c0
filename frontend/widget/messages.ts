// What the page's loader and the chat's frame say to each other. Both sides check the sender's window and origin and send
// to an exact origin; nothing here carries a session token or the text of an answer.

/** How the page wants the chat to be. Whatever is absent is decided by the server's settings of the inbox. */
export interface Start {
  kind: "start";
  identityToken: string | null; // one that stood in the page
  canRenew: boolean; // the page can be asked for a fresh identity token
  endsSession: boolean; // the page logged out before the frame was there; end what is stored, then begin
  queryMetadata: unknown; // may narrow what is read, never widen it
  primaryColor: string | null;
  locale: string | null;
  theme: string | null;
}

/** From the page to the frame. */
export type PageMessage =
  | Start
  | { kind: "shown" }
  | { kind: "hidden" }
  | { kind: "send"; text: string }
  | { kind: "newConversation" }
  | { kind: "identify"; token: string }
  | { kind: "token"; token: string | null } // the answer to tokenWanted
  | { kind: "logout" };

/** From the frame to the page. */
export type FrameMessage =
  | { kind: "tokenWanted"; nonce: string | null } // the token is to carry this nonce
  | { kind: "closeWanted" }
  | { kind: "event"; type: EventType; detail: EventDetail };

export interface EventDetails {
  ready: Record<string, never>;
  open: Record<string, never>;
  close: Record<string, never>;
  messageSend: { id: string };
  messageReply: { id: string };
  identityChange: { assurance: "anonymous" | "signed" };
  error: { slug: string; requestId: string | null };
}

export type EventType = keyof EventDetails;
export type EventDetail = EventDetails[EventType];

const MARK = "frontdesk";

/** Wrap `message` for postMessage, so that it is told apart from whatever else the page's windows say. */
export function seal<Message extends PageMessage | FrameMessage>(message: Message): { frontdesk: Message } {
  return { [MARK]: message } as { frontdesk: Message };
}

/** Return the message in `event` if it came from `sender` at one of `origins`, else null. */
export function unseal<Message extends PageMessage | FrameMessage>(
  event: MessageEvent,
  sender: Window | null,
  origins: readonly string[],
): Message | null {
  if (sender === null || event.source !== sender || !origins.includes(event.origin)) return null;
  const content: unknown = typeof event.data === "object" && event.data !== null ? Reflect.get(event.data, MARK) : null;
  const isMessage = typeof content === "object" && content !== null && typeof Reflect.get(content, "kind") === "string";
  return isMessage ? (content as Message) : null;
}
