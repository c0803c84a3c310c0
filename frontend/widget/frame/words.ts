// The frame's own sentences. What the assistant says comes from the server.

import en from "./locales/en.json";
import zhHant from "./locales/zh-Hant.json";

export type Key = keyof typeof en;

export interface Words {
  readonly language: "en" | "zh-Hant";
  /** Return the sentence, with each {name} replaced. */
  say(key: Key, values?: Record<string, string | number>): string;
  /** Return the day of `time`, "Today" for today's. */
  day(time: Date): string;
  /** Return the hour and minute of `time`. */
  hour(time: Date): string;
}

/** Return the words of the language that fits `locale` best. */
export function createWords(locale: string): Words {
  const language = locale.toLowerCase().startsWith("zh") ? "zh-Hant" : "en";
  const sentences: Record<Key, string> = language === "en" ? en : zhHant;
  const say: Words["say"] = (key, values = {}) => sentences[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
  const days = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const hours = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  return {
    language,
    say,
    day: (time) => (time.toDateString() === new Date().toDateString() ? say("today") : days.format(time)),
    hour: (time) => hours.format(time),
  };
}
