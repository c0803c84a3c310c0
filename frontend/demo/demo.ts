// The shop's own script: what an enterprise writes to embed the chat and to say who its visitor is.

import "./demo.css";

type Person = string; // as the shop's back end knows them

interface Frontdesk {
  identify(token: string): void;
  logout(): void;
}

interface Page {
  frontdesk?: object;
  Frontdesk?: Frontdesk;
}

const page = window as Page;
const settings = JSON.parse(document.getElementById("shop")?.textContent ?? "{}") as { webChatId: string; locale: string };
const SIGNED_IN = "northlight.person"; // a real shop asks its own session

// The chat asks for a token when it opens, and again before an hour is over.
page.frontdesk = {
  webChatId: settings.webChatId,
  locale: settings.locale,
  primaryColor: "#2f5d50",
  getIdentityToken: ({ nonce }: { nonce: string | null }) => {
    const person = who();
    return person ? fetchToken(person, nonce) : null;
  },
};

function who(): Person | null {
  return sessionStorage.getItem(SIGNED_IN);
}

/** The shop's back end signs the token; its key never reaches a browser. */
async function fetchToken(person: Person, nonce: string | null = null): Promise<string> {
  const body = JSON.stringify({ as: person, nonce });
  const answer = await fetch("/demo/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (!answer.ok) throw new Error(`The shop could not sign a token: ${answer.status}`);
  return ((await answer.json()) as { token: string }).token;
}

async function become(person: Person | null): Promise<void> {
  const token = person ? await fetchToken(person) : null;
  if (person) sessionStorage.setItem(SIGNED_IN, person);
  else sessionStorage.removeItem(SIGNED_IN);
  show();
  if (token) page.Frontdesk?.identify(token);
  else page.Frontdesk?.logout();
}

function show(): void {
  const person = who() ?? "visitor";
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-person]")) {
    button.setAttribute("aria-pressed", String(button.dataset.person === person));
  }
  for (const text of document.querySelectorAll<HTMLElement>("[data-for]")) text.hidden = text.dataset.for !== person;
  for (const element of document.querySelectorAll<HTMLElement>("[data-signed]")) element.hidden = person === "visitor";
}

const trouble = document.getElementById("trouble");

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLElement>("[data-person], [data-signed]");
  if (!button) return;
  const { person } = button.dataset;
  if (trouble) trouble.hidden = true;
  become(person && person !== "visitor" ? person : null).catch((error: unknown) => {
    console.error(error);
    if (trouble) trouble.hidden = false;
  });
});

show();
