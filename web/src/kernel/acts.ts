// What the reader has done on this page, as "panel:what". Tours wait for it.
const done = new Set<string>();
const listeners = new Set<(act: string) => void>();

export const acts = {
  done: (act: string): boolean => done.has(act),
  tell(act: string): void {
    done.add(act);
    for (const listener of [...listeners]) listener(act);
  },
  subscribe(fn: (act: string) => void): () => void {
    listeners.add(fn);
    return () => listeners.delete(fn);
  },
};
