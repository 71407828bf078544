import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section05 extends Section {
  readonly number = 5;
  readonly heading = "Skip-trigrams";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-05", Section05);
