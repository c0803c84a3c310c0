import arrowLeft from "@tabler/icons/outline/arrow-left.svg";
import clock from "@tabler/icons/outline/clock.svg";
import dots from "@tabler/icons/outline/dots-vertical.svg";
import alert from "@tabler/icons/outline/alert-triangle.svg";
import file from "@tabler/icons/outline/file-text.svg";
import help from "@tabler/icons/outline/help-circle.svg";
import history from "@tabler/icons/outline/history.svg";
import info from "@tabler/icons/outline/info-circle.svg";
import lock from "@tabler/icons/outline/lock.svg";
import login from "@tabler/icons/outline/login-2.svg";
import logout from "@tabler/icons/outline/logout.svg";
import plus from "@tabler/icons/outline/plus.svg";
import refresh from "@tabler/icons/outline/refresh.svg";
import robot from "@tabler/icons/outline/robot.svg";
import send from "@tabler/icons/outline/send.svg";
import shield from "@tabler/icons/filled/shield-check.svg";
import user from "@tabler/icons/outline/user.svg";
import x from "@tabler/icons/outline/x.svg";

const DRAWINGS = {
  "arrow-left": arrowLeft, alert, clock, dots, file, help, history, info, lock, login, logout, plus, refresh, robot, send, shield, user, x,
} as const;

export type IconName = keyof typeof DRAWINGS;

/** Draw an icon of 16 px, hidden from readers: a word always stands beside it or on its button. */
export function icon(name: IconName, size: "s" | "m" | "l" = "m"): SVGElement {
  const svg = new DOMParser().parseFromString(DRAWINGS[name], "image/svg+xml").documentElement as unknown as SVGElement;
  svg.setAttribute("class", `icon ${size}`);
  svg.setAttribute("aria-hidden", "true");
  return document.importNode(svg, true);
}
