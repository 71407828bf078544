import { html, nothing, svg, type TemplateResult } from "lit";
import { Figure } from "../elements/base";
import {
  drawer, focus, model, Panel, run, Section, tour, word, type Pin,
} from "../kernel";
import "./s12.css";

export type Fill = "holds" | "fails" | "contradicted" | "inconclusive" | "not applicable" | "not run";
interface Check { name: string; label: string; value: number | null; low: number | null; high: number | null; n: number; floor: number | null; sense: string; met: boolean }
interface Row { test: string; subject: string; name: string; kind: string; rung: 0 | 1 | 2 | 3 | 4; outcome: Fill; words: string; unit: string; checks: Check[]; controls: [string, number | null][] }
interface Node { id: string; label: string; rung: number; is_rung: boolean; fill: Fill; tests: [string, string][]; held: number }
interface Graph { nodes: Node[]; edges: { source: string; target: string; fill: Fill }[]; rows: Row[] }
export interface Verdict {
  model: string; circuit: string; heads: Record<string, string[]>; given: boolean; rung: number; rung_name: string;
  capped: boolean; sentence: string; weakest: string; weakest_test: string; graph: Graph; sequences: number;
}
type Proved = Verdict & { record: string };
type Decoy = Verdict & { truth: number; truth_name: string; why: string };
interface Required { circuit: string; heads: Record<string, string[]>; tests: { test: string; name: string; rung: number }[] }

export const RUNGS = ["behaviour", "clue", "contribution", "causal support", "mechanism"];
const SIGNS: Record<Fill, string> = { holds: "✓", fails: "✗", contradicted: "✗", inconclusive: "?", "not applicable": "?", "not run": "○" };
const css = (fill: Fill): string => fill.replace(" ", "-");

/** The evidence graph: kinds of test on the left, the rungs they carry on the right, each filled by its own tests. */
class Evidence extends Figure {
  static override properties = { graph: { attribute: false } };
  graph: Graph | null = null;

  override render(): TemplateResult | typeof nothing {
    const { graph } = this;
    if (!graph) return nothing;
    const width = Math.max(270, Math.min(this.width || 640, 680));
    const narrow = width < 430;
    const [left, right, step, top] = narrow ? [width * 0.45, width * 0.45, 32, 6] : [200, 220, 32, 6];
    const kinds = graph.nodes.filter((node) => !node.is_rung).sort((a, b) => b.rung - a.rung);
    const y = new Map<string, number>();
    kinds.forEach((node, i) => y.set(node.id, top + i * step));
    const height = top + kinds.length * step + 6;
    for (const node of graph.nodes.filter((one) => one.is_rung)) {
      const own = kinds.flatMap((kind, i) => (kind.rung === node.rung ? [i] : []));
      const middle = own.length ? (own[0]! + own[own.length - 1]!) / 2 : kinds.length - 1 - node.rung;
      y.set(node.id, top + middle * step);
    }
    // Rungs whose kinds are few would touch: push each below the one above it.
    const rungs = graph.nodes.filter((one) => one.is_rung).sort((a, b) => b.rung - a.rung);
    rungs.forEach((node, i) => { if (i) y.set(node.id, Math.max(y.get(node.id)!, y.get(rungs[i - 1]!.id)! + step + 4)); });
    const low = Math.max(height, ...rungs.map((node) => y.get(node.id)! + step));
    const x2 = width - right;
    return html`<figure>
      <svg class=${narrow ? "small" : ""} width=${width} height=${low} role="img" aria-label=${this.say(graph)}>
        ${graph.edges.map((edge) => {
          const [a, b] = [y.get(edge.source)!, y.get(edge.target)!];
          const up = edge.source.startsWith("rung:");
          const middle = x2 + right / 2;
          const d = up ? `M${middle} ${a}V${b + 26}` : `M${left} ${a + 13}C${left + 26} ${a + 13} ${x2 - 26} ${b + 13} ${x2} ${b + 13}`;
          return svg`<path class="wire ${css(edge.fill)}" d=${d}></path>`;
        })}
        ${graph.nodes.map((node) => {
          const [x, w] = node.is_rung ? [x2, right] : [0, left];
          const lit = focus.current === `s12:${node.id}`;
          return svg`<g class="${css(node.fill)} ${node.is_rung ? "rung-box" : ""} ${lit ? "lit" : ""}"
            @pointerenter=${() => focus.peek(`s12:${node.id}`)} @pointerleave=${() => focus.peek(null)}>
            <rect class="box" x=${x + 1} y=${y.get(node.id)!} width=${w - 2} height="26" rx="5"></rect>
            <text class="name" x=${x + 8} y=${y.get(node.id)! + 17}>${SIGNS[node.fill]} ${node.is_rung ? `${node.rung} ` : ""}${node.label}</text>
            ${narrow ? nothing : svg`<text x=${x + w - 8} y=${y.get(node.id)! + 17} text-anchor="end">${node.held}/${node.tests.length}</text>`}
          </g>`;
        })}
      </svg>
      <figcaption class="quiet">✓ holds · ✗ fails · ? undecided, or its own tests hold above a gap · ○ not measured. The number: tests that hold, of those required.</figcaption>
    </figure>`;
  }

