// Words drive the figure, and back. A key names a thing: "head:1.0", "pos:12", "edge:0.0>1.0.K", "role:induction".
import { html, LitElement, type TemplateResult } from "lit";
import { define } from "./define";

const listeners = new Set<() => void>();
let pinned: string | null = null;

const tell = (): void => {
  for (const listener of [...listeners]) listener();
};

export const focus = {
  current: null as string | null,
  /** Lights a key until another is lit; null lights none. */
  set(key: string | null): void {
    pinned = key;
    if (focus.current === key) return;
    focus.current = key;
    tell();
  },
  /** Lights a key while the pointer is over it; null goes back to the one that was set. */
  peek(key: string | null): void {
    const next = key ?? pinned;
    if (focus.current === next) return;
    focus.current = next;
    tell();
  },
  subscribe(fn: () => void): () => void {
    listeners.add(fn);
    return () => listeners.delete(fn);
  },
};

/** Draws again whenever another thing is lit. */
export abstract class Lit extends LitElement {
  private leave: (() => void) | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.leave = focus.subscribe(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.leave?.();
  }
}

const ROLES: Record<string, string> = {
  "role:route": "route",
  "role:previous_token": "route",
  "role:match": "match",
  "role:induction": "match",
  "role:copy": "copy",
};

class RungWord extends Lit {
  static override properties = { key: {}, text: {} };
  key = "";
  text: unknown = "";

  override render(): TemplateResult {
    const lit = focus.current === this.key;
    return html`<button
      type="button"
      class="word ${ROLES[this.key] ?? ""}"
      aria-pressed=${lit ? "true" : "false"}
      @click=${() => focus.set(lit && pinned === this.key ? null : this.key)}
      @pointerenter=${() => focus.peek(this.key)}
      @pointerleave=${() => focus.peek(null)}
    >${this.text}</button>`;
  }
}
define("rung-word", RungWord);

/** A button in prose that lights `key`, and is lit when a figure lights it. */
export const word = (key: string, text: unknown): TemplateResult =>
  html`<rung-word .key=${key} .text=${text}></rung-word>`;
