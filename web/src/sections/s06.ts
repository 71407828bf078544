import { html, nothing, type TemplateResult } from "lit";
import {
  Grid, Panel, Section, copy, match, model, nats, num, percent, route, run, signed, state, token, tour, word,
  type ArrayJson, type Pin,
} from "../kernel"; // prettier-ignore
import "../elements";
import { choices, copyOf, ends, guessSlider, length, repeatControls, seed, type Estimate, type SequenceJson } from "./repeats";

interface BoardAsk {
  model: string;
  length: number;
  seed: number;
  sequences: number;
}
interface Board {
  sequence: SequenceJson;
  by_position: ArrayJson;
  example: ArrayJson;
  right: ArrayJson;
  first: Estimate;
  second: Estimate;
  gain: Estimate;
  floor: number;
  accuracy: number;
  ln_vocabulary: number;
  ln_period: number;
  n: number;
}
interface Guess {
  sequence: SequenceJson;
  query: number;
  answer: number;
  vocabulary: number;
}
interface Predicted {
  guess?: number;
  first?: number;
  second?: number;
}

class BoardPanel extends Panel<BoardAsk, Board> {
  readonly name = "s06-board";
  readonly heading = "The board: one random text, twice";
  readonly computation = "board.loss";
  #game: { key: string; found: Guess | null } = { key: "", found: null };

  ask(): BoardAsk {
    return { model: model(), length: length(), seed: seed(), sequences: 16 };
  }

  override willUpdate(): void {
    const ask = { model: model(), length: length(), seed: seed() };
    const key = JSON.stringify(ask);
    if (this.#game.key === key) return;
    this.#game = { key, found: null };
    run<Guess>("board.guess", ask, { panel: "s06-guess" }).then(
      (found) => {
        if (this.#game.key !== key) return;
        this.#game = { key, found };
        this.requestUpdate();
      },
      () => undefined, // Run says what is wrong.
    );
  }

  #guessed(): Predicted {
    return (this.prediction ?? {}) as Predicted;
  }

  predict(): TemplateResult {
    const mine = this.#guessed();
    const put = (more: Predicted): void => this.setPrediction({ ...mine, ...more });
    return html`${this.#play(mine, put)}
      <p>Then the loss of each copy, in nats. What do you expect?</p>
      <div class="controls">
        ${guessSlider("First copy", 12, mine.first, (first) => put({ first }))}
        ${guessSlider("Second copy", 12, mine.second, (second) => put({ second }))}
      </div>`;
  }

  #play(mine: Predicted, put: (more: Predicted) => void): TemplateResult {
    const game = this.#game.found;
    if (!game) return html`<p class="quiet">Drawing a sequence…</p>`;
    const { sequence, query, answer } = game;
    const shown = [...sequence.texts.slice(0, query + 1), "?"];
    const guess = mine.guess !== undefined && mine.guess <= query ? mine.guess : null;
    const right = guess !== null && sequence.texts[guess] === sequence.texts[answer];
    return html`<p>Play <strong>?</strong> first: which token comes next? Choose it where it stands already.</p>
      <rung-tokens
        label="The sequence so far"
        .tokens=${shown}
        .selected=${guess}
        .marks=${[
          { index: sequence.second, label: "second copy" },
          { index: query + 1, label: "you" },
        ]}
        @pick=${(event: CustomEvent<{ index: number }>) => event.detail.index <= query && put({ guess: event.detail.index })}
      ></rung-tokens>
      ${guess === null
        ? nothing
        : html`<p class="your-guess" role="status">
            ${token(sequence.texts[guess]!)} is <strong>${right ? "right" : "wrong"}</strong>${right ? "" : html`: it is ${token(sequence.texts[answer]!)}`}.
            Guessing blindly is right once in ${game.vocabulary} times; knowing which ${sequence.period} tokens there are, once in
            ${sequence.period}; finding the earlier ${token(sequence.texts[query]!)} and reading on, every time.
          </p>`}`;
  }

