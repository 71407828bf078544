// The evidence drawer: what the reader pinned. Kept in this browser for each run of the lab; tabs share it.
import { session, transported, type Opened } from "./run";

export interface Pin {
  test?: string;
  title: string;
  rung: 0 | 1 | 2 | 3 | 4;
  value: number;
  unit: string;
  n?: number;
  low?: number;
  high?: number;
  control?: number;
  floor?: number;
  holds?: boolean;
  subject?: string;
}

export interface Pinned extends Pin {
  id: string;
  at: string;
  panel: string;
  computation: string;
  ask: object;
}

export interface DrawerFile {
  format: "rung-drawer";
  version: 1;
  run: string;
  saved: string;
  pins: Pinned[];
  proof: unknown;
}

const PREFIX = "rung-drawer:";
const listeners = new Set<() => void>();
let key = `${PREFIX}none`;

const stored = (name: string): Partial<DrawerFile> | null => {
  try {
    const text = localStorage.getItem(name);
    return text === null ? null : (JSON.parse(text) as Partial<DrawerFile>);
  } catch {
    return null;
  }
};

const isDrawer = (file: unknown): file is DrawerFile =>
  typeof file === "object" && file !== null && (file as DrawerFile).format === "rung-drawer";

export const drawer = {
  pins: [] as Pinned[],
  /** A record of `rung prove`, where one was made or opened. */
  proof: null as unknown,

  add(pin: Pin & { panel: string; computation: string; ask: object }): void {
    const same = JSON.stringify([pin.panel, pin.test, pin.subject, pin.title, pin.ask]);
    const others = drawer.pins.filter(
      (one) => JSON.stringify([one.panel, one.test, one.subject, one.title, one.ask]) !== same,
    );
    const at = new Date().toISOString();
    drawer.pins = [...others, { ...pin, id: `${at}-${others.length}`, at }];
    save();
  },

  remove(id: string): void {
    drawer.pins = drawer.pins.filter((pin) => pin.id !== id);
    save();
  },

  clear(): void {
    drawer.pins = [];
    drawer.proof = null;
    save();
  },

  setProof(record: unknown): void {
    drawer.proof = record;
    save();
  },

  file(): DrawerFile {
    const run = key.slice(PREFIX.length);
    return { format: "rung-drawer", version: 1, run, saved: new Date().toISOString(), pins: drawer.pins, proof: drawer.proof };
  },

  /** Downloads a file that `rung lab --open` shows, and `rung verify` executes again. Rejects with a LabError. */
  async download(): Promise<void> {
    const pins = drawer.pins.map(({ id: _id, at: _at, ...pin }) => pin);
    const file = await transported().save({ pins, proof: drawer.proof as object | null });
    const url = URL.createObjectURL(new Blob([file.text], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  },

  /** Opens a drawer or a record from text. The server checks it first. Rejects with a LabError. */
  async open(text: string): Promise<void> {
    drawer.show(await transported().check(text));
  },

  /** Shows a file that the server has checked. */
  show(file: Opened): void {
    if (file.drawer) {
      drawer.pins = [];
      for (const pin of file.drawer.pins as (Pin & { panel: string; computation: string; ask: object })[]) drawer.add(pin);
      drawer.proof = file.drawer.proof ?? null;
    } else if (file.record !== null) {
      drawer.proof = JSON.parse(file.record) as unknown;
    }
    save();
  },

  /** Pins of another run that this browser still has, the newest first. */
  earlier(): { key: string; pins: Pinned[]; saved: string }[] {
    const found = [];
    for (let i = 0; i < localStorage.length; i++) {
      const name = localStorage.key(i)!;
      if (!name.startsWith(PREFIX) || name === key) continue;
      const file = stored(name);
      if (file?.pins?.length) found.push({ key: name, pins: file.pins, saved: file.saved ?? "" });
    }
    return found.sort((a, b) => b.saved.localeCompare(a.saved));
  },

  bringBack(name: string): void {
    const file = stored(name);
    if (!file) return;
    const known = new Set(drawer.pins.map((pin) => pin.id));
    drawer.pins = [...drawer.pins, ...(file.pins ?? []).filter((pin) => !known.has(pin.id))];
    drawer.proof ??= file.proof ?? null;
    localStorage.removeItem(name);
    save();
  },

  subscribe(fn: () => void): () => void {
    listeners.add(fn);
    return () => listeners.delete(fn);
  },
};

const tell = (): void => {
  for (const listener of [...listeners]) listener();
};

function save(): void {
  try {
    localStorage.setItem(key, JSON.stringify(drawer.file()));
  } catch {
    // Full or forbidden: the drawer lasts as long as the page.
  }
  tell();
}

function load(): void {
  const file = stored(key);
  if (isDrawer(file)) {
    drawer.pins = file.pins ?? [];
    drawer.proof = file.proof ?? null;
  }
  tell();
}

/** Takes up the drawer of the running lab, and what the server was started with (`rung lab --open FILE`). */
export async function startDrawer(): Promise<void> {
  const found = await session();
  key = PREFIX + found.run;
  const fresh = stored(key) === null;
  load();
  if (fresh) drawer.show({ drawer: found.drawer, record: found.record });
  window.addEventListener("storage", (event) => {
    if (event.key === key) load();
  });
}
