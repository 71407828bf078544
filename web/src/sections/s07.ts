import { html, LitElement, nothing, type TemplateResult } from "lit";
import { acts, focus, Grid, interval, match, model, num, Panel, route, run, Section, signed, state, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices, ends, length, repeatControls, seed, type Estimate, type SequenceJson } from "./repeats";

interface HeadsAsk {
  model: string;
  length: number;
  seed: number;
  sequences: number;
}
interface HeadJson {
  head: string;
  label: string;
  signature: string;
  score: number;
  floor: number;
  control: number | null;
  estimate: Estimate;
  scores: Record<string, number>;
  floors: Record<string, number>;
  split: Record<string, number>;
}
interface Signatures {
  sequence: SequenceJson;
  heads: HeadJson[];
  patterns: ArrayJson;
  written: ArrayJson;
  n: number;
}

const name = (text: string): string => text.replace(/_/g, " ");
const ROLE: Record<string, string> = { previous_token: "route", previous: "route", induction: "match" };
const PARTS: Record<string, string> = {
  induction: "after the earlier match",
  previous: "one back",
  duplicate: "the earlier match itself",
  self: "itself (parking)",
  bos: "BOS (parking)",
  elsewhere: "elsewhere",
};
/** What the reader may expect of the stripe: its distance back, of a copy of n. */
const STRIPES = [
  ["same", "at the earlier A itself"],
  ["after", "at the token after the earlier A"],
  ["before", "at the token just before the query"],
  ["bos", "at BOS"],
] as const;

class HeadsPanel extends Panel<HeadsAsk, Signatures> {
  readonly name = "s07-heads";
  readonly heading = "All heads, sorted";
  readonly computation = "signatures.heads";

  ask(): HeadsAsk {
    return { model: model(), length: length(), seed: seed(), sequences: 16 };
  }

