// What happens in the chat: who is there, which conversation is shown, what is on its way.
//
// An epoch is the time during which one person is there. When it ends, everything that belongs to it is aborted, so that
// nothing of one person reaches the next.

import type { Api, Problem } from "./api";
import { Delivery, toProblem, type OwnMessage } from "./delivery";
import { follow } from "./follow";
import type { Page } from "./page";
import type { SessionStore } from "./session";
import { addMessage, createThread, type Thread } from "./thread";
import { createUuid } from "./uuid";
import type { View } from "./view";
import type { ConversationSummary, Message, Opened } from "./wire";
import type { Words } from "./words";

export interface Surroundings {
  api: Api;
  session: SessionStore;
  view: View;
  words: Words;
  page: Page;
  askToken: (() => Promise<string | null>) | null; // a fresh proof from the page; null: it has none to give
  queryMetadata: unknown;
}

export class Chat {
  private epoch = new AbortController();
  private opened: Opened | null = null; // null while nobody has arrived
  private person = { isSigned: false, name: null as string | null }; // who was there last
  private wanted: (() => void)[] = []; // asked for before the chat was open
  private thread: Thread | null = null;
  private following = new AbortController();
  private delivery: Delivery;
  private renewal: Promise<boolean> | null = null;
  private expiry = 0;
  private isPaused = false;
  private isReady = false;

  constructor(private readonly at: Surroundings) {
    this.delivery = this.createDelivery();
    at.session.onEndElsewhere(() => void this.open(null));
  }

  /** Begin with whoever the page says is there; `identityToken` stood in it, and may be too old by now. */
  async begin(identityToken: string | null): Promise<void> {
    const signal = this.beginEpoch();
    this.at.view.showOpening();
    const fresh = await this.at.askToken?.();
    if (!signal.aborted) await this.open(fresh ?? identityToken);
  }

  /** Begin with whoever `identityToken` proves, or as a visitor. */
  async open(identityToken: string | null): Promise<void> {
    const signal = this.beginEpoch();
    this.at.view.showOpening();
    this.at.session.load();
    try {
      this.arrive(await this.at.api.open(identityToken, signal), identityToken);
    } catch (error) {
      if (!signal.aborted) this.showFailure(error, identityToken);
    }
  }

  /** The page says who is there now. The same person goes on where they were; anybody else starts with their own. */
  async identify(identityToken: string): Promise<void> {
    if (this.opened?.assurance !== "signed") return this.open(identityToken);
    const epoch = this.epoch;
    try {
      const opened = await this.prove(identityToken);
      if (opened?.notice && this.epoch === epoch) this.welcomeAnother(opened, identityToken); // who it is now nobody knows
    } catch (error) {
      if (this.epoch !== epoch || this.isPaused) return;
      this.beginEpoch();
      this.showFailure(error, identityToken);
    }
  }

  /** End the session here, on the server and in the other windows, and begin as a new visitor. */
  async logout(): Promise<void> {
    const { api, session, view } = this.at;
    const signal = this.beginEpoch();
    this.wanted = [];
    view.showOpening();
    view.composer.clear();
    if (!session.read()) session.load();
    const token = session.read();
    session.write(null);
    session.announceEnd();
    if (token) await api.logout(token).catch(() => {}); // whatever the server says, this browser has forgotten
    if (!signal.aborted) await this.open(null);
  }

  /** Send what the visitor wrote or chose. */
  send(text: string): void {
    const { thread } = this;
    if (this.isPaused) this.at.view.composer.giveBack(text);
    else if (!thread) this.wanted.push(() => this.send(text));
    else this.delivery.send(text, thread);
  }

  newConversation(): void {
    if (this.isPaused) return;
    if (!this.opened) return void this.wanted.push(() => this.newConversation());
    this.show(createThread(this.at.words, null, createUuid()));
    this.greet(this.opened);
    this.at.view.composer.focus();
  }

