// The record viewer: every test behind a verdict, read off a file of `rung prove` or a drawer.
import { html, nothing, type TemplateResult } from "lit";
import { drawer, isAbort, Lit, num, run } from "../kernel";
import type { Measurement, Outcome } from "../elements/ladder";

interface Check {
  name: string;
  label: string;
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  p: number | null;
  floor: number | null;
  sense: string;
  met: boolean | null;
}

interface Test {
  id: string;
  name: string;
  subject: string;
  rung: 0 | 1 | 2 | 3 | 4;
  required: boolean;
  outcome: Outcome;
  said: string;
  unit: string;
  checks: Check[];
  controls: Record<string, number>;
}

export interface RecordAnswer {
  sentence: string;
  rung: number;
  claim: string;
  task: string;
  circuit: string;
  roles: { name: string; job: string; heads: string[] }[];
  tests: Test[];
  agreement: { role: string; claimed: string[]; first: Record<string, string>; agrees: boolean }[];
  model: string;
  checkpoint: string;
  sequences: number;
  alpha: number;
  looks: number[];
  heads_found: string;
  date: string;
  versions: Record<string, string>;
}

/** The rows of the evidence ladder: each test by the number that decides it, or comes first. */
export function rows(found: RecordAnswer): Measurement[] {
  return found.tests.map((test) => {
    const check = test.checks.find((one) => one.met === false) ?? test.checks.find((one) => one.floor !== null) ?? test.checks[0];
    const control = Object.values(test.controls)[0];
    return {
      id: test.id,
      title: test.name,
      subject: test.subject,
      rung: test.rung,
      outcome: test.outcome,
      required: test.required,
      note: test.said,
      unit: test.unit,
      ...(check ? { value: check.value, low: check.low, high: check.high, floor: check.floor, n: check.n } : {}),
      ...(control === undefined ? {} : { control }),
    };
  });
}

class RungRecord extends Lit {
  #text: string | null = null;
  #found: RecordAnswer | null = null;
  #problem = "";
  #open = new Set<string>();
  #leave: (() => void) | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#leave = drawer.subscribe(() => this.#take());
    this.#take();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
  }

  /** The proof in the drawer, where there is one. */
  #take(): void {
    if (!drawer.proof) return;
    void this.#read(JSON.stringify(drawer.proof));
  }

  async #read(text: string): Promise<void> {
    if (text === this.#text) return;
    this.#text = text;
    try {
      this.#found = await run<RecordAnswer>("workbench.record", { text }, { panel: "record" });
      this.#problem = "";
    } catch (error) {
      if (isAbort(error)) return;
      this.#problem = `${error instanceof Error ? error.message : String(error)}${this.#found ? " What is shown is the record before." : ""}`;
    }
    this.requestUpdate();
  }

  async #choose(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (!file) return;
    try {
      await drawer.open(await file.text());
      this.#problem = "";
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    input.value = "";
    this.requestUpdate();
  }

  override render(): TemplateResult {
    return html`<section aria-labelledby="record-heading">
      <h2 id="record-heading">Record</h2>
      <p>
        A record is what <code>rung prove</code> writes: the claim, the model’s weights by their hash, every number with its
        interval, floor and control. Open one and read each test behind its verdict. Outcomes are derived here from the
        numbers; a file that contradicts itself is refused, and the place is named.
      </p>
      <p>
        <label class="file">Open a record or a drawer <input type="file" accept=".json,application/json" @change=${(event: Event) => void this.#choose(event)} /></label>
      </p>
      ${this.#problem ? html`<p class="problem" role="alert">${this.#problem}</p>` : nothing}
      ${this.#found ? this.#show(this.#found) : html`<p class="quiet">No record is open. Section 12 makes one, with its full proof.</p>`}
    </section>`;
  }

  #show(found: RecordAnswer): TemplateResult {
    return html`<h3>${found.claim}: ${found.circuit}</h3>
      <ul>
        ${found.roles.map((role) => html`<li><strong>${role.name}</strong> ${role.heads.join(", ") || "no head"}: ${role.job}</li>`)}
      </ul>
      <rung-ladder .measurements=${rows(found)} .verdict=${{ rung: found.rung, sentence: found.sentence }} label="Tests of the record"></rung-ladder>
      <h3>Every number</h3>
      <ul class="tests">
        ${found.tests.map((test) => this.#test(test))}
      </ul>
      <h3>Where it comes from</h3>
      <div class="wide-table">
        <table>
          <tbody>
            <tr><th scope="row">Model</th><td>${found.model}</td></tr>
            <tr><th scope="row">Checkpoint, SHA-256</th><td><code class="token">${found.checkpoint}</code></td></tr>
            <tr><th scope="row">Confirmation sequences</th><td>${found.sequences}, looks at ${found.looks.join(", ")}; intervals of ${num(100 * (1 - 2 * found.alpha), 1)} %</td></tr>
            <tr><th scope="row">Heads</th><td>${found.heads_found}</td></tr>
            <tr><th scope="row">Written</th><td>${found.date}</td></tr>
            <tr><th scope="row">Versions</th><td>${Object.entries(found.versions).map(([name, version]) => `${name} ${version}`).join(", ")}</td></tr>
          </tbody>
        </table>
      </div>
      <p>Execute every test again on the same weights: <code>rung verify FILE</code>.</p>`;
  }

  #test(test: Test): TemplateResult {
    const key = `${test.id} ${test.subject}`;
    const open = this.#open.has(key);
    return html`<li>
      <button type="button" class="link" aria-expanded=${open ? "true" : "false"} @click=${() => {
        if (open) this.#open.delete(key);
        else this.#open.add(key);
        this.requestUpdate();
      }}>${test.name} · ${test.subject}</button>
      <span class="quiet">${test.outcome}</span>
      ${open
        ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="${test.name} of ${test.subject}">
            <table>
              <thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th><th scope="col">held against</th><th scope="col">p</th><th scope="col">n</th></tr></thead>
              <tbody>
                ${test.checks.map(
                  (one) => html`<tr>
                    <th scope="row">${one.label}</th>
                    <td>${num(one.value ?? NaN, 3)} ${test.unit}</td>
                    <td>[${num(one.low ?? NaN, 3)}, ${num(one.high ?? NaN, 3)}]</td>
                    <td>${one.floor === null ? "shown only" : `${one.sense} ${num(one.floor, 3)}: ${one.met ? "met" : "not met"}`}</td>
                    <td>${one.p === null ? "–" : num(one.p, 4)}</td>
                    <td>${one.n}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`
        : nothing}
    </li>`;
  }
}
customElements.define("rung-record", RungRecord);
