import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section09 extends Section {
  readonly number = 9;
  readonly heading = "Attribution";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-09", Section09);
