// The session token of this browser. It is kept in the frame's own storage, which the page around it cannot read.

export interface SessionStore {
  /** Take up what this browser kept; another window may have changed it. */
  load(): void;
  /** The token of this window. */
  read(): string | null;
  /** Keep `token`; null forgets it, but not what another window has kept since. */
  write(token: string | null): void;
  /** Tell the other windows of this chat that the session was ended here. */
  announceEnd(): void;
  /** Call `react` when another window ended the session. */
  onEndElsewhere(react: () => void): void;
}

/** Where a browser refuses storage to frames, the token lives as long as the window. */
export function createSessionStore(publicId: string): SessionStore {
  const key = `frontdesk.${publicId}.session`;
  const endKey = `frontdesk.${publicId}.ended`;
  let memory: string | null = null;

  function attempt<Value>(action: (storage: Storage) => Value, otherwise: Value): Value {
    try {
      return action(window.localStorage);
    } catch {
      return otherwise;
    }
  }

  return {
    load() {
      memory = attempt((storage) => storage.getItem(key), memory);
    },
    read: () => memory,
    write(token) {
      attempt((storage) => {
        if (token !== null) storage.setItem(key, token);
        else if (storage.getItem(key) === memory) storage.removeItem(key);
      }, undefined);
      memory = token;
    },
    announceEnd: () => attempt((storage) => storage.setItem(endKey, String(Date.now())), undefined),
    onEndElsewhere(react) {
      window.addEventListener("storage", (event) => {
        if (event.key !== endKey) return;
        memory = null;
        react();
      });
    },
  };
}
