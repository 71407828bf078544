// Asks the server for a computation, and reads its stream of events.
export interface Progress {
  step: string;
  done: number;
  total: number;
}

/** What went wrong, in words for the reader. */
export class LabError extends Error {
  constructor(
    message: string,
    readonly kind = "error",
  ) {
    super(message);
    this.name = "LabError";
  }
}

export interface Session {
  run: string;
  models: string[];
  model: string;
  /** The text of a record, and a drawer, that the server was started with. */
  record: string | null;
  drawer: Opened["drawer"];
}

/** What the server says of a file that was opened. */
export interface Opened {
  drawer: { pins: object[]; proof: object | null } | null;
  record: string | null;
}

export interface RunOptions {
  panel: string;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Transport {
  run(
    computation: string,
    ask: object,
    options: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<unknown>;
  session(): Promise<Session>;
  /** Checks a drawer or record file. */
  check(text: string): Promise<Opened>;
  /** The file of a drawer, with its digest. */
  save(drawer: { pins: object[]; proof: object | null }): Promise<{ name: string; text: string }>;
}

export type Connection = "ok" | "lost" | "restarted";

const watchers = new Set<() => void>();

/** Whether the server is there, and the one that this page was opened with. */
export const connection = {
  status: "ok" as Connection,
  run: null as string | null,
  set(status: Connection): void {
    if (status === connection.status) return;
    connection.status = status;
    for (const watcher of [...watchers]) watcher();
  },
  subscribe(fn: () => void): () => void {
    watchers.add(fn);
    return () => watchers.delete(fn);
  },
};

const RESTARTED =
  "The lab was restarted since this page was opened. Open the address that rung lab printed last; " +
  "what you set is in this page's address, and your pins are kept.";
const LOST =
  "The lab does not answer: it was stopped, or the connection broke. Start rung lab again, or press Run once more; " +
  "nothing that you typed is lost.";

const tab = ((): string => {
  const bytes = new Uint8Array(9);
  globalThis.crypto?.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
})();

async function refusal(response: Response): Promise<LabError> {
  let message = `the server answered ${response.status}`;
  let kind = String(response.status);
  try {
    const found = (await response.json()) as { message?: unknown; kind?: unknown };
    if (typeof found.message === "string") message = found.message;
    if (typeof found.kind === "string") kind = found.kind;
  } catch {
    // not JSON: the status says it
  }
  if (response.status === 401) {
    connection.set("restarted");
    return new LabError(RESTARTED, "restarted");
  }
  return new LabError(message, kind);
}

const post = async (path: string, body: string, signal?: AbortSignal): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      credentials: "same-origin",
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    connection.set("lost");
    throw new LabError(LOST, "lost");
  }
  if (!response.ok) throw await refusal(response);
  return response;
};

interface Event {
  name: string;
  data: string;
}

/** The events of a stream, as they come. Lines end in \n, \r\n or \r; comments (":" first) keep it alive. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      // A \r at the end may be half of \r\n.
      const whole = done ? text : text.replace(/\r$/, "");
      const kept = text.slice(whole.length);
      const blocks = whole.replace(/\r\n?/g, "\n").split("\n\n");
      text = (blocks.pop() ?? "") + kept;
      for (const block of blocks) {
        const event: Event = { name: "message", data: "" };
        const data: string[] = [];
        for (const line of block.split("\n")) {
          const at = line.indexOf(":");
          if (at === 0) continue;
          const field = at < 0 ? line : line.slice(0, at);
          const content = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
          if (field === "event") event.name = content;
          if (field === "data") data.push(content);
        }
        if (!data.length) continue;
        event.data = data.join("\n");
        yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

export const http: Transport = {
  async run(computation, ask, { signal, onProgress }) {
    const response = await post("/api/run", JSON.stringify({ computation, ask, tab }), signal);
    connection.set("ok");
    try {
      for await (const event of events(response.body!)) {
        const data = JSON.parse(event.data) as Record<string, unknown>;
        if (event.name === "progress") onProgress?.(data as unknown as Progress);
        else if (event.name === "answer") return data;
        else if (event.name === "error") throw new LabError(String(data.message), String(data.kind ?? "error"));
        else if (event.name === "cancelled") throw new LabError("The computation was cancelled.", "cancelled");
      }
    } catch (error) {
      if (error instanceof LabError || signal.aborted) throw error;
    }
    if (signal.aborted) throw signal.reason;
    connection.set("lost");
    throw new LabError(LOST, "lost");
  },

  async session() {
    const response = await fetch("/api/session", { credentials: "same-origin" });
    if (!response.ok) throw await refusal(response);
    return (await response.json()) as Session;
  },

  async check(text) {
    return (await (await post("/api/drawer", text)).json()) as Opened;
  },

  async save(drawer) {
    return (await (await post("/api/drawer/save", JSON.stringify(drawer))).json()) as { name: string; text: string };
  },
};

let transport: Transport = http;

/** Widgets and the static export bring their own way to an answer. */
export function setTransport(other: Transport): void {
  transport = other;
}

export const transported = (): Transport => transport;

const running = new Map<string, AbortController>();

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";

/**
 * Runs a computation. The latest request of a panel wins: an earlier one is aborted, and its promise rejects with an
 * AbortError. Anything else that goes wrong is a LabError.
 */
export async function run<A>(computation: string, ask: object, options: RunOptions): Promise<A> {
  running.get(options.panel)?.abort();
  const control = new AbortController();
  running.set(options.panel, control);
  const abort = (): void => control.abort();
  if (options.signal?.aborted) abort();
  options.signal?.addEventListener("abort", abort);
  try {
    const answer = await transport.run(computation, ask, {
      signal: control.signal,
      onProgress: (progress) => {
        if (!control.signal.aborted) options.onProgress?.(progress);
      },
    });
    if (control.signal.aborted) throw control.signal.reason;
    return answer as A;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    if (running.get(options.panel) === control) running.delete(options.panel);
  }
}

let known: Promise<Session> | null = null;

/** What the server offers, asked once. */
export function session(): Promise<Session> {
  known ??= transport.session().then((found) => {
    connection.run = found.run;
    return found;
  });
  known.catch(() => (known = null));
  return known;
}

/** Asks whether the server is still the one that this page was opened with. */
export async function checkServer(): Promise<void> {
  try {
    const found = await transport.session();
    connection.set(connection.run === null || found.run === connection.run ? "ok" : "restarted");
  } catch (error) {
    connection.set(error instanceof LabError && error.kind === "restarted" ? "restarted" : "lost");
  }
}
