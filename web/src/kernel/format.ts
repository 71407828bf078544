// The one place where numbers and tokens become text.
import { html, type TemplateResult } from "lit";

const MINUS = "−";
/** With a true minus, and none before what rounds to nothing. */
const sign = (text: string): string => (/^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace(/-/g, MINUS));

/** A number with so many decimals; very small and very large ones with a power of ten. */
export function num(x: number, digits = 2): string {
  if (Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(x);
  if (size !== 0 && (size < 0.5 * 10 ** -digits || size >= 1e6)) return sign(x.toExponential(1).replace("e+", "e"));
  return sign(x.toFixed(digits));
}

/** A share in per cent that never rounds up to all. */
export function percent(x: number, digits = 0): string {
  if (Number.isNaN(x)) return "–";
  if (x !== 1 && x >= 0.99 && x < 1.005) return `${Math.min(100 * x, 99.9).toFixed(1)} %`;
  return `${sign((100 * x).toFixed(digits))} %`;
}

/** With its sign, also where positive. */
export const signed = (x: number, digits = 2): string => (x > 0 ? `+${num(x, digits)}` : num(x, digits));

export const nats = (x: number, digits = 2): string => `${num(x, digits)} nats`;

export const interval = (low: number, high: number, digits = 2): string => `[${num(low, digits)}, ${num(high, digits)}]`;

/** Whitespace made visible: a token's text, safe wherever text goes. */
export function tokenText(text: string): string {
  const seen = text
    .replace(/ /g, "·")
    .replace(/\n/g, "⏎")
    .replace(/\t/g, "⇥")
    .replace(/\r/g, "␍")
    // Controls, marks of direction and other characters without a shape of their own.
    .replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) =>
      `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  return seen === "" ? "∅" : seen;
}

/** A token, always as text. */
export const token = (text: string): TemplateResult => html`<code class="token">${tokenText(text)}</code>`;
