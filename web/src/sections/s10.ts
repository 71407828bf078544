import { html, nothing, type TemplateResult } from "lit";
import { copy, focus, Grid, match, model, nats, num, Panel, percent, route, Section, signed, tokenText, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices, length, repeatControls, seed } from "./repeats";

type Head = [number, number];
interface WalkAsk {
  model: string;
  length: number;
  seed: number;
  at: number;
  route: Head | null;
  match: Head | null;
  ablate: Head[];
}
interface Walk {
  route_attention: number;
  route_score: number;
  match_score: number;
  match_attention: number;
  copy_logit: number;
  logit: number;
  probability: number;
  loss: number;
}
interface WalkAnswer {
  tokens: string[];
  period: number;
  start: number;
  query: number;
  source: number;
  route: string;
  match: string;
  route_signature: number;
  match_signature: number;
  clean: Walk;
  edited: Walk | null;
  broken: string[];
  broken_below: number;
  clue: number;
  heads: string[];
}

const readHead = (text: string): Head | null => {
  const found = /^(\d+)\.(\d+)$/.exec(text.trim());
  return found ? [Number(found[1]), Number(found[2])] : null;
};
const STEPS = ["route", "match", "copy"] as const;
const isOff = (ask: WalkAsk | null, head: string): boolean => ask !== null && ask.ablate.some((one) => one.join(".") === head);

class StepsPanel extends Panel<WalkAsk, WalkAnswer> {
  readonly name = "s10-steps";
  readonly heading = "Three steps, one sequence";
  readonly computation = "steps.walk";

