import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section12 extends Section {
  readonly number = 12;
  readonly heading = "The ladder";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-12", Section12);
