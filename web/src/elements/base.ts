// What all elements share: light DOM, drawn again when another thing is lit, the theme changes, or the width does.
import { html, nothing, type TemplateResult } from "lit";
import { Lit } from "../kernel/focus";
import { theme } from "../kernel/theme";

export abstract class Figure extends Lit {
  protected width = 0;
  #watch: ResizeObserver | null = null;
  #leave: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#leave = theme.subscribe(() => this.requestUpdate());
    this.#watch = new ResizeObserver((entries) => {
      const width = Math.floor(entries[0]!.contentRect.width);
      if (width === this.width) return;
      this.width = width;
      // Not within the observer's own turn: what is drawn may change the size again.
      requestAnimationFrame(() => this.requestUpdate());
    });
    this.#watch.observe(this);
    this.width = Math.floor(this.getBoundingClientRect().width);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch?.disconnect();
    this.#leave?.();
  }
}

/** The numbers of a figure as a table, with a button that opens it. */
export function tableOf(
  open: boolean,
  toggle: () => void,
  caption: string,
  head: string[],
  rows: () => (string | TemplateResult)[][],
): TemplateResult {
  return html`<button type="button" class="link table-button" aria-expanded=${open ? "true" : "false"} @click=${toggle}>
      ${open ? "Hide table" : "Table"}
    </button>
    ${open
      ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="Table: ${caption}">
          <table>
            <caption class="sr">${caption}</caption>
            <thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
            <tbody>
              ${rows().map(
                (row) => html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}</tr>`,
              )}
            </tbody>
          </table>
        </div>`
      : nothing}`;
}