  predict(): TemplateResult {
    return html`<p>
        In <code>A B … A</code> the second A has to call for B. Where does an ${match("induction")} head look from there? Your line is drawn on the map.
      </p>
      ${choices("Where an induction head looks", STRIPES, this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return html`${repeatControls()}
      <label
        ><input
          type="checkbox"
          .checked=${this.value("weighted") === "1"}
          @change=${(event: Event) => {
            this.put({ weighted: (event.target as HTMLInputElement).checked ? "1" : null });
            this.act("weighted");
          }}
        />
        weight by value written</label
      >`;
  }

  /** Patterns, or patterns times the length of what each value writes, in one scale for all heads. */
  #grids(answer: Signatures): { grids: Grid[]; most: number } {
    const patterns = Grid.from(answer.patterns);
    const all = answer.heads.map((_, i) => patterns.slice(i));
    if (this.value("weighted") !== "1") return { grids: all, most: 1 };
    const written = Grid.from(answer.written);
    const made = all.map((grid, h) => new Grid(grid.shape, grid.data.map((x, i) => x * written.at(h, i % grid.shape[1]!))));
    return { grids: made, most: Math.max(...made.map((grid) => grid.max()), 1e-9) };
  }

  #chosen(answer: Signatures): number {
    const lit = this.value("head");
    return Math.max(0, answer.heads.findIndex((one) => one.head === (lit || answer.heads.find((each) => each.signature === "induction")?.head)));
  }

  see(answer: Signatures, which: "now" | "beside"): TemplateResult {
    const { texts, period, second } = answer.sequence;
    const { grids, most } = this.#grids(answer);
    const weighted = most !== 1;
    const at = this.#chosen(answer);
    const head = answer.heads[at]!;
    const offset = ({ same: -period, after: 1 - period, before: -1 } as Record<string, number>)[String(this.prediction)];
    const guides: object[] = [
      { kind: "diagonal", offset: -1, label: "previous token: one below the diagonal", role: "route" },
      { kind: "diagonal", offset: 1 - period, label: "induction: after the earlier match", role: "match" },
      { kind: "row", offset: second, label: "the second copy begins" },
    ];
    if (which === "now" && offset !== undefined) guides.push({ kind: "diagonal", offset, label: "your line" });
    if (which === "now" && this.prediction === "bos") guides.push({ kind: "column", offset: 0, label: "your line" });
    return html`<rung-thumbs
        label="Heads, the highest signature first"
        .grids=${weighted ? grids.map((grid) => new Grid(grid.shape, grid.data.map((x) => x / most))) : grids}
        .labels=${answer.heads.map((one) => one.head)}
        .keys=${answer.heads.map((one) => `head:${one.head}`)}
        .scores=${answer.heads.map((one) => html`<span class="role ${ROLE[one.label] ?? ""}">${name(one.label)}</span> ${num(one.score)} / floor ${num(one.floor)}`)}
        .selected=${at}
        @pick=${(event: CustomEvent<{ index: number }>) => {
          const picked = answer.heads[event.detail.index]!.head;
          this.put({ head: picked });
          focus.set(`head:${picked}`);
          this.act("picked");
        }}
      ></rung-thumbs>
      <p class="facts">
        ${word(`head:${head.head}`, head.head)}: <strong data-number="label">${name(head.label)}</strong>. ${head.label === "none fits" ? "Nearest" : ""} ${name(head.signature)} score
        <strong data-number="score">${num(head.score)}</strong>${head.estimate.low === null || head.estimate.high === null ? "" : ` ${interval(head.estimate.low, head.estimate.high)}`},
        floor <strong data-number="floor">${num(head.floor)}</strong>${head.control === null ? nothing : html`, on text without a repeat ${num(head.control)}`}.
      </p>
      <rung-heatmap
        label="${weighted ? "What each key adds, in length" : "Attention"} of head ${head.head}"
        .grid=${grids[at]}
        .rows=${texts}
        .cols=${texts}
        rowName="query"
        colName="key"
        .causal=${true}
        .domain=${[0, most]}
        .guides=${guides}
        .focusKey=${(r: number, c: number) => (r - c === 1 ? "s07:previous" : r >= second && r - c === period - 1 ? "s07:induction" : r >= second && r - c === period ? "s07:duplicate" : `pos:${c}`)}
        @cell=${(event: CustomEvent<{ row: number; col: number }>) => {
          const { row, col } = event.detail;
          if (row >= second && col === row - period + 1) this.act("found-stripe");
        }}
      ></rung-heatmap>
      <rung-bars
        label="Where ${head.head} looks from the second copy"
        unit="share of its attention"
        .domain=${[0, 1]}
        .items=${Object.entries(head.split).map(([part, value]) => ({ label: PARTS[part] ?? part, value, role: ROLE[part], key: `s07:${part}` }))}
      ></rung-bars>`;
  }

  question(): string {
    return "Where does the stripe lie, and why not one further left?";
  }

  explain(answer: Signatures): TemplateResult {
    const { period } = answer.sequence;
    const parked = answer.heads.filter((one) => one.split.bos! + one.split.self! >= 0.3);
    const none = answer.heads.filter((one) => one.label === "none fits").length;
    return html`<p>
        The stripe lies ${period - 1} below the diagonal, not ${period}. A head that looked at the earlier A would find A; B is what has to be carried, and B stands ${word("s07:induction", "one later")}.
        Looking at the same token is a ${word("s07:duplicate", "duplicate-token")} signature: another job.
      </p>
      <p>
        <strong>BOS and itself are parking spots, not meaning.</strong> Attention sums to 1, so a head with nothing to do must look somewhere.
        ${parked.length ? html`Here ${parked.map((one) => one.head).join(", ")} ${parked.length > 1 ? "leave" : "leaves"} 30 % or more there.` : ""} It does not erase a signature either: a head may park
        on most queries and do its job on the others. Weight by value to see how little a parked look may move.
      </p>
      <p>
        A label is a score over its floor: 0.30, and three times what the head scores where nothing repeats. ${none} of ${answer.heads.length} heads get
        <em>none fits</em>; several signatures at once are <em>mixed</em>. The nearest label is not a label.
      </p>
      <p>And a signature is a clue: rung 1. It says where a head looks. It does not say that what it carries is used.</p>`;
  }

  python(ask: HeadsAsk): string {
    return `from rung import HookedTransformer
from rung.methods.patterns import head_scores, label_head
from rung.methods.values import weighted_patterns
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed})
scores, control = head_scores(model, task), head_scores(model, unrepeated_tokens(model, task))
label_head(scores, control, 1, 0)
weighted_patterns(model, task.tokens[:1]).weighted  # [batch, layer, head, query, key]`;
  }

  cli(ask: HeadsAsk): string {
    return `rung heads ${ask.model} --period ${ask.length} --sequences ${ask.sequences} --seed ${ask.seed}`;
  }

  override pin(answer: Signatures): Pin {
    const head = answer.heads[this.#chosen(answer)]!;
    return {
      test: "clue.signature", title: `${head.head}: ${name(head.signature)} score`, rung: 1, value: head.score, unit: "attention", n: answer.n,
      ...ends(head.estimate), ...(head.control === null ? {} : { control: head.control }), floor: head.floor, holds: head.score >= head.floor, subject: head.head,
    }; // prettier-ignore
  }
}
customElements.define("rung-s07-heads", HeadsPanel);

