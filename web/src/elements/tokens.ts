// A sequence of tokens, always as text. One tab stop; arrow keys move, Enter chooses.
import { html, type TemplateResult } from "lit";
import { focus } from "../kernel/focus";
import { tokenText } from "../kernel/format";
import { define } from "../kernel/define";
import { Figure } from "./base";

export interface TokenMark {
  index: number;
  role?: string;
  label: string;
}

export class RungTokens extends Figure {
  static override properties = {
    tokens: { attribute: false },
    selected: { type: Number },
    marks: { attribute: false },
    label: {},
    at: { state: true },
  };
  tokens: string[] = [];
  selected: number | null = null;
  marks: TokenMark[] = [];
  label = "Tokens";
  at = 0;

  override render(): TemplateResult {
    const here = Math.min(this.selected ?? this.at, this.tokens.length - 1);
    const marks = new Map(this.marks.map((mark) => [mark.index, mark]));
    return html`<div class="tokens" role="group" aria-label=${this.label} @keydown=${this.keys}>
      ${this.tokens.map((text, i) => {
        const mark = marks.get(i);
        const lit = focus.current === `pos:${i}`;
        return html`<button
          type="button"
          class="tok ${lit ? "lit" : ""} ${mark?.role ?? ""} ${mark ? "marked" : ""}"
          tabindex=${i === here ? 0 : -1}
          aria-pressed=${i === this.selected ? "true" : "false"}
          aria-label="${i} ${tokenText(text)}${mark ? ` ${mark.label}` : ""}"
          @click=${() => this.pick(i)}
          @pointerenter=${() => focus.peek(`pos:${i}`)}
          @pointerleave=${() => focus.peek(null)}
        ><span class="index">${i}</span> ${tokenText(text)}${mark ? html` <span class="mark">${mark.label}</span>` : ""}</button>`;
      })}
    </div>`;
  }

  private pick(index: number): void {
    this.at = index;
    this.dispatchEvent(new CustomEvent("pick", { detail: { index }, bubbles: true }));
  }

  private readonly keys = (event: KeyboardEvent): void => {
    const all = [...this.querySelectorAll<HTMLButtonElement>(".tok")];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[Math.min(Math.max(to, 0), all.length - 1)]!;
    for (const one of all) one.tabIndex = one === next ? 0 : -1;
    next.focus();
    focus.peek(`pos:${all.indexOf(next)}`);
  };
}
define("rung-tokens", RungTokens);
