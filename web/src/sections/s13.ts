import { html, nothing, type TemplateResult } from "lit";
import { acts, Lit, Panel, Section, tour } from "../kernel";

interface Point { text: string; section: number; where: string }
interface Check { id: string; ask: string; points: Point[] }

const CHECKS: Record<string, Check> = {
  a: {
    id: "a",
    ask: "Why does induction need two layers, and what does each contribute?",
    points: [
      { text: "Heads of one layer read the same input: none can wait for another.", section: 10, where: "Route, match, copy" },
      { text: "The earlier layer routes: at B's position it writes that A came before.", section: 10, where: "Route, match, copy" },
      { text: "The later layer matches what was written, and copies B to the output.", section: 10, where: "Route, match, copy" },
      { text: "They meet in the residual stream, which both read and write.", section: 4, where: "The residual stream" },
    ],
  },
  b: {
    id: "b",
    ask: "Why cache a run before you intervene?",
    points: [
      { text: "The clean run is what every change is measured against.", section: 8, where: "Cache, hook, measure" },
      { text: "The cache says which place is worth a hook, and gives the values to put there: a mean, another run's.", section: 8, where: "Cache, hook, measure" },
      { text: "Without a look first, you may silence a head that does nothing here and call it unneeded.", section: 7, where: "Signatures" },
    ],
  },
  c: {
    id: "c",
    ask: "A head shows a clean stripe. What lifts it beyond a clue?",
    points: [
      { text: "Contribution: it pushes the right token, more than heads without a role.", section: 9, where: "Attribution" },
      { text: "Causal support: the loss rises when this head is ablated, held to a floor and beside other heads.", section: 8, where: "Cache, hook, measure" },
      { text: "The reason: with another sequence's output in its place the model says that sequence's token.", section: 12, where: "The ladder" },
      { text: "Mechanism: OV copies, and QK matches what the earlier head wrote.", section: 11, where: "Weights" },
    ],
  },
  d: {
    id: "d",
    ask: "What does QK tell you that OV does not, and the reverse?",
    points: [
      { text: "QK: which source a query attends to. It says nothing of what arrives.", section: 11, where: "Weights" },
      { text: "OV: what is moved from a source, wherever attention points. It says nothing of where.", section: 11, where: "Weights" },
      { text: "In one layer the two tables are separate: raise two right triples, and two wrong ones rise.", section: 5, where: "Skip-trigrams" },
      { text: "Both are about weights; whether the model uses them here is another question.", section: 12, where: "The ladder" },
    ],
  },
  e: {
    id: "e",
    ask: "A new task: key–value pairs, then one of the keys again. Which signatures, interventions and weight checks do you take first?",
    points: [
      { text: "Two signatures: one back at the value, and from the query to what followed the earlier key.", section: 7, where: "Signatures" },
      { text: "Ablate, exchange, and patch the edge into keys: needed, for what, and through which input.", section: 8, where: "Cache, hook, measure" },
      { text: "OV for what is copied, composed QK for what is matched.", section: 11, where: "Weights" },
    ],
  },
};

const KEY = "rung-checks";
const kept = (): Record<string, string> => {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, string>;
  } catch {
    return {};
  }
};
const keep = (id: string, value: string): void => {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...kept(), [id]: value }));
  } catch {
    // Full or forbidden: it lasts as long as the page.
  }
};

/** An answer in the reader's words, kept in this browser, and then the points to hold it against. */
class RungCheck extends Lit {
  static override properties = { check: { attribute: false } };
  check: Check | null = null;
  #open = false;
  #said = "";

  override render(): TemplateResult | typeof nothing {
    const { check } = this;
    if (!check) return nothing;
    const text = kept()[check.id] ?? "";
    const ticks = new Set((kept()[`${check.id}-ticks`] ?? "").split(",").filter(Boolean));
    return html`<div class="check">
      <label for="s13-${check.id}-text">${check.ask}</label>
      <textarea id="s13-${check.id}-text" rows="4" .value=${text} placeholder="In your words. It stays in this browser."
        @input=${(event: Event) => keep(check.id, (event.target as HTMLTextAreaElement).value)}></textarea>
      <p><button type="button" data-act="hold" aria-expanded=${this.#open ? "true" : "false"} @click=${() => this.hold()}>${this.#open ? "Hide the points" : "Hold it against the points"}</button>
        <span role="status">${this.#said}</span></p>
      ${this.#open
        ? html`<p class="quiet">Tick what your answer says. Where it does not, follow the link and look.</p>
            <ul class="points">${check.points.map((point, i) => html`<li><label><input type="checkbox" data-point=${i} .checked=${ticks.has(String(i))}
                @change=${(event: Event) => this.tick(ticks, i, (event.target as HTMLInputElement).checked)} /> ${point.text}</label>
              <a href="#section-${point.section}">Section ${point.section}: ${point.where}</a></li>`)}</ul>
            <p data-ticked>${ticks.size} of ${check.points.length} points said.</p>`
        : nothing}
    </div>`;
  }

