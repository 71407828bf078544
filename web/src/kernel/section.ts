// A section of the page: a numbered heading, prose, panels.
import { html, type TemplateResult } from "lit";
import { Lit } from "./focus";

export abstract class Section extends Lit {
  abstract readonly number: number;
  abstract readonly heading: string;
  abstract body(): TemplateResult;

  override render(): TemplateResult {
    const id = `section-${this.number}`;
    return html`<section id=${id} aria-labelledby="${id}-heading">
      <h2 id="${id}-heading"><span class="number">${this.number}</span> ${this.heading}</h2>
      ${this.body()}
    </section>`;
  }
}
