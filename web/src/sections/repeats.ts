// The sequence that sections 6 to 8 share: its length and its seed, in the URL under their own names.
import "./repeats.css";
import { html, type TemplateResult } from "lit";
import { state, tokenText, type ArrayJson } from "../kernel";

export interface Estimate {
  value: number;
  low: number | null;
  high: number | null;
  n: number;
}
export interface SequenceJson {
  texts: string[];
  period: number;
  start: number;
  second: number;
}
export type { ArrayJson };

export const length = (): number => state.number("length", 20);
export const seed = (): number => state.number("seed", 0);

/** `low` and `high` as a bar takes them. */
export const ends = (found: Estimate): { low?: number; high?: number } =>
  found.low === null || found.high === null ? {} : { low: found.low, high: found.high };

const set = (key: string) => (event: Event): void => {
  const input = event.target as HTMLInputElement;
  if (input.value !== "" && input.reportValidity()) state.set({ [key]: input.value });
};

/** The sliders of length and seed. */
export const repeatControls = (): TemplateResult => html`<label
    >Tokens in a copy <input type="range" min="4" max="60" .value=${String(length())} @change=${set("length")} />
    <output>${length()}</output></label
  >
  <label>Seed <input type="number" min="0" max="999999" .value=${String(seed())} @change=${set("seed")} /></label>`;

/** A row of choices, of which one is pressed. */
export const choices = (
  label: string,
  options: readonly (readonly [string, unknown])[],
  chosen: unknown,
  pick: (value: string) => void,
): TemplateResult => html`<div class="choices" role="group" aria-label=${label}>
  ${options.map(
    ([value, text]) =>
      html`<button type="button" data-choice=${value} aria-pressed=${chosen === value ? "true" : "false"} @click=${() => pick(value)}>
        ${text}
      </button>`,
  )}
</div>`;

/** A slider for a number that the reader predicts. */
export const guessSlider = (
  label: string,
  most: number,
  value: number | undefined,
  put: (value: number) => void,
  step = 0.1,
): TemplateResult => html`<label
  >${label}
  <input
    type="range"
    min="0"
    max=${most}
    step=${step}
    .value=${String(value ?? 0)}
    @change=${(event: Event) => put(Number((event.target as HTMLInputElement).value))}
  />
  <output>${value === undefined ? "?" : String(value)}</output></label
>`;

/** The labels of the tokens that each loss is for: every token but the first. */
export const targets = (sequence: SequenceJson): string[] => sequence.texts.slice(1).map(tokenText);

/** Which copy the token at a position is in. */
export const copyOf = (sequence: SequenceJson, position: number): string =>
  position < sequence.second ? "first copy" : "second copy";
