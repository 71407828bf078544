// A tour goes on when the reader has done what it asks for, not when they press Next.
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { acts } from "./acts";
import { define } from "./define";

export interface Step {
  say: TemplateResult;
  until: string;
}

class RungTour extends LitElement {
  static override properties = { name: {}, steps: { attribute: false }, at: { state: true } };
  name = "";
  steps: Step[] = [];
  at = 0;
  #leave: (() => void) | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#leave = acts.subscribe((act) => {
      if (act === this.steps[this.at]?.until) this.at += 1;
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
  }

  override render(): TemplateResult {
    const { steps, at } = this;
    const over = at >= steps.length;
    return html`<aside class="tour" aria-label="Tour: ${this.name}">
      <p class="tour-head">
        <strong>${this.name}</strong>
        <span class="quiet">${over ? "done" : `step ${at + 1} of ${steps.length}`}</span>
        ${at > 0 ? html`<button type="button" class="link" @click=${() => (this.at = 0)}>Start over</button>` : nothing}
      </p>
      <ol>
        ${steps.map((step, i) =>
          i > at
            ? nothing
            : html`<li class=${i < at ? "done" : "now"} aria-current=${i === at ? "step" : nothing}>
                ${i < at ? html`<span class="tick" aria-label="done">✓</span> ` : nothing}${step.say}
              </li>`,
        )}
      </ol>
      <p class="quiet" role="status">${over ? "That was the tour." : "It goes on once you have done this."}</p>
    </aside>`;
  }
}
define("rung-tour", RungTour);

export const tour = (name: string, steps: Step[]): TemplateResult =>
  html`<rung-tour .name=${name} .steps=${steps}></rung-tour>`;