  private hold(): void {
    const { check } = this;
    if (!this.#open && !(kept()[check!.id] ?? "").trim()) this.#said = "Write a line first: the points teach little before you have tried.";
    else {
      this.#open = !this.#open;
      this.#said = "";
      acts.tell(`s13:${check!.id}`);
      if (this.#open) acts.tell("s13:held");
    }
    this.requestUpdate();
  }

  private tick(ticks: Set<string>, i: number, on: boolean): void {
    if (on) ticks.add(String(i));
    else ticks.delete(String(i));
    keep(`${this.check!.id}-ticks`, [...ticks].join(","));
    this.requestUpdate();
  }
}
customElements.define("rung-check", RungCheck);

interface Case { model: string; genuine: boolean; accepted: boolean; outcomes: [string, string][]; why: string }
interface Graded { passed: boolean; mistake: string; sentence: string; cases: Case[] }

const graded = (found: Graded): TemplateResult => html`
  <p class="facts"><strong data-passed=${found.passed ? "yes" : "no"}>${found.passed ? "✓ It tells them apart." : "✗ Not yet."}</strong> <span data-sentence data-mistake=${found.mistake}>${found.sentence}</span></p>
  ${found.cases.length === 0
    ? nothing
    : html`<div class="table-scroll" tabindex="0" role="region" aria-label="Every model, and what your choice said">
        <table class="cases">
          <thead><tr><th scope="col">model</th><th scope="col">claim</th><th scope="col">your tests</th><th scope="col">you would</th></tr></thead>
          <tbody>${found.cases.map((one) => html`<tr data-model=${one.model} data-accepted=${one.accepted ? "yes" : "no"}>
            <th scope="row"><strong>${one.model.replace(/_/g, " ")}</strong><br /><span class="quiet">${one.why}</span></th>
            <td>${one.genuine ? "true" : "false"}</td>
            <td>${one.outcomes.map(([test, outcome]) => html`${test}: ${outcome}<br />`)}</td>
            <td>${one.accepted ? "accept" : "reject"} ${one.accepted === one.genuine ? "✓ rightly" : "✗ wrongly"}</td>
          </tr>`)}</tbody>
        </table>
      </div>`}`;

const radio = (name: string, legend: string, now: string, options: [string, string][], set: (id: string) => void): TemplateResult => html`
  <fieldset class="choose"><legend>${legend}</legend>${options.map(([id, label]) => html`<label>
    <input type="radio" name=${name} value=${id} .checked=${now === id} @change=${() => set(id)} />${label}</label>`)}</fieldset>`;

const boxes = (legend: string, now: string[], options: [string, string][], set: (ids: string[]) => void): TemplateResult => html`
  <fieldset class="choose"><legend>${legend}</legend>${options.map(([id, label]) => html`<label>
    <input type="checkbox" value=${id} .checked=${now.includes(id)}
      @change=${(event: Event) => set((event.target as HTMLInputElement).checked ? [...now, id] : now.filter((one) => one !== id))} />${label}</label>`)}</fieldset>`;

const TESTS: [string, string][] = [
  ["clue.signature", "its attention pattern, beside unrepeated text"],
  ["contribution.direct", "its direct push of the right token"],
  ["support.necessity", "ablate it"],
  ["support.denoising", "restore it in a corrupted run"],
  ["support.interchange", "exchange its output with another sequence's"],
  ["support.edge", "patch the edge from the head that feeds it"],
  ["mechanism.ov", "OV: what it copies"],
  ["mechanism.routed_qk", "composed QK: what it matches"],
];

interface LiftAsk { tests: string[]; subject: string; held_to: string }
class LiftPanel extends Panel<LiftAsk, Graded> {
  readonly name = "s13-lift";
  readonly heading = "(c) What lifts a clean stripe beyond a clue?";
  readonly computation = "checks.lift";
  override readonly live = false;

  list(): string[] {
    return this.value("tests").split(",").filter(Boolean);
  }
  ask(): LiftAsk {
    return { tests: this.list(), subject: this.value("subject", "head"), held_to: this.value("held_to", "floor") };
  }
  predict(): TemplateResult {
    return html`<rung-check .check=${CHECKS.c}></rung-check>`;
  }
  override controls(): TemplateResult {
    const now = this.ask();
    return html`<p>Now choose, and have it run. Five models, each with a clean stripe; in one of them the striped head is the circuit's.</p>
      ${boxes("Tests", now.tests, TESTS, (ids) => this.put({ tests: ids.join(",") || null }))}
      ${radio("s13-subject", "Run on", now.subject, [["head", "the striped head"], ["layer", "every head of its layer"], ["route", "the head that feeds it"]], (id) => this.put({ subject: id }))}
      ${radio("s13-held", "A test holds", now.held_to, [["floor", "above a floor fixed beforehand, beside its control"], ["zero", "with any effect above zero"]], (id) => this.put({ held_to: id }))}`;
  }
  see(found: Graded): TemplateResult {
    return graded(found);
  }
  question(found: Graded): string {
    return found.passed ? "Which of your tests could you drop?" : "Which model fooled you, and what would tell it from the true one?";
  }
  explain(): TemplateResult {
    return html`<p>Nothing here was compared with a solution. Your tests ran on models whose circuit was set by hand, and were asked one thing: do they hold where the claim is true, and fail where it is not? More than one choice passes.</p>`;
  }
  python(ask: LiftAsk): string {
    const tests = ask.tests.map((test) => JSON.stringify(test)).join(", ");
    return `from rung.course import LiftChoice, check_lift

choice = LiftChoice((${tests}${ask.tests.length === 1 ? "," : ""}), subject="${ask.subject}", held_to="${ask.held_to}")
print(check_lift(choice).sentence)`;
  }
  cli(): null {
    return null;
  }
}
customElements.define("rung-s13-lift", LiftPanel);

interface PlanAsk { route: string; match: string; interventions: string[]; into: string; weights: string[] }
class PlanPanel extends Panel<PlanAsk, Graded> {
  readonly name = "s13-plan";
  readonly heading = "(e) A new task: your plan";
  readonly computation = "checks.plan";
  override readonly live = false;

  list(key: string): string[] {
    return this.value(key).split(",").filter(Boolean);
  }
  ask(): PlanAsk | string {
    const [route, match] = [this.value("route"), this.value("match")];
    if (!route || !match) return "Choose a signature for each of the two heads.";
    return { route, match, interventions: this.list("interventions"), into: this.value("into", "K"), weights: this.list("weights") };
  }
  predict(): TemplateResult {
    return html`<rung-check .check=${CHECKS.e}></rung-check>`;
  }
  override controls(): TemplateResult {
    const put = (key: string) => (ids: string[]): void => this.put({ [key]: ids.join(",") || null });
    const set = (key: string) => (id: string): void => this.put({ [key]: id });
    return html`<p><code>k₁ v₁ k₂ v₂ k₃ v₃ … k₂ → v₂</code>: the pairs come again in another order. The planted models of the induction circuit do this task too; your plan runs on seven of them.</p>
      ${radio("s13-route", "The head that feeds the look-up, seen from the value, attends", this.value("route"), [["one_back", "one token back"], ["two_back", "two tokens back"], ["itself", "to the value itself"]], set("route"))}
      ${radio("s13-match", "The look-up head, seen from the asked key, attends", this.value("match"), [["value", "to what followed the earlier key"], ["key", "to the earlier key"], ["last", "to the last token"]], set("match"))}
      ${boxes("Interventions", this.list("interventions"), [["ablate", "ablate the look-up head"], ["exchange", "exchange its output with another sequence's"], ["path", "patch the edge between the two heads"]], put("interventions"))}
      ${radio("s13-into", "The edge ends in", this.value("into", "K"), [["Q", "queries"], ["K", "keys"], ["V", "values"]], set("into"))}
      ${boxes("Weight checks", this.list("weights"), [["ov", "OV: what is copied"], ["composed_qk", "QK on what the other head wrote"], ["embedding_qk", "QK on embeddings alone"], ["positional", "positional QK of the head that feeds it"]], put("weights"))}`;
  }
  see(found: Graded): TemplateResult {
    return graded(found);
  }
  question(found: Graded): string {
    return found.passed ? "Which decoy would have cost you a week?" : "What does the named model have that your plan never looks at?";
  }
  explain(): TemplateResult {
    return html`<p>Signatures are graded by the head that they find. Interventions and weight checks are graded by what they say of one true circuit and six decoys, two of which pass every intervention and fail in their weights.</p>`;
  }
  python(ask: PlanAsk): string {
    const tuple = (names: string[]): string => `(${names.map((one) => JSON.stringify(one)).join(", ")}${names.length === 1 ? "," : ""})`;
    return `from rung.course import PlanChoice, check_plan

choice = PlanChoice(
    route="${ask.route}",
    match="${ask.match}",
    interventions=${tuple(ask.interventions)},
    into="${ask.into}",
    weights=${tuple(ask.weights)},
)
print(check_plan(choice).sentence)`;
  }
  cli(): null {
    return null;
  }
}
customElements.define("rung-s13-plan", PlanPanel);

class Section13 extends Section {
  readonly number = 13;
  readonly heading = "Five checks";

  body(): TemplateResult {
    return html`
      <p>Five questions. Answer each in your own words before you look at the points. Your words stay in this browser; nothing is sent.</p>
      <p>Three of them you hold against the points yourself. For (c) and (e) you also choose, and what you choose is <strong>run</strong> on models whose truth is known. If your choice has a hole, a decoy walks through it, and you are told which.</p>
      ${tour("Five checks", [
        { say: html`Answer (a), and hold it against the points.`, until: "s13:a" },
        { say: html`In (c), choose tests and run them.`, until: "s13-lift:ran" },
        { say: html`In (e), plan for a task that this page never showed.`, until: "s13-plan:ran" },
      ])}
      <h3>(a)</h3><rung-check .check=${CHECKS.a}></rung-check>
      <h3>(b)</h3><rung-check .check=${CHECKS.b}></rung-check>
      <rung-s13-lift></rung-s13-lift>
      <h3>(d)</h3><rung-check .check=${CHECKS.d}></rung-check>
      <rung-s13-plan></rung-s13-plan>`;
  }
}
customElements.define("rung-section-13", Section13);
