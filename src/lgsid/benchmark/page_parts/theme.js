// Light or dark: as the system says, until the reader says otherwise.

const THEME_KEY = "lgsid-leaderboard-theme";
const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

// Storage may be refused, for a page opened as a file for example.
function storedTheme() {
  try {
    return window.localStorage.getItem(THEME_KEY);
  } catch {
    return null;
  }
}

function storeTheme(theme) {
  try {
    window.localStorage.setItem(THEME_KEY, theme);
  } catch {
    // The choice holds for this visit.
  }
}

function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").setAttribute("aria-pressed", String(theme === "dark"));
  byId("theme").textContent = theme === "dark" ? "Light theme" : "Dark theme";
  mapPanels.forEach(showPanel);
}

function startTheme() {
  let chosen = storedTheme();
  const current = () => chosen ?? (systemIsDark.matches ? "dark" : "light");
  systemIsDark.addEventListener("change", () => showTheme(current()));
  byId("theme").addEventListener("click", () => {
    chosen = current() === "dark" ? "light" : "dark";
    storeTheme(chosen);
    showTheme(chosen);
  });
  byId("theme").hidden = false;
  showTheme(current());
}
