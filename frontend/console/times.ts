// `<time data-time="…">`: the server writes UTC; here it becomes the reader's time zone. The exact time is in the title.

const DAY_MS = 24 * 3600 * 1000;
const DAYS_COUNTED = 7; // what is nearer is told by its distance, which is the same everywhere

export function startTimes(): void {
  document.addEventListener("htmx:load", (event) => {
    for (const time of (event.target as Element).querySelectorAll<HTMLTimeElement>("time[data-time]")) show(time);
  });
}

function show(time: HTMLTimeElement): void {
  const at = new Date(time.dateTime);
  time.title = format(at, "exact");
  const kind = time.dataset.time ?? "ago";
  const isNear = Math.abs(Date.now() - at.getTime()) < DAYS_COUNTED * DAY_MS;
  if (!["ago", "brief"].includes(kind) || !isNear) time.textContent = format(at, kind);
}

function format(at: Date, kind: string): string {
  const day = { day: "numeric", month: "short" } as const;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const year = at.getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  const wanted = kind === "exact" ? { ...day, ...clock, year: "numeric" as const } : kind === "clock" ? clock : { ...day, ...year };
  const { lang } = document.documentElement;
  return new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, wanted).format(at);
}
