import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section02 extends Section {
  readonly number = 2;
  readonly heading = "Concrete access";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-02", Section02);