  showHistory(): void {
    if (!this.opened || this.isPaused) return;
    this.at.view.showHistory(this.opened.conversations, this.thread?.id ?? null, (chosen) => void this.resume(chosen));
  }

  /** The visitor asks to sign in again. */
  async signIn(): Promise<void> {
    await this.renew();
  }

  // Who is there

  private beginEpoch(): AbortSignal {
    this.epoch.abort();
    this.following.abort();
    clearTimeout(this.expiry);
    this.epoch = new AbortController();
    this.delivery = this.createDelivery();
    this.opened = this.thread = null;
    this.renewal = null;
    if (this.isPaused) this.at.view.resume();
    this.isPaused = false;
    this.at.view.setPerson({ isSigned: false, name: null });
    this.at.view.setStatus(null);
    return this.epoch.signal;
  }

  private arrive(opened: Opened, identityToken: string | null = null): void {
    const before = this.person;
    this.accept(opened);
    const { conversation, notice } = opened;
    this.show(createThread(this.at.words, conversation?.id ?? null, conversation?.key ?? createUuid(), conversation?.messages));
    if (!conversation?.messages.length) this.greet(opened);
    if (notice) {
      const retry = (): void => void this.begin(identityToken);
      this.thread?.log.say("info", this.at.words.say("identityUnavailable"), { label: this.at.words.say("tryAgain"), run: retry });
    }
    if (before.isSigned !== this.person.isSigned || before.name !== this.person.name) {
      this.at.page.emit("identityChange", { assurance: opened.assurance });
    }
    if (!this.isReady) this.at.page.emit("ready", {});
    this.isReady = true;
    this.wanted.splice(0).forEach((action) => action());
  }

  private accept(opened: Opened): void {
    this.opened = opened;
    this.at.session.write(opened.sessionToken);
    this.person = { isSigned: opened.assurance === "signed", name: opened.contactName };
    this.at.view.setPerson(this.person);
    this.at.view.setTitle(opened.assistantName);
    clearTimeout(this.expiry);
    const restMs = opened.provenUntil ? Date.parse(opened.provenUntil) - Date.now() : 0;
    if (restMs > 0) this.expiry = window.setTimeout(() => void this.renew(), restMs); // else a clock is wrong; the server will say
  }

  private showFailure(error: unknown, identityToken: string | null): void {
    const problem = toProblem(error);
    this.at.page.emit("error", { slug: problem.slug, requestId: problem.requestId });
    this.at.view.showFailure(problem.slug === "identity-refused", problem.requestId, () => void this.begin(identityToken));
  }

  /** Go on with a fresh proof; where the page has none the composer is paused. False when there is nothing to go on with. */
  private renew(): Promise<boolean> {
    this.renewal ??= this.tryToRenew().finally(() => (this.renewal = null));
    return this.renewal;
  }

  private async tryToRenew(): Promise<boolean> {
    const { signal } = this.epoch;
    const token = (await this.at.askToken?.()) ?? null;
    if (signal.aborted) return false;
    const opened = token === null ? null : await this.prove(token).catch(() => null);
    const isProven = opened !== null && !opened.notice && !signal.aborted;
    if (!isProven && !signal.aborted) this.pause();
    return isProven;
  }

  /**
   * Go on if `identityToken` proves the person who is there already; anybody else begins anew with their own. When the
   * proof could not be checked nothing is changed yet.
   */
  private async prove(identityToken: string): Promise<Opened> {
    const { signal } = this.epoch;
    const opened = await this.at.api.open(identityToken, signal);
    if (opened.notice) return opened;
    if (!this.isSamePerson(opened)) {
      this.welcomeAnother(opened, identityToken);
      return opened;
    }
    this.accept(opened);
    if (this.isPaused) this.at.view.resume();
    this.isPaused = false;
    if (this.thread) this.follow(this.thread);
    return opened;
  }

  private welcomeAnother(opened: Opened, identityToken: string): void {
    this.beginEpoch();
    this.wanted = [];
    this.at.view.composer.clear();
    this.arrive(opened, identityToken);
  }