interface QuizAsk {
  seed: number;
}
interface Quiz {
  sequence: SequenceJson;
  patterns: ArrayJson;
  induction: number[];
  control: number[];
}
interface Solution {
  decoy: string;
  direct: Estimate[];
  total: Estimate;
  unit: string;
  why: string;
}

const quizSeed = (): number => state.number("s07-quiz.pair", 0);
const chosen = (): string => state.get("s07-quiz.choice");

class QuizPanel extends Panel<QuizAsk, Quiz> {
  readonly name = "s07-quiz";
  readonly heading = "Which of these two is the decoy?";
  readonly computation = "signatures.quiz";

  ask(): QuizAsk {
    return { seed: quizSeed() };
  }

  predict(): TemplateResult {
    return html`<p>Two heads of one model, wired by hand. One does induction; the other looks the same and writes nothing. Will the maps tell you which?</p>
      ${choices("Will the maps tell?", [["yes", "Yes"], ["no", "No"]], this.prediction, (value) => this.setPrediction(value))}`; // prettier-ignore
  }

  override controls(): TemplateResult {
    return html`<label
      >Pair
      <input
        type="number"
        min="0"
        max="999"
        .value=${String(quizSeed())}
        @change=${(event: Event) => this.put({ pair: (event.target as HTMLInputElement).value, choice: null })}
    /></label>`;
  }

  see(answer: Quiz): TemplateResult {
    const grids = Grid.from(answer.patterns);
    const { texts, period } = answer.sequence;
    return html`<div class="pair">
        ${["A", "B"].map(
          (letter, i) => html`<div>
            <p class="caption"><strong>${letter}</strong>: induction score ${num(answer.induction[i]!, 3)}, on text without a repeat ${num(answer.control[i]!, 3)}</p>
            <rung-heatmap
              label="Attention of head ${letter}"
              .grid=${grids.slice(i)}
              .rows=${texts}
              .cols=${texts}
              rowName="query"
              colName="key"
              .causal=${true}
              .size=${260}
              .guides=${[{ kind: "diagonal", offset: 1 - period, label: "after the earlier match", role: "match" }]}
            ></rung-heatmap>
          </div>`,
        )}
      </div>
      ${choices("The decoy", [["A", "A is the decoy"], ["B", "B is the decoy"]], chosen(), (choice) => {
        this.put({ choice });
        this.act("chose");
      })}
      ${chosen() ? html`<p class="facts" role="status">You said ${chosen()}. Section 9 has the tool that tells; your answer waits there.</p>` : nothing}`; // prettier-ignore
  }

  question(): string {
    return "What on these maps made you choose, and how sure are you?";
  }