  private say(graph: Graph): string {
    return `Evidence graph. ${graph.nodes.map((node) => `${node.label}: ${node.fill}, ${node.held} of ${node.tests.length}`).join("; ")}`;
  }
}
customElements.define("rung-evidence", Evidence);

/** A verdict: its sentence, the graph, one row a test. */
export const shown = (found: Verdict): TemplateResult => html`
  <p class="facts"><strong data-verdict>${found.sentence}</strong></p>
  ${found.weakest ? html`<p class="facts">Weakest link: <span data-weakest>${found.weakest}</span></p>` : nothing}
  <rung-evidence .graph=${found.graph}></rung-evidence>
  <details ?open=${focus.current?.startsWith("s12:rows") ?? false}>
    <summary>Every required test: effect, interval, control, floor</summary>
    <rung-ladder
      .verdict=${null}
      .measurements=${found.graph.rows.map((row) => {
        const first = row.checks[0];
        return {
          id: row.test, title: row.name, subject: row.subject, rung: row.rung, outcome: row.outcome, unit: row.unit, value: first?.value,
          low: first?.low, high: first?.high, n: first?.n, floor: first?.floor, control: row.controls[0]?.[1],
          note: row.checks.length ? row.words : undefined,
        };
      })}
    ></rung-ladder>
  </details>`;

/** "Which rung will it reach?" as radio buttons. */
export const guessRung = (name: string, now: unknown, set: (rung: number) => void): TemplateResult => html`
  <fieldset class="choose">
    <legend>Which rung will it reach?</legend>
    ${["nothing", ...RUNGS].map((label, i) => html`<label>
      <input type="radio" name="${name}-guess" .checked=${now === i - 1} @change=${() => set(i - 1)} />${label}</label>`)}
  </fieldset>`;

const rungName = (rung: number): string => (rung < 0 ? "nothing" : RUNGS[rung]!);
const compare = (guess: unknown, found: Verdict): TemplateResult =>
  typeof guess === "number"
    ? html`<p>You said <strong>${rungName(guess)}</strong>; the tests give <strong data-rung>${rungName(found.rung)}</strong>.</p>`
    : html`<p>The tests give <strong data-rung>${rungName(found.rung)}</strong>. You predicted nothing.</p>`;

const ofVerdict = (found: Verdict, title: string): Pin | null =>
  found.rung < 0 ? null : { title, rung: found.rung as 0 | 1 | 2 | 3 | 4, value: found.rung, unit: "rung", n: found.sequences, subject: found.circuit, holds: true };

const headsControl = (panel: Panel<object, unknown>): TemplateResult => html`
  <label>Heads (empty: found by a search)
    <input type="text" size="34" placeholder="previous_token=0.0; induction=1.0" .value=${panel.value("heads")}
      @change=${(event: Event) => panel.put({ heads: (event.target as HTMLInputElement).value.trim() || null })} />
  </label>`;

const START = ["behaviour.gain", "behaviour.order", "clue.signature"];

