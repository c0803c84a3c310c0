// What binds an identity token to this window: the page is told a digest, and only this window has what it is a digest of.

export interface Verifier {
  /** Goes to the server beside a token. */
  readonly secret: string;
  /** Goes to the page, for its token to carry; null where the browser cannot make one, as on a page without https. */
  nonce(): Promise<string | null>;
}

export function createVerifier(): Verifier {
  const secret = encode(crypto.getRandomValues(new Uint8Array(32)));
  return {
    secret,
    async nonce() {
      const { subtle } = crypto as { subtle?: SubtleCrypto };
      return subtle ? encode(new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(secret)))) : null;
    },
  };
}

/** Source: RFC 4648, section 5, without padding. */
function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