  #off(): string[] {
    return this.value("off").split(",").filter((text) => readHead(text) !== null);
  }

  ask(): WalkAsk {
    const n = length();
    const at = Math.min(Math.max(Math.round(this.number("at", 6)), 0), n - 2);
    return { model: model(), length: n, seed: seed(), at, route: readHead(this.value("route")), match: readHead(this.value("match")), ablate: this.#off().map((text) => readHead(text)!) };
  }

  override describe(ask: WalkAsk): string {
    return `${ask.model} · query ${ask.at} of the copy · ${ask.ablate.length ? `without ${ask.ablate.map((one) => one.join(".")).join(", ")}` : "clean"}`;
  }

  predict(): TemplateResult {
    return html`<p>Three arrows carry B: ${route()}, ${match()}, ${copy()}. You will take the ${route("route")} head away. Which arrows break?</p>
      ${choices("Which arrows break", [["route", "only the first"], ["route,match,copy", "all three"], ["copy", "only the last"]], this.prediction, (value) => this.setPrediction(value))}`; // prettier-ignore
  }

  override controls(): TemplateResult {
    const head = (key: string, label: string, found: string | undefined): TemplateResult => html`<label
      >${label} <input type="text" size="5" data-key=${key} placeholder=${found ?? "found"} .value=${this.value(key)} @change=${(event: Event) => this.put({ [key]: (event.target as HTMLInputElement).value.trim() || null })}
    /></label>`;
    return html`${repeatControls()} ${head("route", "Route head", this.answer?.route)} ${head("match", "Match head", this.answer?.match)}`;
  }

  #step(): number {
    return Math.min(Math.max(Math.round(this.number("step", 1)), 1), 3);
  }

  #go(to: number): void {
    const step = Math.min(Math.max(to, 1), 3);
    this.put({ step });
    focus.set(`role:${STEPS[step - 1]}`);
    this.act(`step-${step}`);
    this.requestUpdate();
  }

  #toggle(head: string): void {
    const off = this.#off();
    const next = off.includes(head) ? off.filter((one) => one !== head) : [...off, head];
    this.put({ off: next.length ? next.join(",") : null });
    if (next.length > off.length) this.act("ablated");
  }

  see(answer: WalkAnswer, which: "now" | "beside"): TemplateResult {
    const { tokens, query, source, clean, broken } = answer;
    const now = answer.edited ?? clean;
    const step = which === "now" ? this.#step() : 3;
    const text = (at: number): string => tokenText(tokens[at]!);
    const ask = which === "now" ? this.answered : this.besideAsk;
    const edges = [
      { from: "a", to: "b", value: signed(now.route_score, 1), role: "route", key: "role:route", weight: clamp(now.route_score / Math.abs(clean.route_score || 1)) },
      { from: "b", to: "q", value: percent(now.match_attention), role: "match", key: "role:match", weight: clamp(now.match_attention) },
      { from: "q", to: "o", value: signed(now.copy_logit, 1), role: "copy", key: "role:copy", weight: clamp(now.copy_logit / Math.abs(clean.copy_logit || 1)) },
    ].map((edge, i) => ({ ...edge, broken: broken.includes(STEPS[i]!) }));
    const lines = [
      html`${route("Route.")} At B, head ${word(`head:${answer.route}`, answer.route)} gives the token before it <strong data-number="route-attention">${percent(now.route_attention)}</strong> of its
        attention, and writes what it found into B’s place. In the keys of ${answer.match} that note is worth <strong data-number="route-score">${signed(now.route_score)}</strong> of score.
        ${isOff(ask, answer.route) ? html`<em>It is ablated: it still looks, and what it writes is the mean of other sequences.</em>` : nothing}`,
      html`${match("Match.")} At the second A, head ${word(`head:${answer.match}`, answer.match)} asks “who follows an A?”. B’s score less the mean of the others is
        <strong data-number="match-score">${signed(now.match_score)}</strong>, and B gets <strong data-number="match-attention">${percent(now.match_attention)}</strong> of its attention.`,
      html`${copy("Copy.")} The OV of ${word(`head:${answer.match}`, answer.match)} turns B into B: <strong data-number="copy-logit">${signed(now.copy_logit)}</strong> of the
        <strong data-number="logit">${signed(now.logit)}</strong> by which B’s logit stands above the sequence’s other tokens. p(B) = <strong data-number="probability">${num(now.probability, 3)}</strong>.`,
    ];
    return html`<rung-tokens
        label="The sequence; choose a query in the second copy"
        .tokens=${tokens}
        .selected=${query}
        .marks=${[{ index: source - 1, role: "route", label: "A" }, { index: source, role: "copy", label: "B" }, { index: query, role: "match", label: "A again" }]}
        @pick=${(event: CustomEvent<{ index: number }>) => {
          const at = event.detail.index - answer.start - answer.period;
          if (which === "now" && at >= 0 && at < answer.period - 1) this.put({ at });
        }}
      ></rung-tokens>
      <div class="stepper" role="group" aria-label="Steps; arrow keys move" tabindex="0" @keydown=${which === "now" ? this.#keys : nothing}>
        <rung-flow
          label="Route, match, copy at query ${query}"
          .nodes=${[
            { id: "a", label: `A = ${text(source - 1)}`, value: `position ${source - 1}`, role: "route", column: 0, key: `pos:${source - 1}` },
            { id: "b", label: `B = ${text(source)}`, value: `${source}: ${answer.route} writes`, role: "copy", column: 1, key: `pos:${source}` },
            { id: "q", label: `A again`, value: `${query}: ${answer.match} asks`, role: "match", column: 2, key: `pos:${query}` },
            { id: "o", label: `next: ${text(source)}?`, value: `p = ${num(now.probability, 3)}`, role: "copy", column: 3, fill: now.probability },
          ]}
          .edges=${edges.slice(0, step)}
        ></rung-flow>
        ${which === "now"
          ? html`<p class="run-row">
              <button type="button" data-act="back" ?disabled=${step === 1} @click=${() => this.#go(step - 1)}>← Back</button>
              <span>step <strong data-number="step">${step}</strong> of 3</span>
              <button type="button" data-act="next" ?disabled=${step === 3} @click=${() => this.#go(step + 1)}>Next →</button>
            </p>`
          : nothing}
        ${lines.slice(0, step).map((line) => html`<p>${line}</p>`)}
      </div>
      <p class="facts" role="status">
        ${answer.edited
          ? html`Without ${ask?.ablate.map((one) => one.join(".")).join(", ")}: broken <strong data-number="broken">${broken.join(", ") || "none"}</strong> (below ${percent(answer.broken_below)} of the clean value).
              Loss ${nats(clean.loss)} → <strong data-number="loss">${nats(now.loss)}</strong>.
              ${which === "now" && this.prediction && isOff(ask, answer.route) ? (this.prediction === broken.join(",") ? "As you said." : "Not what you said.") : ""}`
          : html`All three stand. Loss at this query <strong data-number="loss">${num(clean.loss, 4)}</strong> nats.`}
      </p>
      <p class="caption">
        Chosen by signature: ${answer.route}, previous-token score <strong data-number="route-signature">${num(answer.route_signature)}</strong>; ${answer.match}, induction score
        <strong data-number="match-signature">${num(answer.match_signature)}</strong>; floor ${num(answer.clue)}.
        ${answer.route_signature < answer.clue || answer.match_signature < answer.clue ? "Below the floor: these are not the heads for this job." : ""}
      </p>
      ${which === "now"
        ? html`<div class="choices" role="group" aria-label="Ablate a head">
            <span>Ablate</span>
            ${answer.heads.map((head) => html`<button type="button" data-ablate=${head} aria-pressed=${this.#off().includes(head) ? "true" : "false"} @click=${() => this.#toggle(head)}>${head}</button>`)}
          </div>`
        : nothing}`;
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).closest("rung-flow button, input")) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    this.#go(this.#step() + by);
  };

  question(answer: WalkAnswer): string {
    return answer.edited ? "One head is gone. Why do more arrows break than it has?" : `Why does ${answer.match} not need to read the first A itself?`;
  }

  explain(answer: WalkAnswer): TemplateResult {
    return html`<p>
        ${word("role:route", "Route")} comes first: before ${answer.match} runs, B’s place already holds the note “A came before me”. ${word("role:match", "Match")} is then an ordinary look-up: the query says
        A, the key says A. ${word("role:copy", "Copy")} takes from that place what B itself is.
      </p>
      <p>
        So ablating ${answer.route} should break all three arrows, the later ones for want of the first, and ablating ${answer.match} only the last: the note is there and the look is right, and nothing is
        carried. Try both; the crosses are measured, on one run of one sequence. Section 12 asks it of many.
      </p>
      <table>
        <caption class="sr">A misreading, and the repair</caption>
        <thead><tr><th scope="col">Misreading</th><th scope="col">Better</th></tr></thead>
        <tbody>
          <tr><td>The induction head looks back twice: to A, then one further.</td><td>It looks once. An <em>earlier</em> layer had moved A’s name to B’s place.</td></tr>
          <tr><td>Two heads side by side share the work.</td><td>One layer moves the feature, a <em>later</em> layer uses it. Side by side, neither can wait for the other.</td></tr>
        </tbody>
      </table>`;
  }

  python(ask: WalkAsk): string {
    const { answer } = this;
    const pair = (head: Head | null, found: string): string => `(${(head ?? found.split(".")).join(", ")})`;
    const off = ask.ablate.map((head) => `on_head((${head.join(", ")}), Mean(donors))`).join(", ");
    return `from rung import HookedTransformer
from rung.methods.interventions import Mean, on_head
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed})
donors = repeated_tokens(model, period=${ask.length}, sequences=32, seed=${ask.seed + 1}).tokens
route, match = ${pair(ask.route, answer?.route ?? "0.0")}, ${pair(ask.match, answer?.match ?? "1.0")}
clean = induction_steps(model, task.tokens[0], route, match, task.second + ${ask.at})
edited = induction_steps(model, task.tokens[0], route, match, task.second + ${ask.at}, [${off}])
edited.broken(clean)`;
  }

  cli(): null {
    return null;
  }

  override pin(answer: WalkAnswer): Pin {
    const gone = answer.edited;
    return gone
      ? { title: `Without ${this.#off().join(", ")}: loss at one query`, rung: 3, value: gone.loss - answer.clean.loss, unit: "nats", n: 1, subject: this.#off().join(", ") }
      : { title: `${answer.route} → ${answer.match}: score by the note`, rung: 2, value: answer.clean.route_score, unit: "attention score", n: 1, subject: `${answer.route} → ${answer.match}` };
  }
}
customElements.define("rung-s10-steps", StepsPanel);