  override controls(): TemplateResult {
    return repeatControls();
  }

  see(answer: Board, which: "now" | "beside"): TemplateResult {
    const mine = which === "now" ? this.#guessed() : {};
    const { sequence } = answer;
    const losses = Grid.from(answer.by_position);
    const query = this.#game.found?.query;
    return html`<rung-bars
        layout="columns"
        label="Loss of each token, mean over ${answer.n} sequences"
        unit="nats"
        .tokens=${true}
        .items=${Array.from(losses.data, (value, i) => ({
          label: sequence.texts[i + 1]!,
          value,
          group: copyOf(sequence, i + 1),
          key: i + 1 === sequence.second ? "s06:turn" : `pos:${i + 1}`,
        }))}
        .rules=${[
          { at: answer.ln_vocabulary, label: "ln V" },
          { at: answer.ln_period, label: "ln n" },
        ]}
      ></rung-bars>
      <rung-bars
        label="Mean loss of both copies"
        unit="nats"
        .items=${[
          { label: "first copy", value: answer.first.value, ...ends(answer.first), predicted: mine.first },
          { label: "second copy", value: answer.second.value, ...ends(answer.second), predicted: mine.second },
        ]}
      ></rung-bars>
      <p class="facts">
        Gain <strong data-number="gain">${nats(answer.gain.value)}</strong>; the second copy’s tokens are right
        <strong data-number="accuracy">${percent(answer.accuracy)}</strong> of the time.
        ${which === "now" && query !== undefined && query < losses.shape[0]!
          ? html`At your <strong>?</strong> the model gave the right token
              <strong data-number="yours">${percent(Math.exp(-Grid.from(answer.example).at(query)))}</strong>.`
          : nothing}
      </p>`;
  }

  question(answer: Board): string {
    return `${nats(answer.first.value)} on the first copy, ${nats(answer.second.value)} on the second: what did the model have to find, and what did it not have to know?`;
  }

  explain(answer: Board): TemplateResult {
    const over = answer.first.value - answer.ln_vocabulary;
    return html`<p>
        <strong>A first reading, and why it fails:</strong> “the model has got used to these tokens.” Knowing which tokens
        are left, but not their order, cannot get below ln n for long. The order itself was read off.
      </p>
      <p>
        Memorised pairs cannot help: these pairs occur in no text. So the first copy costs about ln V =
        ${nats(answer.ln_vocabulary)}${over > 0.5 ? html`; here it is ${nats(over)} more, for the model expects text and is confidently wrong` : ""}.
      </p>
      <p>
        ${word("s06:turn", "The second copy’s first token")} stays expensive. Nothing says that a repeat begins: only the
        tokens after it can be read off.
      </p>
      <p>This is rung 0, behaviour: there is something to explain. It says nothing of how the model does it.</p>`;
  }

  python(ask: BoardAsk): string {
    return `from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed})
board = loss_by_position(model, task)
board.first_copy_loss, board.second_copy_loss`;
  }

  cli(ask: BoardAsk): string {
    return `rung board ${ask.model} --period ${ask.length} --sequences ${ask.sequences} --seed ${ask.seed}`;
  }

  override pin(answer: Board): Pin {
    const { gain } = answer;
    return {
      test: "behaviour.gain", title: "Loss falls on the second copy", rung: 0, value: gain.value, unit: "nats", n: gain.n,
      ...ends(gain), floor: answer.floor, holds: gain.low !== null && gain.low >= answer.floor, subject: "the model",
    }; // prettier-ignore
  }
}
customElements.define("rung-s06-board", BoardPanel);

interface Point {
  step: number;
  stage: number;
  seconds: number;
  first: number;
  second: number;
  previous_token: number[][];
  induction: number[][];
}
interface Kept {
  points: Point[];
  checkpoints: number[];
  steps: number;
  finished: boolean;
  stages: number;
}
interface Curve {
  kept: Kept;
  shipped_seconds: number[];
}
interface CheckpointAsk {
  step: number;
  length: number;
  draw: number;
}
interface Checkpoint {
  step: number;
  sequence: SequenceJson;
  by_position: ArrayJson;
  first: number;
  second: number;
  in_context: number;
  ln_vocabulary: number;
  heads: string[];
  previous_token: number[];
  induction: number[];
  patterns: ArrayJson;
  kept: Kept;
}

