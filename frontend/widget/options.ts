// What the page wrote into `window.frontdesk` before it loaded the widget.

export interface Options {
  webChatId: string;
  baseUrl: string; // without a slash at its end
  identityToken: string | null;
  getIdentityToken: ((wanted: { nonce: string | null }) => string | null | undefined | Promise<string | null | undefined>) | null;
  queryMetadata: unknown;
  primaryColor: string | null;
  locale: string | null;
  theme: string | null;
}

/** Read the page's options; null when it named no web chat. `script` tells where Frontdesk is if `baseUrl` does not. */
export function readOptions(script: HTMLScriptElement | null): Options | null {
  const page = window as { frontdesk?: unknown; maiagentChatbotConfig?: unknown };
  const given = (page.frontdesk ?? page.maiagentChatbotConfig ?? {}) as Record<string, unknown>;
  const text = (name: string): string | null => (typeof given[name] === "string" && given[name] ? (given[name] as string) : null);
  const webChatId = text("webChatId");
  const baseUrl = text("baseUrl") ?? (script?.src ? new URL(".", script.src).href : null);
  if (!webChatId || !baseUrl) return null;
  return {
    webChatId,
    baseUrl: baseUrl.replace(/\/+$/, ""),
    identityToken: text("identityToken"),
    getIdentityToken: typeof given.getIdentityToken === "function" ? (given.getIdentityToken as Options["getIdentityToken"]) : null,
    queryMetadata: given.queryMetadata ?? null,
    primaryColor: text("primaryColor"),
    locale: text("locale"),
    theme: text("theme"),
  };
}
