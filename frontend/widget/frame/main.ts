// The chat's frame: meets the page around it, then begins.

import "../../tokens.css";
import "./frame.css";
import type { PageMessage, Start } from "../messages";
import { createApi } from "./api";
import { dress } from "./appearance";
import { Chat } from "./chat";
import { readConfig } from "./config";
import { meetPage, type Page } from "./page";
import { createSessionStore } from "./session";
import { createVerifier } from "./verifier";
import { createView, type View } from "./view";
import { createWords } from "./words";

const config = readConfig();
const root = document.getElementById("chat") as HTMLElement;
let chat: Chat | null = null;
let view: View | null = null;

function start(given: Start, page: Page): void {
  const locale = given.locale ?? config.locale ?? navigator.language;
  const words = createWords(locale);
  document.documentElement.lang = words.language;
  dress(given.theme ?? config.theme, given.primaryColor ?? config.primaryColor);
  const session = createSessionStore(config.publicId);
  const verifier = createVerifier();
  const base = new URL(`../webchat/${encodeURIComponent(config.publicId)}`, location.href).pathname;
  const api = createApi(base, session, words.language, verifier.secret);
  view = createView(root, words, config.assistantName, {
    send: (text) => chat?.send(text),
    newConversation: () => chat?.newConversation(),
    showHistory: () => chat?.showHistory(),
    end: () => void chat?.logout(),
    signIn: () => void chat?.signIn(),
    close: page.close,
  });
  const { canRenew, queryMetadata, identityToken, endsSession } = given;
  const askToken = async (): Promise<string | null> => page.askToken(await verifier.nonce());
  chat = new Chat({ api, session, view, words, page, askToken: canRenew ? askToken : null, queryMetadata });
  if (endsSession) void chat.logout();
  else void chat.begin(identityToken);
}

function obey(message: PageMessage): void {
  if (message.kind === "shown") view?.composer.focus();
  else if (message.kind === "send") chat?.send(message.text);
  else if (message.kind === "newConversation") chat?.newConversation();
  else if (message.kind === "identify") void chat?.identify(message.token);
  else if (message.kind === "logout") void chat?.logout();
}

meetPage(config.allowedOrigins, start, obey);
