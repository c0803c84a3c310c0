// The messages that come by themselves: a member's answers, and what was written in another window.

import { Problem, type Api } from "./api";
import type { Message } from "./wire";

export interface Following {
  conversationId: string;
  lastMessageId: () => string | null;
  onMessage: (message: Message) => void;
  onConnection: (isLost: boolean) => void;
  onRefusal: (problem: Problem) => void; // it will not get better by waiting
}

const LONGEST_PAUSE_MS = 30_000;

/** Stay connected until `signal` is aborted or the server refuses; what was missed meanwhile is fetched on return. */
export async function follow(api: Api, following: Following, signal: AbortSignal): Promise<void> {
  let failures = 0;
  const onOpen = (): void => {
    failures = 0;
    following.onConnection(false);
  };
  while (!signal.aborted) {
    try {
      const messages = api.listen(following.conversationId, following.lastMessageId(), signal, onOpen);
      for await (const message of messages) following.onMessage(message);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && !error.isTemporary && error.status !== 429) return following.onRefusal(error);
    }
    failures += 1;
    if (failures > 1) following.onConnection(true);
    await pauseBefore(failures, signal);
  }
}

/** Wait longer after each failure, and not at all once the network is back. */
function pauseBefore(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(1000 * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return new Promise((resolve) => {
    const end = new AbortController();
    const finish = (): void => {
      end.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(finish, longest * (0.5 + Math.random() / 2));
    window.addEventListener("online", finish, { signal: end.signal });
    signal.addEventListener("abort", finish, { signal: end.signal });
  });
}
