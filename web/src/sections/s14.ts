import { html, nothing, type TemplateResult } from "lit";
import { acts, isAbort, LabError, Lit, run, Section, tour, word, type Progress } from "../kernel";
import { save } from "./s12";

interface Move { name: string; title: string; cells: { words: string; code: string }[]; notebook: string }

class RungMove extends Lit {
  static override properties = { move: { attribute: false } };
  move: Move | null = null;
  #printed: string[] | null = null;
  #guess = "";
  #problem = "";
  #said = "";
  #slow = false;
  #busy = false;
  #progress: Progress | null = null;
  #control: AbortController | null = null;

  override render(): TemplateResult | typeof nothing {
    const { move } = this;
    if (!move) return nothing;
    return html`<article class="panel" id="s14-${move.name}" aria-labelledby="s14-${move.name}-heading">
      <h3 id="s14-${move.name}-heading">${move.title}</h3>
      <label>Predict: what will the last cell print?
        <input type="text" autocomplete="off" .value=${this.#guess} @input=${(event: Event) => { this.#guess = (event.target as HTMLInputElement).value; }} /></label>
      ${move.cells.map((cell, i) => html`<p>${cell.words}</p>
        <pre tabindex="0" aria-label="Code of cell ${i + 1}"><code>${cell.code}</code></pre>
        ${this.#printed?.[i] ? html`<pre class="printed" tabindex="0" aria-label="Printed by cell ${i + 1}" data-cell=${i}>${this.#printed[i]}</pre>` : nothing}`)}
      ${this.#printed ? html`<p>You predicted: ${this.#guess.trim() || "nothing"}. The last cell printed what stands above.</p>` : nothing}
      <p>
        <button type="button" class="primary" data-act="run" @click=${() => void this.start()}>${this.#printed ? "Run again" : "Run"}</button>
        <button type="button" data-act="copy" @click=${() => void this.copy()}>Copy</button>
        <button type="button" data-act="notebook" @click=${() => { save(`${move.name}.ipynb`, move.notebook, "application/x-ipynb+json"); acts.tell("s14:notebook"); }}>Open notebook</button>
        ${this.#busy && this.#slow
          ? html`<span class="waiting" role="status">${this.#progress ? `Running ${this.#progress.step}` : "Waiting for its turn"}
              <button type="button" data-act="cancel" @click=${() => this.#control?.abort()}>Cancel</button></span>`
          : nothing}
      </p>
      <p class="status" role="status">${this.#said}</p>
      ${this.#problem ? html`<p class="problem" role="alert">${this.#problem}</p>` : nothing}
    </article>`;
  }

  async start(): Promise<void> {
    const move = this.move!;
    this.#control?.abort();
    const control = (this.#control = new AbortController());
    [this.#busy, this.#slow, this.#progress, this.#problem, this.#said] = [true, false, null, "", ""];
    const slow = setTimeout(() => { this.#slow = true; this.requestUpdate(); }, 400);
    try {
      const found = await run<{ printed: string[] }>("moves.run", { move: move.name }, {
        panel: `s14-${move.name}`,
        signal: control.signal,
        onProgress: (progress) => { this.#progress = progress; this.requestUpdate(); },
      });
      this.#printed = found.printed;
      this.#said = `${move.title}: done.`;
      acts.tell(`s14:${move.name}`);
      acts.tell("s14:ran");
    } catch (error) {
      if (control !== this.#control) return;
      if (isAbort(error) || (error instanceof LabError && error.kind === "cancelled")) this.#said = "Cancelled. Press Run to start again.";
      else this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(slow);
      if (control === this.#control) this.#busy = false;
      this.requestUpdate();
    }
  }

  async copy(): Promise<void> {
    const text = `${this.move!.cells.map((cell) => `# ${cell.words}\n${cell.code}`).join("\n\n")}\n`;
    try {
      await navigator.clipboard.writeText(text);
      this.#said = "Copied.";
    } catch {
      this.#said = "This browser does not let the page copy; use Open notebook, or select the code.";
    }
    acts.tell("s14:copied");
    this.requestUpdate();
  }
}
customElements.define("rung-move", RungMove);

class Section14 extends Section {
  readonly number = 14;
  readonly heading = "Notebook moves";
  #moves: Move[] = [];
  #problem = "";
  #asked = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (!this.#asked) void this.fetch();
  }

  async fetch(): Promise<void> {
    this.#asked = true;
    try {
      this.#moves = (await run<{ moves: Move[] }>("moves.list", {}, { panel: "s14-list" })).moves;
      this.#problem = "";
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  body(): TemplateResult {
    return html`
      <p>Five moves carry you from this page into a notebook. Each is a few lines that you may run here, copy, or open as a notebook. What runs is the code you see; the page sends its name and nothing else.</p>
      <p>In a notebook, look first and touch later: ${word("s14:cache", "cache")} a run, read it, then ${word("s14:hook", "hook")} a place and change it. An intervention without a look before it changes something you have not seen.</p>
      ${tour("Take it with you", [
        { say: html`Say what the last cell of a move will print, then run it.`, until: "s14:ran" },
        { say: html`Run the hook move: which head's ablation moves the loss?`, until: "s14:hook" },
        { say: html`Take one move as a notebook.`, until: "s14:notebook" },
      ])}
      ${this.#problem ? html`<p class="problem" role="alert">${this.#problem} <button type="button" @click=${() => void this.fetch()}>Ask again</button></p>` : nothing}
      ${this.#moves.length || this.#problem ? nothing : html`<p role="status">Fetching the code of the moves.</p>`}
      ${this.#moves.map((move) => html`<rung-move .move=${move}></rung-move>`)}`;
  }
}
customElements.define("rung-section-14", Section14);
