import { html, type TemplateResult } from "lit";
import { Section } from "../kernel";

class Section10 extends Section {
  readonly number = 10;
  readonly heading = "Route, match, copy";

  body(): TemplateResult {
    return html`<p>This section is being built.</p>`;
  }
}
customElements.define("rung-section-10", Section10);
