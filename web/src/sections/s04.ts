import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section04 extends Section {
  readonly number = 4;
  readonly heading = "The residual stream";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-04", Section04);
