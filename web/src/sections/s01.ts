import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section01 extends Section {
  readonly number = 1;
  readonly heading = "What this is";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-01", Section01);