interface PartAsk { model: string; heads: string; tests: string[] }
class PartPanel extends Panel<PartAsk, Verdict> {
  readonly name = "s12-part";
  readonly heading = "A verdict from the tests you ran";
  readonly computation = "ladder.part";
  override readonly live = false;
  #known: Required["tests"] = [];
  #of = "";
  #problem = "";

  chosen(): string[] {
    const kept = this.value("tests");
    if (kept) return kept === "none" ? [] : kept.split(",");
    const pinned = drawer.pins.flatMap((pin) => (pin.test && this.#known.some((one) => one.test === pin.test) ? [pin.test] : []));
    return [...new Set(pinned.length ? pinned : START)];
  }

  /** The claim's tests depend on the model and its heads. */
  async list(): Promise<void> {
    const ask = { model: model(), heads: this.value("heads") };
    const of = JSON.stringify(ask);
    if (of === this.#of) return;
    this.#of = of;
    try {
      this.#known = (await run<Required>("ladder.required", ask, { panel: `${this.name}-list` })).tests;
      this.#problem = "";
    } catch (error) {
      if (error instanceof Error && error.name !== "AbortError") this.#problem = error.message;
      this.#of = this.#problem ? this.#of : "";
    }
    this.requestUpdate();
  }

  override updated(): void {
    if (this.#of && this.#of !== JSON.stringify({ model: model(), heads: this.value("heads") })) void this.list();
  }

  ask(): PartAsk | string {
    const tests = this.chosen();
    return tests.length ? { model: model(), heads: this.value("heads"), tests } : "Choose at least one test.";
  }

  predict(): TemplateResult {
    return html`${guessRung(this.name, this.prediction, (rung) => this.setPrediction(rung))}`;
  }

  override controls(): TemplateResult {
    const chosen = this.chosen();
    const tests = [...new Map(this.#known.map((one) => [one.test, one])).values()];
    const toggle = (test: string, on: boolean): void => {
      const next = on ? [...chosen, test] : chosen.filter((one) => one !== test);
      this.put({ tests: next.join(",") || "none" });
      this.act(on ? "added" : "removed");
    };
    return html`${headsControl(this)}
      ${this.#problem ? html`<p class="problem" role="alert">${this.#problem}</p>` : nothing}
      ${tests.length === 0
        ? html`<p><button type="button" data-act="list" @click=${() => void this.list()}>List the tests of this claim</button>
            <span class="quiet">until then: ${chosen.length} chosen</span></p>`
        : RUNGS.map((name, rung) => html`<fieldset class="choose"><legend>${rung} ${name}</legend>
            ${tests.filter((one) => one.rung === rung).map((one) => {
              const pinned = drawer.pins.some((pin) => pin.test === one.test);
              return html`<label><input type="checkbox" data-test=${one.test} .checked=${chosen.includes(one.test)}
                @change=${(event: Event) => toggle(one.test, (event.target as HTMLInputElement).checked)} />${one.name}${pinned ? html` <span class="quiet">pinned</span>` : nothing}</label>`;
            })}</fieldset>`)}`;
  }

  see(found: Verdict, which: "now" | "beside"): TemplateResult {
    return html`${which === "now" ? compare(this.prediction, found) : nothing}
      <p class="quiet">Claim: ${found.circuit}, on ${found.sequences} confirmation sequences.</p>${shown(found)}`;
  }

  question(found: Verdict): string {
    return found.rung < 4 ? `Which one test would lift it above ${rungName(found.rung)}, and could it also fail?` : "Which test would you drop first, and how far would the verdict fall?";
  }

  explain(found: Verdict): TemplateResult {
    const missing = found.graph.rows.filter((row) => row.outcome === "not run").length;
    return html`<p>The verdict is the highest rung up to which <em>every</em> required test was run and holds. ${missing} required tests were not run, and each of them stops it where it stands. A test that you leave out never counts for you.</p>
      <p>A pin chooses the test; the number is measured again here, on confirmation sequences that follow from a hash of the heads and the weights. What you saw while looking around confirms nothing.</p>`;
  }

  python(ask: PartAsk): string {
    return `from rung import HookedTransformer
from rung.evidence.prove import prepare, prove_part
from rung.views.wording import verdict_sentence

model = HookedTransformer.from_pretrained(${JSON.stringify(ask.model)})
found = prepare("induction", model)
proof = prove_part(found, ${JSON.stringify(ask.tests)})
print(verdict_sentence(proof))`;
  }
  cli(): string | null {
    return null;
  }
  override pin(found: Verdict): Pin | null {
    return ofVerdict(found, `Verdict from ${found.graph.rows.filter((row) => row.outcome !== "not run").length} tests: ${found.rung_name}`);
  }
}
customElements.define("rung-s12-part", PartPanel);

interface ProofAsk { model: string; heads: string }
class ProofPanel extends Panel<ProofAsk, Proved> {
  readonly name = "s12-proof";
  readonly heading = "The whole proof";
  readonly computation = "ladder.prove";
  override readonly live = false;

  ask(): ProofAsk {
    return { model: model(), heads: this.value("heads") };
  }
  predict(): TemplateResult {
    return guessRung(this.name, this.prediction, (rung) => this.setPrediction(rung));
  }
  override controls(): TemplateResult {
    return headsControl(this);
  }
  see(found: Proved, which: "now" | "beside"): TemplateResult {
    return html`${which === "now" ? compare(this.prediction, found) : nothing}${shown(found)}
      <p>
        <button type="button" data-act="to-drawer" @click=${() => { drawer.setProof(JSON.parse(found.record)); this.act("kept-record"); }}>Put the record into the drawer</button>
        <button type="button" data-act="record" @click=${() => { save("induction.json", found.record, "application/json"); this.act("kept-record"); }}>Download the record</button>
        <span class="quiet">Then: <code>rung verify induction.json</code></span>
      </p>`;
  }
  question(found: Proved): string {
    return found.weakest ? "Is the weakest link a fault of the model, or of the claim?" : "What would have to be wrong for this verdict to be wrong?";
  }
  explain(found: Proved): TemplateResult {
    return html`<p>${found.graph.rows.length} tests were required, and none of them is yours to choose: they follow from where each role writes and what the edge joins. Each is held to a floor fixed beforehand, by the careful end of its interval.</p>
      <p>It says <em>a</em> circuit, never <em>the</em> circuit, and it names its scope: random repeats, with what the heads do on prose beside it.</p>`;
  }
  python(ask: ProofAsk): string {
    const heads = ask.heads ? `rung.claims.INDUCTION.with_heads(${pythonHeads(ask.heads)})` : `"induction"`;
    return `import rung

model = rung.HookedTransformer.from_pretrained(${JSON.stringify(ask.model)})
print(rung.prove(${heads}, model))`;
  }
  cli(ask: ProofAsk): string {
    const heads = ask.heads.split(";").map((one) => one.trim()).filter(Boolean).map((one) => ` --heads ${one.replace(/\s/g, "")}`).join("");
    return `rung prove induction --model ${ask.model}${heads}\nrung verify induction.json`;
  }
  override pin(found: Proved): Pin | null {
    return ofVerdict(found, `Whole proof: ${found.rung_name}`);
  }
}
customElements.define("rung-s12-proof", ProofPanel);

const pythonHeads = (heads: string): string =>
  `{${heads.split(";").map((one) => one.trim()).filter(Boolean).map((one) => {
    const [role, list] = one.split("=");
    return `"${role!.trim()}": [${(list ?? "").split(",").map((head) => `(${head.trim().replace(".", ", ")})`).join(", ")}]`;
  }).join(", ")}}`;

export function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

const DECOYS: Record<string, [string, string]> = {
  stripe: ["A stripe without copying", "The claimed head has a perfect stripe. Another head of its layer copies."],
  fixed_distance: ["A fixed-distance head", "The claimed head always looks the same number of tokens back, and copies what stands there."],
  wrong_edge: ["Right heads, wrong edge", "Both heads are right. The claim says that the edge between them ends in queries."],
};

interface DecoyAsk { decoy: string; seed: number }
class DecoyPanel extends Panel<DecoyAsk, Decoy> {
  readonly name = "s12-decoys";
  readonly heading = "Three decoys";
  readonly computation = "ladder.decoy";
  override readonly live = false;

  ask(): DecoyAsk {
    return { decoy: this.value("decoy", "stripe"), seed: this.number("seed", 0) };
  }
  predict(): TemplateResult {
    return html`<p>${DECOYS[this.ask().decoy]?.[1] ?? ""}</p>${guessRung(this.name, this.prediction, (rung) => this.setPrediction(rung))}`;
  }
  override controls(): TemplateResult {
    const now = this.ask();
    return html`<fieldset class="choose"><legend>Decoy</legend>
        ${Object.entries(DECOYS).map(([id, [label]]) => html`<label><input type="radio" name="s12-decoy" value=${id} .checked=${now.decoy === id}
          @change=${() => this.put({ decoy: id })} />${label}</label>`)}</fieldset>
      <label>Seed <input type="number" min="0" max="9999" .value=${String(now.seed)}
        @change=${(event: Event) => this.put({ seed: Number((event.target as HTMLInputElement).value) || 0 })} /></label>`;
  }
  see(found: Decoy, which: "now" | "beside"): TemplateResult {
    return html`${which === "now" ? compare(this.prediction, found) : nothing}
      <p>By construction a sound verdict goes no higher than <strong data-truth>${found.truth_name}</strong>; it reached ${found.rung_name}. ${found.rung > found.truth ? html`<strong>Too high.</strong>` : nothing}</p>
      ${shown(found)}`;
  }
  question(): string {
    return "Which picture would have fooled you, and which number did not?";
  }
  explain(found: Decoy): TemplateResult {
    return html`<p>${found.why}</p><p>${word("s12:kind:pattern", "Pattern")} alone would have passed ${found.rung >= 1 ? "this one" : "the route head, and not this one"}. The test that stops it: ${found.weakest}.</p>`;
  }
  python(ask: DecoyAsk): string {
    return `from dataclasses import replace

from rung import prove
from rung.evidence.claim import INDUCTION
from rung.planted import plant

planted = plant(${JSON.stringify(ask.decoy)}, seed=${ask.seed})
edge = replace(INDUCTION.edges[0], into=planted.into)
claim = replace(INDUCTION, edges=(edge,)).with_heads(planted.heads)
print(prove(claim, planted.model))
print(planted.why)`;
  }
  cli(): string | null {
    return null;
  }
}
customElements.define("rung-s12-decoys", DecoyPanel);

class Section12 extends Section {
  readonly number = 12;
  readonly heading = "The ladder";

  body(): TemplateResult {
    return html`
      <p>You have pins. What may you say? A pattern is a ${word("s12:rung:1", "clue")}. Attribution shows ${word("s12:rung:2", "contribution")}. An intervention shows ${word("s12:rung:3", "causal support")}. Only weights, read together with the causes, show a ${word("s12:rung:4", "mechanism")}.</p>
      <p>The verdict is computed. Each kind of evidence carries one rung: ${word("s12:kind:pattern", "pattern")}, ${word("s12:kind:attribution", "attribution")}, ${word("s12:kind:ablation", "ablation")}, and for the top rung ${word("s12:kind:QK", "QK")}, ${word("s12:kind:OV", "OV")} and ${word("s12:kind:composition", "composition")}. A test that fails lowers it. A test that was not run is an empty node, and nothing above it counts.</p>
      <p><strong>The tempting reading:</strong> many good numbers add up to a proof. <strong>The better one:</strong> one missing link, and the chain ends there.</p>
      ${tour("Climb the ladder", [
        { say: html`Say which rung the chosen tests will reach, and run them.`, until: "s12-part:ran" },
        { say: html`List the claim's tests, and add one.`, until: "s12-part:added" },
        { say: html`Now run the whole proof. It takes some seconds; each test reports as it runs.`, until: "s12-proof:ran" },
        { say: html`Try a decoy.`, until: "s12-decoys:ran" },
      ])}
      <rung-s12-part></rung-s12-part>
      <p>One button runs everything. The record that it leaves is data: anyone with the same weights executes it again.</p>
      <rung-s12-proof></rung-s12-proof>
      <p>A ladder is worth what it refuses. These three models were wired by hand, so that the truth is known; the heads were then hidden by a random rotation.</p>
      <rung-s12-decoys></rung-s12-decoys>`;
  }
}
customElements.define("rung-section-12", Section12);
