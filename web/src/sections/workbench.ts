// The workbench: any model that this machine can load, for every panel of the page.
import { html, nothing, type TemplateResult } from "lit";
import { isAbort, Lit, run, state, type Progress } from "../kernel";

interface ModelAnswer {
  model: string;
  name: string;
  n_layers: number;
  has_tokenizer: boolean;
  notes: string[];
  facts: [string, string][];
}

const PANELS: [string, string, (found: ModelAnswer) => boolean][] = [
  ["#section-2", "its hooks and weights, on your text", () => true],
  ["#section-3", "direct path and attention path", () => true],
  ["#section-4", "the ledger of its residual stream", (found) => found.has_tokenizer],
  ["#section-6", "the board: does it predict repeated tokens?", () => true],
  ["#section-7", "the signatures of its heads", (found) => found.n_layers > 0],
  ["#section-8", "ablating, patching, and a sweep over its heads", (found) => found.n_layers > 0],
  ["#section-9", "attribution, and why a head attends where it does", (found) => found.n_layers > 0],
  ["#section-11", "QK, OV and composition", (found) => found.n_layers > 0],
  ["#section-12", "the full proof", (found) => found.n_layers > 1],
];

class RungWorkbench extends Lit {
  #name = state.get("model", "two-layer");
  #found: ModelAnswer | null = null;
  #problem = "";
  #progress: Progress | null = null;

  async #open(): Promise<void> {
    const model = this.#name.trim();
    this.#problem = model ? "" : "Type the name of a model, a folder, or a GGUF file.";
    this.requestUpdate();
    if (!model) return;
    try {
      this.#progress = { step: `Loading ${model}`, done: 0, total: 0 };
      this.#found = await run<ModelAnswer>("workbench.open", { model }, { panel: "workbench", onProgress: (progress) => {
        this.#progress = progress;
        this.requestUpdate();
      } });
      state.set({ model: this.#found.model });
    } catch (error) {
      if (isAbort(error)) return;
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#progress = null;
      this.requestUpdate();
    }
  }

  override render(): TemplateResult {
    const found = this.#found;
    return html`<section aria-labelledby="workbench-heading">
      <h2 id="workbench-heading">Workbench</h2>
      <p>
        Everything above runs on any model that Rung can load. Name one, and the whole page is about it: a bundled or
        fetched model, a folder with <code>config.json</code> and <code>model.safetensors</code>, or a GGUF file. Nothing is
        downloaded from here; <code>rung fetch</code> does that beforehand.
      </p>
      <form class="gap-form" @submit=${(event: Event) => {
        event.preventDefault();
        void this.#open();
      }}>
        <input type="text" aria-label="Model" spellcheck="false" autocomplete="off" .value=${this.#name} @input=${(event: Event) => {
          this.#name = (event.target as HTMLInputElement).value;
        }} />
        <button type="submit" class="primary" data-act="open">Open</button>
      </form>
      <p class="status" role="status">${this.#progress ? this.#progress.step : ""}</p>
      ${this.#problem ? html`<p class="problem" role="alert">${this.#problem}</p>` : nothing}
      ${found ? this.#show(found) : nothing}
    </section>`;
  }

  #show(found: ModelAnswer): TemplateResult {
    return html`<h3>${found.name}</h3>
      <div class="wide-table">
        <table>
          <tbody>${found.facts.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody>
        </table>
      </div>
      ${found.notes.length ? html`<ul>${found.notes.map((note) => html`<li>${note}</li>`)}</ul>` : nothing}
      <p>The page is about ${found.name} now. Go on with:</p>
      <ul>
        ${PANELS.map(([href, what, fits]) => html`<li>${fits(found) ? html`<a href=${href}>${what}</a>` : html`<span class="quiet">${what}: this model has nothing to show there</span>`}</li>`)}
      </ul>`;
  }
}
customElements.define("rung-workbench", RungWorkbench);