  private isSamePerson(opened: Opened): boolean {
    if (opened.assurance !== "signed" || !this.thread) return false;
    const { id } = this.thread;
    if (id === null) return opened.contactName === this.person.name;
    return opened.conversation?.id === id || opened.conversations.some((conversation) => conversation.id === id);
  }

  private pause(): void {
    if (!this.isPaused) this.at.page.emit("error", { slug: "proof-expired", requestId: null });
    this.isPaused = true;
    this.following.abort();
    this.at.view.pause(this.at.askToken !== null);
  }

  /** The session has ended: begin with whoever the page says is there now. */
  private async startAnew(): Promise<void> {
    this.at.session.write(null);
    await this.begin(null);
    this.thread?.log.say("info", this.at.words.say("sessionEnded"));
  }

  // Which conversation is shown

  private show(thread: Thread): void {
    this.thread = thread;
    this.at.view.showLog(thread.log);
    this.follow(thread);
  }

  private greet(opened: Opened): void {
    this.thread?.log.greet(opened.greeting, opened.starters, (question) => this.send(question));
  }

  private async resume(chosen: ConversationSummary): Promise<void> {
    if (chosen.id === this.thread?.id) return this.at.view.showLog();
    const { signal } = this.epoch;
    this.at.view.showOpening();
    try {
      const messages = await this.at.api.listMessages(chosen.id, signal);
      if (!signal.aborted) this.show(createThread(this.at.words, chosen.id, chosen.key, messages));
    } catch {
      if (signal.aborted) return;
      this.at.view.showLog();
      this.thread?.log.say("alert", this.at.words.say("loadFailed"));
    }
  }

  private follow(thread: Thread): void {
    this.following.abort();
    this.at.view.setStatus(null);
    if (thread.id === null) return;
    this.following = new AbortController();
    const following = {
      conversationId: thread.id,
      lastMessageId: () => thread.lastMessageId,
      onMessage: (message: Message) => this.receive(thread, message),
      onConnection: (isLost: boolean) => this.at.view.setStatus(isLost ? this.at.words.say("reconnecting") : null),
      onRefusal: (problem: Problem) => {
        if (problem.slug === "proof-expired") void this.renew();
        else if (problem.status === 401) void this.startAnew();
      },
    };
    void follow(this.at.api, following, this.following.signal);
  }

  /** While an answer is coming by its own stream, what the live stream says of it waits. */
  private receive(thread: Thread, message: Message): void {
    if (thread.streams && message.sender.kind !== "member") thread.held.push(message);
    else if (addMessage(thread, message) && message.type === "outgoing") this.at.page.emit("messageReply", { id: message.id });
  }

  // What is on its way

  private createDelivery(): Delivery {
    const sender = {
      ...this.at,
      renew: () => this.renew(),
      onAccepted: (message: OwnMessage, conversationId: string) => this.noteAccepted(message, conversationId),
      onRefused: (message: OwnMessage, problem: Problem) => void this.giveBack(message, problem),
      onSettled: (thread: Thread) => thread.held.splice(0).forEach((held) => this.receive(thread, held)),
    };
    return new Delivery(sender, this.epoch.signal);
  }

  private noteAccepted({ thread, text }: OwnMessage, conversationId: string): void {
    if (thread.id !== null) return;
    thread.id = conversationId;
    const title = text.slice(0, 80);
    this.opened?.conversations.unshift({ id: conversationId, key: thread.key, title, lastMessageAt: new Date().toISOString() });
    if (thread === this.thread) this.follow(thread);
  }

  /** The text of a message that cannot go out goes back to who wrote it. */
  private async giveBack(message: OwnMessage, problem: Problem): Promise<void> {
    message.bubble.remove();
    if (problem.slug !== "proof-expired") await this.startAnew();
    this.at.view.composer.giveBack(message.text);
  }
}
