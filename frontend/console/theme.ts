// Runs before the page is painted: turns the member's choice into light or dark, and follows the system if it is "auto".

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  const choice = root.dataset.themeChoice;
  root.dataset.bsTheme = choice === "light" || choice === "dark" ? choice : system.matches ? "dark" : "light";
}

apply();
system.addEventListener("change", apply);
