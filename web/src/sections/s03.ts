import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section03 extends Section {
  readonly number = 3;
  readonly heading = "Direct path, attention path";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-03", Section03);
