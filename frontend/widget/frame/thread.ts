// A conversation that is, or was, on the screen.

import { createLog, type Log } from "./log";
import type { Message } from "./wire";
import type { Words } from "./words";

export interface Thread {
  id: string | null; // null until the server has its first message
  key: string;
  log: Log;
  seen: Set<string>;
  lastMessageId: string | null;
  streams: number; // messages whose answer is still coming
  held: Message[]; // came by the live stream while their answer was coming by its own
}

export function createThread(words: Words, id: string | null, key: string, messages: Message[] = []): Thread {
  const log = createLog(words);
  const thread: Thread = { id, key, log, seen: new Set(), lastMessageId: null, streams: 0, held: [] };
  messages.forEach((message) => addMessage(thread, message));
  return thread;
}

/** Show `message` unless it is shown already; say whether it was new. */
export function addMessage(thread: Thread, message: Message): boolean {
  const isNew = !thread.seen.has(message.id);
  if (isNew) thread.log.addMessage(message);
  thread.seen.add(message.id);
  thread.lastMessageId = message.id;
  return isNew;
}