  explain(): TemplateResult {
    return html`<p>
      Nothing here can tell. A pattern is made by Q and K; what is written is made by V and O, and the map shows none of it. Two sections on,
      <a href="#decoy-answer">attribution</a> asks what each head adds to the right token.
    </p>`;
  }

  python(ask: QuizAsk): string {
    return `from rung.methods.patterns import head_scores
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens

planted = plant("passenger", ${ask.seed})
head_scores(planted.model, repeated_tokens(planted.model, period=12, sequences=16, seed=${ask.seed}))["induction"]`;
  }

  cli(): null {
    return null;
  }
}
customElements.define("rung-s07-quiz", QuizPanel);

/** The answer to the quiz, where section 9 shows it: what each of the two heads adds to the right token's logit. */
class DecoyAnswer extends LitElement {
  static override properties = { found: { state: true }, problem: { state: true } };
  found: { pair: number; answer: Solution } | null = null;
  problem = "";
  #leave: (() => void) | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.id = "decoy-answer";
    this.classList.add("panel");
    this.#leave = state.subscribe(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
  }

  async #reveal(): Promise<void> {
    const pair = quizSeed();
    try {
      const answer = await run<Solution>("signatures.solution", { seed: pair }, { panel: "decoy-answer" });
      this.problem = "";
      this.found = { pair, answer };
      acts.tell("s07-quiz:solved");
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  override render(): TemplateResult {
    const found = this.found?.pair === quizSeed() ? this.found.answer : null;
    const mine = chosen();
    return html`<div class="panel-body">
      <h3>The decoy of section 7</h3>
      <p>${mine ? html`You said that <strong>${mine}</strong> is the decoy.` : html`You have not chosen yet: <a href="#s07-quiz">which of the two?</a>`}</p>
      <div class="run-row">
        <button type="button" class="primary" data-act="reveal" @click=${() => void this.#reveal()}>What does each add to the right token?</button>
      </div>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
      ${found
        ? html`<rung-bars
              label="Direct attribution to the right token's logit"
              unit=${found.unit}
              .signed=${true}
              .items=${[...found.direct.map((one, i) => ({ label: "AB"[i]!, value: one.value, ...ends(one) })), { label: "all parts", value: found.total.value, ...ends(found.total) }]}
            ></rung-bars>
            <p class="facts" role="status">
              The decoy is <strong data-number="decoy">${found.decoy}</strong>${mine ? (mine === found.decoy ? ": you were right, but the maps could not have told you." : ": the maps misled you, as they were built to.") : "."}
              It adds ${signed(found.direct["AB".indexOf(found.decoy)]!.value, 3)} of ${signed(found.total.value)}.
            </p>`
        : nothing}
    </div>`;
  }
}
customElements.define("rung-decoy-answer", DecoyAnswer);

class Section07 extends Section {
  readonly number = 7;
  readonly heading = "Signatures";

  body(): TemplateResult {
    return html`<p>Who looked back? Read the attention of every head on the board: a row is a query, a column is where it looks.</p>
      <p>
        Expect two signatures. A ${route("previous-token")} head looks ${word("s07:previous", "one below the diagonal")}, always. An
        ${match("induction")} head shows ${word("s07:induction", "a stripe")} in the second copy, at the token <em>after</em> the earlier match.
      </p>
      ${tour("Reading signatures", [
        { say: html`Say where the stripe will lie, then run.`, until: "s07-heads:ran" },
        { say: html`Choose a head among the thumbnails.`, until: "s07-heads:picked" },
        { say: html`On an induction head’s map, go to a query of the second copy and press <kbd>m</kbd> or click: find the stripe.`, until: "s07-heads:found-stripe" },
        { say: html`Weight by value written. What fades?`, until: "s07-heads:weighted" },
        { say: html`Name the decoy.`, until: "s07-quiz:chose" },
      ])}
      <rung-s07-heads></rung-s07-heads>
      <p>Now be careful. Two heads can draw the same map, and only one of them need be of any use.</p>
      <rung-s07-quiz></rung-s07-quiz>`;
  }
}
customElements.define("rung-section-07", Section07);
