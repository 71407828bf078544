import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section13 extends Section {
  readonly number = 13;
  readonly heading = "Five checks";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-13", Section13);
