import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section06 extends Section {
  readonly number = 6;
  readonly heading = "The board";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-06", Section06);
