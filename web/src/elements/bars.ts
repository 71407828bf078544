// Bars with intervals. Rows are a table whose cells hold the bars; columns are one tab stop, with a table behind t.
import { html, nothing, svg, type TemplateResult } from "lit";
import { roleColour } from "../kernel/colour";
import { focus } from "../kernel/focus";
import { interval, num, signed as withSign, tokenText } from "../kernel/format";
import { define } from "../kernel/define";
import { Figure, tableOf } from "./base";

export interface Bar {
  label: string;
  value: number;
  low?: number;
  high?: number;
  /** What the reader predicted: drawn as a hollow diamond. */
  predicted?: number | null;
  /** Lights with the words of the page. */
  key?: string;
  group?: string;
  role?: string;
  note?: string;
}

export interface Rule {
  at: number;
  label: string;
}

export class RungBars extends Figure {
  static override properties = {
    items: { attribute: false },
    unit: {},
    label: {},
    signed: { type: Boolean },
    domain: { attribute: false },
    rules: { attribute: false },
    layout: {},
    digits: { type: Number },
    tokens: { type: Boolean },
    at: { state: true },
    table: { state: true },
  };
  items: Bar[] = [];
  unit = "";
  label = "";
  signed = false;
  domain: [number, number] | null = null;
  rules: Rule[] = [];
  layout: "rows" | "columns" = "rows";
  digits = 2;
  /** The labels are tokens: their whitespace is shown. */
  tokens = false;
  at = 0;
  table = false;

  private ends(): [number, number] {
    if (this.domain) return this.domain;
    const all = this.items.flatMap((bar) => [bar.value, bar.low, bar.high, bar.predicted].filter((x): x is number => typeof x === "number" && Number.isFinite(x)));
    all.push(...this.rules.map((rule) => rule.at));
    const high = Math.max(0, ...all);
    const low = Math.min(0, ...all);
    return low === high ? [0, 1] : [low, high];
  }

  private text(label: string): string {
    return this.tokens ? tokenText(label) : label;
  }

  private value(bar: Bar): string {
    return this.signed ? withSign(bar.value, this.digits) : num(bar.value, this.digits);
  }

  private groups(): string[] {
    return [...new Set(this.items.map((bar) => bar.group).filter((group): group is string => group !== undefined))];
  }

  private ink(bar: Bar): string {
    return bar.role ? roleColour(bar.role) : bar.group !== undefined ? roleColour(undefined, this.groups().indexOf(bar.group)) : "var(--bar)";
  }

  private choose(bar: Bar, index: number): void {
    if (bar.key) focus.set(focus.current === bar.key ? null : bar.key);
    this.dispatchEvent(new CustomEvent("pick", { detail: { index }, bubbles: true }));
  }

  override render(): TemplateResult {
    return this.layout === "columns" ? this.columns() : this.rowsOf();
  }

