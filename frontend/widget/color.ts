// The page may choose one colour. Text on it and text in it must stay readable, whatever it is.

type Rgb = [number, number, number];

/** Return `color` if it is a #rgb or #rrggbb that we can reckon with, as #rrggbb; else null. */
export function parseColor(color: string | null): string | null {
  const short = /^#([\da-f])([\da-f])([\da-f])$/i.exec(color ?? "");
  if (short) return `#${short.slice(1).map((digit) => digit + digit).join("")}`;
  return /^#[\da-f]{6}$/i.test(color ?? "") ? color : null;
}

/** Return white or near-black, whichever reads better on `background`, a #rrggbb. */
export function inkOn(background: string): string {
  return contrast(background, "#ffffff") >= contrast(background, "#14181f") ? "#ffffff" : "#14181f";
}

/** Return `color` moved towards black or white until it reads on `surface` with a contrast of 4.5; both #rrggbb. */
export function readableOn(surface: string, color: string): string {
  const end = inkOn(surface);
  for (let part = 0; part < 1; part += 0.1) {
    const mixed = mix(color, end, part);
    if (contrast(surface, mixed) >= 4.5) return mixed;
  }
  return end;
}

/** Return `color` with `part` (0 to 1) of `other` in it. */
function mix(color: string, other: string, part: number): string {
  const [a, b] = [split(color), split(other)];
  const channels = a.map((value, i) => Math.round(value + ((b[i] ?? 0) - value) * part));
  return `#${channels.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Contrast ratio, 1 to 21. Source: WCAG 2.2, "relative luminance". */
function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red, green, blue] = split(color).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function split(color: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) as Rgb;
}
