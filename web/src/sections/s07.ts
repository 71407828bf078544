import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section07 extends Section {
  readonly number = 7;
  readonly heading = "Signatures";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-07", Section07);
