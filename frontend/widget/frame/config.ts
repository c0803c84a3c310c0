// What the server wrote into the frame's document.

export interface Config {
  publicId: string;
  allowedOrigins: string[]; // pages that may talk to this frame, besides our own origin
  assistantName: string;
  locale: string | null;
  theme: string | null;
  primaryColor: string | null;
}

export function readConfig(): Config {
  const given = JSON.parse(document.getElementById("config")?.textContent ?? "{}") as Partial<Config>;
  return {
    publicId: given.publicId ?? "",
    allowedOrigins: given.allowedOrigins ?? [],
    assistantName: given.assistantName ?? "",
    locale: given.locale ?? null,
    theme: given.theme ?? null,
    primaryColor: given.primaryColor ?? null,
  };
}
