// htmx under a strict content policy: nothing is evaluated, no style is written into the page, and no page with personal
// data is kept in the browser's storage. What the server says about a failure is shown, too.

import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  historyCacheSize: 0,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "[45]..", swap: true, error: true },
  ],
});

document.addEventListener("htmx:configRequest", (event) => {
  const { headers } = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
  const token = document.body.dataset.csrf;
  if (token) headers["X-CSRF-Token"] = token;
});
