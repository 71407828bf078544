// The evidence graph: four rungs, one row a test, each with its effect, interval, control, floor and outcome.
import { html, nothing, type TemplateResult } from "lit";
import { interval, num } from "../kernel/format";
import { define } from "../kernel/define";
import { Figure } from "./base";

export type Outcome = "holds" | "fails" | "contradicted" | "inconclusive" | "not applicable" | "not run";

export interface Measurement {
  id?: string;
  title: string;
  rung: 0 | 1 | 2 | 3 | 4;
  outcome: Outcome;
  /** Required by the claim; otherwise shown only. */
  required?: boolean;
  value?: number | null;
  unit?: string;
  low?: number | null;
  high?: number | null;
  control?: number | null;
  floor?: number | null;
  n?: number | null;
  subject?: string;
  note?: string;
}

export interface LadderVerdict {
  rung: number;
  sentence: string;
}

export const RUNGS = ["behaviour", "clue", "contribution", "causal support", "mechanism"];
const QUESTIONS = [
  "Is there anything to explain?",
  "Where does each head look?",
  "Which component pushes the right token?",
  "Does the model rely on it, for the reason claimed?",
  "Is it built to do that?",
];
const SIGNS: Record<Outcome, string> = {
  holds: "✓",
  fails: "✗",
  contradicted: "✗",
  inconclusive: "?",
  "not applicable": "–",
  "not run": "○",
};

export class RungLadder extends Figure {
  static override properties = {
    measurements: { attribute: false },
    verdict: { attribute: false },
    label: {},
  };
  measurements: Measurement[] = [];
  verdict: LadderVerdict | null = null;
  label = "Evidence ladder";

  override render(): TemplateResult {
    return html`<div class="ladder" role="group" aria-label=${this.label}>
      ${this.verdict ? html`<p class="verdict"><strong>${this.verdict.sentence}</strong></p>` : nothing}
      <ol reversed>
        ${[4, 3, 2, 1, 0].map((rung) => this.rung(rung))}
      </ol>
    </div>`;
  }

  private rung(rung: number): TemplateResult {
    const tests = this.measurements.filter((one) => one.rung === rung);
    const required = tests.filter((one) => one.required !== false);
    const held = required.filter((one) => one.outcome === "holds").length;
    const reached = this.verdict !== null && this.verdict.rung >= rung;
    return html`<li class="rung ${reached ? "reached" : ""}">
      <p class="rung-name">
        <span class="rung-number" aria-hidden="true">${rung}</span> <strong>${RUNGS[rung]}</strong>
        <span class="quiet">${QUESTIONS[rung]}</span>
        <span class="rung-state">${required.length ? `${held} of ${required.length} required tests hold` : tests.length ? "" : "not measured"}</span>
      </p>
      ${tests.length
        ? html`<div class="table-scroll" tabindex="0" role="region" aria-label="Tests of ${RUNGS[rung]}">
            <table>
              <thead class=${rung === 4 ? "" : "sr"}>
                <tr><th scope="col">outcome</th><th scope="col">test</th><th scope="col">effect</th><th scope="col">interval</th><th scope="col">floor</th><th scope="col">control</th><th scope="col">n</th></tr>
              </thead>
              <tbody>
                ${tests.map(
                  (test) => html`<tr class="outcome-${test.outcome.replace(" ", "-")} ${test.required === false ? "shown" : ""}">
                    <td class="outcome"><span aria-hidden="true">${SIGNS[test.outcome]}</span> ${test.outcome}</td>
                    <th scope="row">${test.title}${test.subject ? html` <span class="quiet">${test.subject}</span>` : nothing}${test.required === false ? html` <span class="quiet">shown only</span>` : nothing}${test.note ? html`<br /><span class="quiet">${test.note}</span>` : nothing}</th>
                    <td>${number(test.value)} ${test.unit ?? ""}</td>
                    <td>${typeof test.low === "number" && typeof test.high === "number" ? interval(test.low, test.high) : "–"}</td>
                    <td>${number(test.floor)}</td>
                    <td>${number(test.control)}</td>
                    <td>${typeof test.n === "number" ? test.n : "–"}</td>
                  </tr>`,
                )}
              </tbody>
            </table>
          </div>`
        : nothing}
    </li>`;
  }
}

const number = (x: number | null | undefined): string => (typeof x === "number" ? num(x) : "–");

define("rung-ladder", RungLadder);
