// Everything that a reader set lives in the URL's query: a link, a reload or a second tab shows the same.
type Listener = () => void;

const listeners = new Set<Listener>();

const read = (): URLSearchParams => new URLSearchParams(location.search);

export const state = {
  get(key: string, fallback = ""): string {
    return read().get(key) ?? fallback;
  },

  /** The number under `key`; the fallback where there is none, or something else than a number. */
  number(key: string, fallback: number): number {
    const text = read().get(key);
    if (text === null || text.trim() === "") return fallback;
    const found = Number(text);
    return Number.isFinite(found) ? found : fallback;
  },

  /** Sets values; null removes a key. */
  set(values: Record<string, string | number | null>): void {
    const query = read();
    const before = query.toString();
    for (const [key, value] of Object.entries(values)) {
      if (value === null) query.delete(key);
      else query.set(key, String(value));
    }
    const after = query.toString();
    if (after === before) return;
    history.replaceState(history.state, "", `${location.pathname}${after ? `?${after}` : ""}${location.hash}`);
    for (const listener of [...listeners]) listener();
  },

  subscribe(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

if (typeof window !== "undefined") {
  window.addEventListener("popstate", () => {
    for (const listener of [...listeners]) listener();
  });
}
