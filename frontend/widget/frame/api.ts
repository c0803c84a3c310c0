// The calls to the server. No cookies: the session token goes along in the Authorization header.

import type { SessionStore } from "./session";
import { readEvents } from "./sse";
import type { AnswerEvent, Message, Opened, Outgoing } from "./wire";

/** A call that failed. The slug is for us; the visitor sees a neutral sentence and the request's number. */
export class Problem extends Error {
  constructor(
    readonly status: number, // 0: the server could not be reached, or the connection broke
    readonly slug: string,
    readonly requestId: string | null = null,
    readonly retryAfterMs: number | null = null,
  ) {
    super(slug);
  }

  /** Whether the same call may succeed a moment later. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

interface ReadEvent {
  event: string;
  data: unknown;
}

export type Api = ReturnType<typeof createApi>;

const SILENCE_MS = 45_000; // the server's heartbeat comes every 15 s

/** `base` is the path of the inbox's endpoints; the server greets in `language`; `verifier` goes along with a proof. */
export function createApi(base: string, session: SessionStore, language: string, verifier: string) {
  async function call(method: string, path: string, body?: unknown, signal?: AbortSignal, token = session.read()): Promise<Response> {
    const headers: Record<string, string> = { "Accept-Language": language };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const request: RequestInit = { method, headers, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
    if (body !== undefined) request.body = JSON.stringify(body);
    if (signal) request.signal = signal;
    const response = await fetch(base + path, request).catch((error: unknown) => fail(error, signal));
    if (!response.ok) throw await readProblem(response);
    return response;
  }

  /** Yield what the server sends until it ends; silence for too long is a broken connection. */
  async function* stream(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
    onOpen: () => void = () => {},
  ): AsyncGenerator<ReadEvent> {
    const cut = new AbortController();
    let timer = 0;
    const noteLife = (): void => {
      clearTimeout(timer);
      timer = window.setTimeout(() => cut.abort(), SILENCE_MS);
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", () => cut.abort(), { signal: cut.signal });
    noteLife();
    try {
      const response = await call(method, path, body, cut.signal);
      onOpen();
      if (!response.body) return;
      for await (const { event, data } of readEvents(response.body, noteLife)) yield { event, data: JSON.parse(data) };
    } catch (error) {
      fail(error, signal);
    } finally {
      clearTimeout(timer);
      cut.abort();
    }
  }

  return {
    /** Begin or go on; `identityToken` proves who the visitor is, null says that nobody does. */
    async open(identityToken: string | null, signal: AbortSignal): Promise<Opened> {
      const proof = identityToken === null ? {} : { identityToken, identityVerifier: verifier };
      return (await call("POST", "/open", proof, signal)).json() as Promise<Opened>;
    },
    /** Make a visitor's session; called just before the first message. */
    async createSession(signal: AbortSignal): Promise<string> {
      const made = (await (await call("POST", "/sessions", {}, signal)).json()) as { sessionToken: string };
      return made.sessionToken;
    },
    /** Send a message and yield what comes back. May be repeated with the same ids. */
    async *send(message: Outgoing, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
      yield* stream("POST", "/messages", message, signal) as AsyncGenerator<AnswerEvent>;
    },
    async listMessages(conversationId: string, signal: AbortSignal): Promise<Message[]> {
      const page = (await (await call("GET", `/conversations/${conversationId}/messages`, undefined, signal)).json()) as {
        messages: Message[];
      };
      return page.messages;
    },
    /** Yield the conversation's messages that come after `after`, until the connection ends. */
    async *listen(conversationId: string, after: string | null, signal: AbortSignal, onOpen: () => void): AsyncGenerator<Message> {
      const path = `/conversations/${conversationId}/events${after ? `?after=${encodeURIComponent(after)}` : ""}`;
      for await (const { event, data } of stream("GET", path, undefined, signal, onOpen)) {
        if (event === "message") yield (data as { message: Message }).message;
      }
    },
    /** End the session of `token`. */
    async logout(token: string): Promise<void> {
      await call("POST", "/logout", undefined, undefined, token);
    },
  };
}

/** Pass on what we aborted ourselves; everything else that fetch throws means that the connection is gone. */
function fail(error: unknown, signal?: AbortSignal): never {
  if (signal?.aborted || error instanceof Problem) throw error;
  throw new Problem(0, "unreachable");
}

async function readProblem(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as { type?: string; instance?: string };
  const slug = body.type?.split(/[/:#]/).pop() || `http-${response.status}`;
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfterMs = response.headers.has("Retry-After") && seconds >= 0 ? seconds * 1000 : null;
  return new Problem(response.status, slug, body.instance ?? response.headers.get("X-Request-Id"), retryAfterMs);
}