const clamp = (x: number): number => Math.min(Math.max(x, 0), 1);

interface ReachAsk {
  model: string;
  length: number;
  seed: number;
}
interface Reach {
  heads: string[];
  change: ArrayJson;
  n_heads: number;
  refused: string;
  n: number;
}

class ReachPanel extends Panel<ReachAsk, Reach> {
  readonly name = "s10-reach";
  readonly heading = "Who can wait for whom?";
  readonly computation = "steps.reach";
  override readonly live = false;

  ask(): ReachAsk {
    return { model: model(), length: length(), seed: seed() };
  }

  predict(): TemplateResult {
    return html`<p>Take one head away; does another head <em>of the same layer</em> look elsewhere now?</p>
      ${choices("Same layer", [["yes", "Yes, a little"], ["no", "No, not by one bit"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return repeatControls();
  }

  #moved(answer: Reach): { same: number; later: number; pair: string } {
    const grid = Grid.from(answer.change);
    let [same, later, pair] = [0, 0, ""];
    answer.heads.forEach((from, i) =>
      answer.heads.forEach((to, j) => {
        const by = grid.at(i, j);
        if (Math.floor(j / answer.n_heads) <= Math.floor(i / answer.n_heads)) same = Math.max(same, by);
        else if (by > later) [later, pair] = [by, `${from} → ${to}`];
      }),
    );
    return { same, later, pair };
  }

  see(answer: Reach, which: "now" | "beside"): TemplateResult {
    const { same, later, pair } = this.#moved(answer);
    return html`<rung-heatmap
        label="Largest change of an attention weight"
        .grid=${Grid.from(answer.change)}
        .rows=${answer.heads}
        .cols=${answer.heads}
        rowName="without"
        colName="reader"
        .size=${320}
        .guides=${[{ kind: "row", offset: answer.n_heads, label: "next layer" }, { kind: "column", offset: answer.n_heads, label: "next layer" }]}
        .focusKey=${(r: number) => `head:${answer.heads[r]}`}
      ></rung-heatmap>
      <p class="facts">
        Within a layer, or backwards: <strong data-number="same">${same === 0 ? "exactly 0" : num(same, 6)}</strong>. To a later layer: up to <strong data-number="later">${num(later)}</strong>${pair ? ` (${pair})` : ""}.
        ${which === "now" && this.prediction ? ((this.prediction === "no") === (same === 0) ? "As you said." : "Not what you said.") : ""}
      </p>
      ${answer.refused ? html`<p class="caption">The library refuses such an edge: “${answer.refused}.”</p>` : nothing}`;
  }

  question(): string {
    return "Why is a whole block of this map zero to the last bit?";
  }

  explain(): TemplateResult {
    return html`<p>
      All heads of a layer read the stream as it was before that layer. What a head writes is added afterwards, so its neighbours cannot have read it: no training changes that. That is why induction needs two
      layers, ${word("role:route", "route")} in the earlier and ${word("role:match", "match")} in the later. In a model of one layer the whole map is zero.
    </p>`;
  }

  python(ask: ReachAsk): string {
    return `from rung import HookedTransformer
from rung.methods.steps import pattern_reach
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
tokens = repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed}).tokens
donors = repeated_tokens(model, period=${ask.length}, sequences=32, seed=${ask.seed + 1}).tokens
pattern_reach(model, tokens, donors).change  # [ablated, reader]`;
  }

  cli(): null {
    return null;
  }
}
customElements.define("rung-s10-reach", ReachPanel);

class Section10 extends Section {
  readonly number = 10;
  readonly heading = "Route, match, copy";

  body(): TemplateResult {
    return html`<p>
        You have met two heads by their maps, their pushes and their price. Now watch them work together on <code>A B … A</code>: ${word("role:route", "route")} puts A’s name at B,
        ${word("role:match", "match")} finds it from the second A, ${word("role:copy", "copy")} says B.
      </p>
      ${tour("Break an arrow", [
        { say: html`Say what will break, and run.`, until: "s10-steps:ran" },
        { say: html`Step to the end: the arrow keys work inside the figure.`, until: "s10-steps:step-3" },
        { say: html`Ablate the route head.`, until: "s10-steps:ablated" },
        { say: html`See who can reach whom at all.`, until: "s10-reach:ran" },
      ])}
      <rung-s10-steps></rung-s10-steps>
      <p>Why two layers? Try it: name a route head and a match head of one layer above, and read what the library says. Then look at all pairs.</p>
      <rung-s10-reach></rung-s10-reach>`;
  }
}
customElements.define("rung-section-10", Section10);
