import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section11 extends Section {
  readonly number = 11;
  readonly heading = "Weights";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-11", Section11);