  private legend(): TemplateResult | typeof nothing {
    const groups = this.groups();
    const predicted = this.items.some((bar) => typeof bar.predicted === "number");
    const ranged = this.items.some((bar) => bar.low !== undefined);
    if (!groups.length && !predicted && !ranged && !this.rules.length) return nothing;
    return html`<ul class="legend">
      ${groups.map((group, i) => {
        const bar = this.items.find((one) => one.group === group)!;
        return html`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill=${bar.role ? roleColour(bar.role) : roleColour(undefined, i)}></rect></svg>${group}</li>`;
      })}
      ${predicted ? html`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1L11 6L6 11L1 6Z" class="guess"></path></svg>your prediction</li>` : nothing}
      ${ranged ? html`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M2 6H18M2 2V10M18 2V10" class="whisker"></path></svg>interval</li>` : nothing}
      ${this.rules.map((rule) => html`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" class="rule"></path></svg>${rule.label} (${num(rule.at, this.digits)})</li>`)}
    </ul>`;
  }

  private rowsOf(): TemplateResult {
    const [low, high] = this.ends();
    const span = high - low || 1;
    const x = (value: number): number => (1000 * (Math.min(Math.max(value, low), high) - low)) / span;
    return html`<table class="bars">
        <caption class="sr">${this.label}${this.unit ? `, in ${this.unit}` : ""}</caption>
        <thead class="sr"><tr><th scope="col">name</th><th scope="col">bar</th><th scope="col">${this.unit || "value"}</th></tr></thead>
        <tbody>
          ${this.items.map((bar, i) => {
            const lit = bar.key !== undefined && focus.current === bar.key;
            const [a, b] = [x(Math.min(0, bar.value)), x(Math.max(0, bar.value))];
            const guess = typeof bar.predicted === "number" ? bar.predicted : null;
            return html`<tr class=${lit ? "lit" : ""} @pointerenter=${() => bar.key && focus.peek(bar.key)} @pointerleave=${() => bar.key && focus.peek(null)}>
              <th scope="row">
                ${bar.key ? html`<button type="button" class="word" aria-pressed=${lit ? "true" : "false"} @click=${() => this.choose(bar, i)}>${this.text(bar.label)}</button>` : this.text(bar.label)}
                ${bar.role ? html`<span class="role-tag ${bar.role}">${bar.role}</span>` : nothing}
              </th>
              <td class="track">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                  ${this.rules.map((rule) => svg`<line x1=${x(rule.at)} x2=${x(rule.at)} y1="0" y2="20" class="rule" vector-effect="non-scaling-stroke"></line>`)}
                  <rect x=${a} y="4" width=${Math.max(b - a, 0)} height="12" fill=${this.ink(bar)}></rect>
                  <line x1=${x(0)} x2=${x(0)} y1="0" y2="20" class="zero" vector-effect="non-scaling-stroke"></line>
                  ${bar.low !== undefined && bar.high !== undefined
                    ? svg`<path d="M${x(bar.low)} 10H${x(bar.high)}M${x(bar.low)} 5V15M${x(bar.high)} 5V15" class="whisker" vector-effect="non-scaling-stroke"></path>`
                    : nothing}
                </svg>
                ${guess === null ? nothing : html`<svg class="guess-at" x="0" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><line x1=${x(guess)} x2=${x(guess)} y1="1" y2="19" class="guess" vector-effect="non-scaling-stroke"></line></svg>`}
              </td>
              <td class="value">
                ${this.value(bar)}${bar.low !== undefined && bar.high !== undefined ? html` <span class="quiet">${interval(bar.low, bar.high, this.digits)}</span>` : nothing}
                ${guess === null ? nothing : html`<span class="quiet guess-text">you: ${num(guess, this.digits)}</span>`}
                ${bar.note ? html`<span class="quiet">${bar.note}</span>` : nothing}
              </td>
            </tr>`;
          })}
        </tbody>
      </table>
      ${this.unit ? html`<p class="unit quiet">${this.unit}</p>` : nothing} ${this.legend()}`;
  }

  private columns(): TemplateResult {
    const [low, high] = this.ends();
    const width = this.width || 600;
    const height = 180;
    const left = 40;
    const plot = Math.max(width - left - 4, 40);
    const step = plot / Math.max(this.items.length, 1);
    const y = (value: number): number => 8 + ((height - 16) * (high - Math.min(Math.max(value, low), high))) / (high - low || 1);
    const bar = this.items[Math.min(this.at, this.items.length - 1)];
    return html`<div class="columns" tabindex="0" role="application" aria-roledescription="bar chart"
        aria-label="${this.label}. Arrow keys move, m goes to the largest, t shows the table." @keydown=${this.keys}>
        <svg width=${width} height=${height} aria-hidden="true">
          ${[low, high].map((tick) => svg`<text x=${left - 6} y=${y(tick) + (tick === high ? 8 : 0)} class="tick" text-anchor="end">${num(tick, 1)}</text>`)}
          <line x1=${left} x2=${width} y1=${y(0)} y2=${y(0)} class="zero"></line>
          ${this.items.map((one, i) => {
            const x = left + i * step;
            const [a, b] = [y(Math.max(one.value, 0)), y(Math.min(one.value, 0))];
            const lit = one.key !== undefined && focus.current === one.key;
            return svg`<g class="column ${lit ? "lit" : ""} ${i === this.at ? "here" : ""}" @pointerenter=${() => this.move(i)} @click=${() => this.choose(one, i)}>
              <rect x=${x} y="0" width=${step} height=${height} class="hit"></rect>
              <rect x=${x + step * 0.1} y=${a} width=${step * 0.8} height=${Math.max(b - a, 0.5)} fill=${this.ink(one)}></rect>
              ${one.low !== undefined && one.high !== undefined ? svg`<path d="M${x + step / 2} ${y(one.low)}V${y(one.high)}" class="whisker"></path>` : nothing}
              ${typeof one.predicted === "number" ? svg`<path d="M${x} ${y(one.predicted)}h${step}" class="guess"></path>` : nothing}
            </g>`;
          })}
          ${this.rules.map((rule) => svg`<line x1=${left} x2=${width} y1=${y(rule.at)} y2=${y(rule.at)} class="rule"></line><text x=${width - 4} y=${y(rule.at) - 4} class="tick halo" text-anchor="end">${rule.label} ${num(rule.at, this.digits)}</text>`)}
        </svg>
      </div>
      <p class="readout" aria-live="polite">${bar ? `${this.at} ${this.text(bar.label)}: ${this.value(bar)} ${this.unit}${typeof bar.predicted === "number" ? `, you ${num(bar.predicted, this.digits)}` : ""}` : ""}</p>
      ${this.legend()}
      ${tableOf(this.table, () => (this.table = !this.table), this.label, ["", "name", this.unit || "value", ...(this.items.some((one) => typeof one.predicted === "number") ? ["predicted"] : [])], () =>
        this.items.map((one, i) => [String(i), this.text(one.label), this.value(one), ...(typeof one.predicted === "number" ? [num(one.predicted, this.digits)] : [])]),
      )}`;
  }

  private move(index: number): void {
    this.at = Math.min(Math.max(index, 0), this.items.length - 1);
    const key = this.items[this.at]?.key;
    if (key) focus.peek(key);
  }

  private readonly keys = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.items.length - 1;
    if (event.key === "ArrowLeft") this.move(this.at - 1);
    else if (event.key === "ArrowRight") this.move(this.at + 1);
    else if (event.key === "Home") this.move(0);
    else if (event.key === "End") this.move(last);
    else if (event.key === "m") this.move(this.items.reduce((best, bar, i) => (bar.value > this.items[best]!.value ? i : best), 0));
    else if (event.key === "t") this.table = !this.table;
    else if (event.key === "Enter" || event.key === " ") this.choose(this.items[this.at]!, this.at);
    else return;
    event.preventDefault();
  };
}
define("rung-bars", RungBars);