/** The head with the highest last score. */
function best(points: Point[], role: "previous_token" | "induction"): [number, number] {
  const last = points.at(-1)?.[role] ?? [];
  let at: [number, number] = [0, 0];
  last.forEach((row, l) => row.forEach((value, h) => value > (last[at[0]]?.[at[1]] ?? -1) && (at = [l, h])));
  return at;
}

const stages = (points: Point[]): number[] =>
  points.filter((point, i) => i > 0 && point.stage !== points[i - 1]!.stage).map((point) => points[points.indexOf(point) - 1]!.step);

/** Losses and head scores over the steps of one run. */
function curves(points: Point[], steps: number, cursor: number | null, predicted: number | null = null): TemplateResult {
  const [prev, ind] = [best(points, "previous_token"), best(points, "induction")];
  const line = (of: (point: Point) => number): [number, number][] => points.map((point) => [point.step, of(point)]);
  const top = Math.max(...points.map((point) => Math.max(point.first, point.second)), 1);
  const mine = (high: number): object[] =>
    predicted === null ? [] : [{ label: `you: step ${predicted}`, points: [[predicted, 0], [predicted, high]], predicted: true }]; // prettier-ignore
  return html`<rung-lines
      label="Loss during training"
      x="step"
      y="nats"
      height="200"
      .xDomain=${[0, steps]}
      .cursor=${cursor}
      .series=${[{ label: "first copy", points: line((p) => p.first), dashed: true }, { label: "second copy", points: line((p) => p.second) }, ...mine(top)]}
    ></rung-lines>
    <rung-lines
      label="Head scores during training"
      x="step"
      y="attention"
      height="180"
      .domain=${[0, 1]}
      .xDomain=${[0, steps]}
      .cursor=${cursor}
      .series=${[
        { label: `${prev.join(".")} previous token`, points: line((p) => p.previous_token[prev[0]]![prev[1]]!), role: "route" },
        { label: `${ind.join(".")} induction`, points: line((p) => p.induction[ind[0]]![ind[1]]!), role: "match" },
        ...mine(1),
      ]}
    ></rung-lines>`;
}

