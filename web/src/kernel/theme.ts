// Light or dark: what the system prefers, until the reader says otherwise.
export type Theme = "system" | "light" | "dark";

const KEY = "rung-theme";
const listeners = new Set<() => void>();
const dark = (): MediaQueryList => matchMedia("(prefers-color-scheme: dark)");

export const theme = {
  get choice(): Theme {
    const found = document.documentElement.dataset.theme;
    return found === "light" || found === "dark" ? found : "system";
  },
  get dark(): boolean {
    return theme.choice === "system" ? dark().matches : theme.choice === "dark";
  },
  set(choice: Theme): void {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // forbidden: it lasts as long as the page
    }
    for (const listener of [...listeners]) listener();
  },
  start(): void {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
    } catch {
      // forbidden
    }
    dark().addEventListener("change", () => {
      for (const listener of [...listeners]) listener();
    });
  },
  subscribe(fn: () => void): () => void {
    listeners.add(fn);
    return () => listeners.delete(fn);
  },
};

export const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
