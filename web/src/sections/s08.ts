import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section08 extends Section {
  readonly number = 8;
  readonly heading = "Cache, hook, measure";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-08", Section08);