class PhasePanel extends Panel<CheckpointAsk, Checkpoint> {
  readonly name = "s06-phase";
  readonly heading = "The phase change";
  readonly computation = "training.checkpoint";
  #kept: Kept | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void run<Curve>("training.curve", {}, { panel: "s06-shipped" }).then(
      (found) => {
        this.#kept = found.kept;
        this.requestUpdate();
      },
      () => undefined, // Run says what is wrong.
    );
  }

  #steps(): number[] {
    return this.#kept?.checkpoints ?? [this.number("step", 500)];
  }

  ask(): CheckpointAsk {
    return { step: this.number("step", 500), length: Math.min(length(), 31), draw: seed() };
  }

  predict(): TemplateResult {
    const mine = this.prediction as number | null;
    return html`<p>
        The tiny model was kept at a dozen steps of its training. At which step, do you think, does the second copy’s loss fall?
      </p>
      <div class="controls">${guessSlider("Step", this.#kept?.steps ?? 2500, mine ?? undefined, (step) => this.setPrediction(step), 25)}</div>`;
  }

  override controls(): TemplateResult {
    const steps = this.#steps();
    const at = Math.max(0, steps.indexOf(this.ask().step));
    return html`<label
      >Checkpoint
      <input
        type="range"
        min="0"
        max=${steps.length - 1}
        aria-valuetext="step ${steps[at]}"
        .value=${String(at)}
        @input=${(event: Event) => {
          this.put({ step: steps[Number((event.target as HTMLInputElement).value)]! });
          this.act("moved");
        }}
      />
      <output>step ${steps[at]}</output></label
    >`;
  }

  see(answer: Checkpoint, which: "now" | "beside"): TemplateResult {
    const { points, steps } = answer.kept;
    const patterns = Grid.from(answer.patterns);
    const [prev, ind] = [best(points, "previous_token"), best(points, "induction")].map((head) => answer.heads.indexOf(head.join("."))) as [number, number];
    const { texts, period } = answer.sequence;
    const map = (at: number, offset: number, role: "route" | "match", what: string, score: number): TemplateResult =>
      html`<div>
        <p class="caption">${word(`head:${answer.heads[at]}`, answer.heads[at])} ${what}: <strong>${num(score)}</strong></p>
        <rung-heatmap
          label="Attention of ${answer.heads[at]} at step ${answer.step}"
          .grid=${patterns.slice(at)}
          .rows=${texts}
          .cols=${texts}
          rowName="query"
          colName="key"
          .causal=${true}
          .size=${260}
          .guides=${[{ kind: "diagonal", offset, label: what, role }]}
        ></rung-heatmap>
      </div>`;
    return html`${which === "now" ? curves(points, steps, answer.step, this.prediction as number | null) : nothing}
      <p class="facts">
        Step <strong>${answer.step}</strong>: first copy <strong data-number="first">${nats(answer.first)}</strong>, second copy
        <strong data-number="second">${nats(answer.second)}</strong>, in-context score
        <strong data-number="in-context">${signed(answer.in_context)}</strong> (second − first).
      </p>
      <rung-bars
        layout="columns"
        label="Loss of each token at step ${answer.step}"
        unit="nats"
        .tokens=${true}
        .domain=${[0, 10]}
        .items=${Array.from(Grid.from(answer.by_position).data, (value, i) => ({ label: texts[i + 1]!, value, group: copyOf(answer.sequence, i + 1) }))}
        .rules=${[{ at: answer.ln_vocabulary, label: "ln V" }]}
      ></rung-bars>
      <div class="pair">
        ${map(prev, -1, "route", "previous token", answer.previous_token[prev]!)}
        ${map(ind, 1 - period, "match", "induction", answer.induction[ind]!)}
      </div>`;
  }

  question(): string {
    return "Which came first: the falling loss, the previous-token score, or the induction score? Did you expect that order?";
  }

  explain(answer: Checkpoint): TemplateResult {
    const { points, stages: planned } = answer.kept;
    const [p, i] = [best(points, "previous_token"), best(points, "induction")];
    const at = points.find((x) => x.induction[i[0]]![i[1]]! >= 0.5);
    const prev = at?.previous_token[p[0]]![p[1]] ?? NaN;
    return html`<p>
        You may have expected ${route("route")}, then ${match("match")}, then loss. The scores do not wait for one another: when ${i.join(".")} reaches one half, at
        step ${at?.step}, ${p.join(".")} looks one back with ${num(prev)} of its attention. The second copy’s loss is halved at step
        ${points.find((x) => x.second <= x.first / 2)?.step}. A blurred route already tells a match where to look; both then sharpen. Whether one causes the other no
        curve can say: the verdicts below can.
      </p>
      <p>
        Do not read more out of the sharp fall than is there. This recipe is a curriculum of ${planned} stages; the next ones began at steps
        ${stages(points).join(" and ")}. And a score that rises with the loss is still a clue, not a cause.
      </p>`;
  }

  python(ask: CheckpointAsk): string {
    return `from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens
from rung.training import checkpoints

folder = checkpoints("two-layer-tiny")[${ask.step}]
model = HookedTransformer.from_pretrained(str(folder))
task = repeated_tokens(model, period=${ask.length}, sequences=16, seed=${ask.draw})
loss_by_position(model, task).second_copy_loss, head_scores(model, task)["induction"]`;
  }

  cli(): string {
    return "rung models two-layer-tiny";
  }
}
customElements.define("rung-s06-phase", PhasePanel);

interface TrainAsk {
  seed: number;
  take: number;
}

