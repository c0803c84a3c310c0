// What the visitor writes, on its way to the server and back as an answer. One delivery belongs to one epoch of the chat.

import { Problem, type Api } from "./api";
import type { AnswerBubble, OwnBubble } from "./log";
import type { Page } from "./page";
import type { SessionStore } from "./session";
import { addMessage, type Thread } from "./thread";
import { createUuid } from "./uuid";
import type { Words } from "./words";

export interface OwnMessage {
  id: string; // made here and kept for every try, so that a repeat doubles nothing
  text: string;
  thread: Thread;
  bubble: OwnBubble;
  isAccepted: boolean;
}

export interface Sender {
  api: Api;
  session: SessionStore;
  words: Words;
  page: Page;
  queryMetadata: unknown;
  /** Prove the visitor anew; true when the message may go out now. */
  renew: () => Promise<boolean>;
  onAccepted: (message: OwnMessage, conversationId: string) => void;
  /** The session is not good for the message any more. */
  onRefused: (message: OwnMessage, problem: Problem) => void;
  /** No answer is coming by the message's own stream any more. */
  onSettled: (thread: Thread) => void;
}

const MOST_TRIES = 4;
const LONGEST_WAIT_MS = 60_000;

export class Delivery {
  private queue = Promise.resolve();

  constructor(
    private readonly at: Sender,
    private readonly signal: AbortSignal,
  ) {}

  /** Show `text` and send it. Messages leave in order: each waits until the one before was accepted or given up. */
  send(text: string, thread: Thread): void {
    this.enqueue({ id: createUuid(), text, thread, bubble: thread.log.addOwn(text), isAccepted: false });
  }

  private enqueue(message: OwnMessage): void {
    message.bubble.markSending();
    this.queue = this.queue.then(() => new Promise((next) => void this.deliver(message, next).finally(next)));
  }

  /** Send `message` until it is answered or given up; `next` lets the next one go. */
  private async deliver(message: OwnMessage, next: () => void): Promise<void> {
    for (let tries = 1; !this.signal.aborted; tries++) {
      try {
        return await this.exchange(message, next);
      } catch (error) {
        if (this.signal.aborted) return;
        const problem = toProblem(error);
        if (problem.status === 401) {
          if (problem.slug === "proof-expired" && tries < MOST_TRIES && (await this.at.renew())) continue;
          if (!this.signal.aborted) this.at.onRefused(message, problem);
          return;
        }
        const waitMs = pauseBeforeRetry(problem, tries);
        if (waitMs === null) return this.giveUp(message, problem);
        if (problem.status === 429) message.bubble.markWaiting(Math.ceil(waitMs / 1000));
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  private async exchange(message: OwnMessage, next: () => void): Promise<void> {
    const { api, session, queryMetadata, page, words } = this.at;
    const { thread, id: messageId, text } = message;
    if (!session.read()) session.write(await api.createSession(this.signal));
    const outgoing = { conversationKey: thread.key, messageId, text, ...(queryMetadata ? { queryMetadata } : {}) };
    let answer: AnswerBubble | null = null;
    let isBegun = false;
    let isAnswered = false;
    thread.streams += 1;
    try {
      for await (const { event, data } of api.send(outgoing, this.signal)) {
        if (event === "accepted") {
          this.noteAccepted(message, data.conversationId, data.messageId);
          next();
          answer ??= thread.log.addAnswer();
        } else if (event === "delta") {
          isBegun = true;
          answer?.append(data.text);
        } else if (event === "replace") {
          answer?.replace(data.text);
        } else if (event === "answer") {
          isAnswered = true;
          answer?.remove();
          if (addMessage(thread, data.message)) page.emit("messageReply", { id: data.message.id });
        } else if (event === "error") {
          throw new Problem(422, data.slug);
        }
      }
      if (isBegun && !isAnswered) throw new Problem(0, "cut-short");
      if (!isAnswered && thread.streams === 1) thread.log.say("clock", words.say("waitsForPerson"));
    } finally {
      answer?.remove();
      thread.streams -= 1;
      if (!thread.streams && !this.signal.aborted) this.at.onSettled(thread);
    }
  }

  private noteAccepted(message: OwnMessage, conversationId: string, messageId: string): void {
    const { thread } = message;
    message.bubble.markSent();
    thread.seen.add(messageId).add(message.id);
    thread.lastMessageId = messageId;
    if (!message.isAccepted) this.at.page.emit("messageSend", { id: messageId });
    message.isAccepted = true;
    this.at.onAccepted(message, conversationId);
  }

  private giveUp(message: OwnMessage, problem: Problem): void {
    const { words, page } = this.at;
    const retry = (): void => this.enqueue(message);
    page.emit("error", { slug: problem.slug, requestId: problem.requestId });
    if (problem.slug === "blocked") {
      message.bubble.markFailed(null);
      message.thread.log.say("info", words.say("blocked"));
    } else if (!message.isAccepted) message.bubble.markFailed(retry);
    else message.thread.log.say("alert", words.say("answerFailed"), { label: words.say("tryAgain"), run: retry });
  }
}

/** Return what failed; an error of our own making is logged and treated as a broken connection. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem(0, "unexpected");
}

/** How long to wait before the next try, in ms; null when trying again by itself is of no use. */
function pauseBeforeRetry(problem: Problem, tries: number): number | null {
  if (tries >= MOST_TRIES) return null;
  if (problem.status === 429) {
    const waitMs = problem.retryAfterMs ?? 5000;
    return waitMs <= LONGEST_WAIT_MS ? waitMs : null;
  }
  return problem.isTemporary ? 1000 * 2 ** (tries - 1) : null;
}
