import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section14 extends Section {
  readonly number = 14;
  readonly heading = "Notebook moves";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-14", Section14);