class TrainPanel extends Panel<TrainAsk, Curve> {
  readonly name = "s06-train";
  readonly heading = "Train it here";
  readonly computation = "training.train";
  override readonly live: boolean = false;
  #found: Curve | null = null;
  #training = false;

  ask(): TrainAsk {
    return { seed: this.number("seed", 0), take: this.number("take", 0) };
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#look();
  }

  async #look(): Promise<void> {
    const ask = this.ask();
    try {
      const found = await run<Curve>("training.curve", ask, { panel: "s06-train-curve" });
      if (JSON.stringify(ask) === JSON.stringify(this.ask())) this.#found = found;
    } catch {
      // asked again in a moment, or told by Run
    }
    this.requestUpdate();
  }

  /** While it trains, the curve so far is asked for in the quick lane. */
  override async runNow(): Promise<void> {
    if (this.#training) return;
    this.#training = true;
    const timer = window.setInterval(() => void this.#look(), 700);
    try {
      await super.runNow();
    } finally {
      window.clearInterval(timer);
      this.#training = false;
      await this.#look();
      if (!this.#found?.kept.finished && this.#found?.kept.points.length) this.act("stopped");
    }
  }

  predict(): TemplateResult {
    const seconds = this.#found?.shipped_seconds ?? [];
    return html`<p>
        The same model from random weights, on your machine: 102,400 weights, the recipe of the one that is shipped. When will the second copy’s
        loss fall this time, with another seed?
      </p>
      ${seconds.length
        ? html`<p class="quiet">
            With three seeds its ${this.#found!.kept.steps} steps took ${seconds.map((s) => `${s} s`).join(", ")} on one thread where the shipped model
            was made (its card says so). The page says below how fast yours is.
          </p>`
        : nothing}
      <div class="controls">
        ${guessSlider("Step", this.#found?.kept.steps ?? 2500, (this.prediction as number | null) ?? undefined, (step) => this.setPrediction(step), 25)}
      </div>`;
  }

  override controls(): TemplateResult {
    const kept = this.#found?.kept;
    const last = kept?.points.at(-1);
    const rate = last && last.seconds > 0 ? last.step / last.seconds : null;
    return html`<label
        >Seed
        <input
          type="number"
          min="0"
          max="999999"
          ?disabled=${this.#training}
          .value=${String(this.ask().seed)}
          @change=${(event: Event) => {
            this.put({ seed: (event.target as HTMLInputElement).value, take: null });
            void this.#look();
          }}
      /></label>
      ${last && !this.#training
        ? html`<button
            type="button"
            data-act="afresh"
            @click=${() => {
              this.put({ take: (this.ask().take + 1) % 9 });
              this.#found = null;
              void this.#look();
            }}
          >
            Begin again
          </button>`
        : nothing}
      ${last && kept
        ? html`<div class="wide">
            ${curves(kept.points, kept.steps, null, this.prediction as number | null)}
            <p class="facts" data-step=${last.step}>
              Step <strong>${last.step}</strong> of ${kept.steps}, stage ${last.stage + 1} of ${kept.stages}; second copy ${nats(last.second)}.
              ${rate === null || kept.finished ? nothing : html`${num(rate, 0)} steps a second: about ${num((kept.steps - last.step) / rate, 0)} s to go.`}
              ${kept.finished ? html`Done: ${num(last.seconds, 0)} s of training on this machine.` : this.#training ? nothing : html`Stopped. <strong>Run</strong> goes on from here.`}
            </p>
          </div>`
        : nothing}`;
  }

  see(answer: Curve): TemplateResult {
    const last = answer.kept.points.at(-1)!;
    return html`<p class="facts">
      Trained: second copy <strong data-number="second">${nats(last.second)}</strong> after ${answer.kept.steps} steps in ${num(last.seconds, 0)} s.
      ${answer.kept.checkpoints.length} steps were kept: each can be proved below.
    </p>`;
  }

  question(): string {
    return "Your run has another seed. What stayed the same about the order of events, and what moved?";
  }

  explain(): TemplateResult {
    return html`<p>
      The recipe makes one head of each layer learn faster, so the roles fall to the same heads from every seed; no connection is set. The weights
      are others: what you may say of one run, you may say of another only after proving it there.
    </p>`;
  }

  python(ask: TrainAsk): string {
    return `from pathlib import Path
from rung.training import RECIPES, train

train(RECIPES["two-layer-tiny"], Path("my-tiny"), seed=${ask.seed}, progress=print)`;
  }

  cli(ask: TrainAsk): string {
    return `rung train two-layer-tiny --out my-tiny --seed ${ask.seed}`;
  }
}
customElements.define("rung-s06-train", TrainPanel);

interface RungsAsk {
  steps: number[];
  seed: number | null;
  take: number;
}
interface Reached {
  step: number;
  rung: number;
  name: string;
  sentence: string;
  stopped_by: string[] | null;
  heads: Record<string, string[]>;
}
interface Rungs {
  reached: Reached[];
}

const SHIPPED = [0, 300, 400, 450, 500, 550, 600, 700, 1000, 2500];
const RUNGS = ["behaviour", "clue", "contribution", "causal support", "mechanism"];

class RungsPanel extends Panel<RungsAsk, Rungs> {
  readonly name = "s06-rungs";
  readonly heading = "When each rung turns on";
  readonly computation = "training.rungs";
  override readonly live: boolean = false;
  #kept: number[] | null = null;

  #here(): boolean {
    return this.value("of", "shipped") === "here";
  }

  ask(): RungsAsk | string {
    const one = this.value("step");
    if (!this.#here()) return { steps: one ? [Number(one)] : SHIPPED, seed: null, take: 0 };
    const run = { seed: state.number("s06-train.seed", 0), take: state.number("s06-train.take", 0) };
    if (one) return { steps: [Number(one)], ...run };
    if (this.#kept === null) return "Nothing was trained here yet: train it above, and stop where you like.";
    return { steps: SHIPPED.concat(this.#kept.slice(-1)).filter((s, i, all) => this.#kept!.includes(s) && all.indexOf(s) === i), ...run };
  }

  override async runNow(): Promise<void> {
    if (this.#here()) {
      const run_ = { seed: state.number("s06-train.seed", 0), take: state.number("s06-train.take", 0) };
      const { kept } = await run<Curve>("training.curve", run_, { panel: "s06-rungs-kept" });
      this.#kept = kept.checkpoints.length ? kept.checkpoints : null;
    }
    await super.runNow();
  }

  predict(): TemplateResult {
    return html`<p>The claim: an earlier head ${route("routes")}, a later one ${match("matches")} and ${copy("copies")}. Which rung will the shipped run’s step 700 reach?</p>
      ${choices("Rung at step 700", RUNGS.map((name) => [name, name] as const), this.prediction, (name) => this.setPrediction(name))}`;
  }

  override controls(): TemplateResult {
    return html`${choices("Which run", [["shipped", "the shipped run"], ["here", "the run trained here"]], this.#here() ? "here" : "shipped", (of) => this.put({ of }))}
      <label
        >One step alone
        <input
          type="number"
          min="0"
          step="25"
          placeholder="a dozen"
          .value=${this.value("step")}
          @change=${(event: Event) => this.put({ step: (event.target as HTMLInputElement).value || null })}
      /></label>`; // prettier-ignore
  }

  see(answer: Rungs): TemplateResult {
    const at = answer.reached.find((one) => one.step === 700);
    return html`<rung-lines
        label="The rung that the claim reaches at each step"
        x="step"
        y="rung"
        height="190"
        .domain=${[-1, 4]}
        .series=${[{ label: "verdict", points: answer.reached.map((one) => [one.step, one.rung]) }]}
      ></rung-lines>
      <div class="figure-table" tabindex="0" role="region" aria-label="The verdict at each step"><table>
        <thead>
          <tr><th scope="col">Step</th><th scope="col">Verdict</th><th scope="col">Stopped by</th><th scope="col">In words</th></tr>
        </thead>
        <tbody>
          ${answer.reached.map(
            (one) => html`<tr data-step=${one.step}>
              <th scope="row">${one.step}</th>
              <td><strong>${one.name}</strong></td>
              <td>${one.stopped_by?.join(", ") ?? "nothing"}</td>
              <td>${one.sentence}</td>
            </tr>`,
          )}
        </tbody>
      </table></div>
      ${at && this.prediction ? html`<p class="facts">You said ${String(this.prediction)} at step 700; it is <strong>${at.name}</strong>.</p>` : nothing}`;
  }

  question(): string {
    return "At some step the stripe is there and the verdict is not yet mechanism. What is still missing in the weights?";
  }

  explain(answer: Rungs): TemplateResult {
    const early = answer.reached.find((one) => one.rung >= 1 && one.rung < 4);
    return html`<p>
        A curve of scores would have stopped at the clue. The same claim, tested at each step on sequences that nobody picked, shows the rungs turn on one after another.
      </p>
      ${early
        ? html`<p>
            At step ${early.step} the verdict is ${early.name}; ${early.stopped_by ? html`<code>${early.stopped_by.join(" ")}</code> stopped it.` : ""} The scores of that step alone would not have told you so.
          </p>`
        : nothing}`;
  }

  python(ask: RungsAsk): string {
    return `from rung import HookedTransformer, prove
from rung.training import checkpoints

for step in ${JSON.stringify(ask.steps).replace(/,/g, ", ")}:
    folder = checkpoints(${ask.seed === null ? '"two-layer-tiny"' : '"my-tiny"'})[step]
    proof = prove("induction", HookedTransformer.from_pretrained(str(folder)))
    print(step, proof.verdict.name)`;
  }

  cli(ask: RungsAsk): string {
    const folder = ask.seed === null ? "src/rung/model/bundled/two-layer-tiny" : "my-tiny";
    return `rung prove induction --model ${folder}/checkpoints/step-${String(ask.steps.at(-1)).padStart(5, "0")}`;
  }

  override pin(answer: Rungs): Pin | null {
    const last = answer.reached.at(-1);
    if (!last || last.rung < 0) return null;
    return { title: `${last.name} at step ${last.step}`, rung: last.rung as Pin["rung"], value: last.step, unit: "training steps" };
  }
}
customElements.define("rung-s06-rungs", RungsPanel);

class Section06 extends Section {
  readonly number = 6;
  readonly heading = "The board";

  body(): TemplateResult {
    return html`<p>
        You need a test that no memory can pass. Draw tokens at random, put BOS before them, and write the same tokens down once more:
        <code>A B … A ? → B</code>.
      </p>
      <p>
        No pair of these tokens was ever in a text, so the direct path knows nothing. Whoever predicts the second copy must
        have looked back at the first.
      </p>
      ${tour("The board", [
        { say: html`Guess the token at <strong>?</strong> in the first panel.`, until: "s06-board:predicted" },
        { say: html`Run it, and find ${word("s06:turn", "the one bar of the second copy that stays high")}.`, until: "s06-board:ran" },
        { say: html`Run the phase change, and press <em>Keep beside</em>.`, until: "s06-phase:kept" },
        { say: html`Move the slider to a later step, and compare the two.`, until: "s06-phase:moved" },
        { say: html`Prove the kept steps in the last panel.`, until: "s06-rungs:ran" },
      ])}
      <rung-s06-board></rung-s06-board>
      <p>
        Nobody told this model to look back. It came to do so during training, and within a few hundred steps. Move along them, and watch what
        turns on.
      </p>
      <rung-s06-phase></rung-s06-phase>
      <p>That was a run that somebody else made. Make one yourself: stop it anywhere, go on later, and prove it at any step.</p>
      <rung-s06-train></rung-s06-train>
      <rung-s06-rungs></rung-s06-rungs>`;
  }
}
customElements.define("rung-section-06", Section06);
