import { html, nothing, type TemplateResult } from "lit";
import { Grid, model, nats, num, Panel, percent, Section, signed, token, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices, copyOf, ends, guessSlider, length, repeatControls, seed, type Estimate, type SequenceJson } from "./repeats";

type Put = "zero" | "mean" | "resample" | "patch";
interface Move {
  layer: number;
  site: string;
  head: number | null;
  put: Put;
  positions: number[] | null;
}
interface EditAsk {
  model: string;
  length: number;
  seed: number;
  sequences: number;
  moves: Move[];
  query: number | null;
  show: string | null;
}
interface Side {
  by_position: ArrayJson;
  example: ArrayJson;
  first: Estimate;
  second: Estimate;
  logit: number;
  probability: number;
  top: string;
  pattern: ArrayJson | null;
}
interface Edit {
  sequence: SequenceJson;
  query: number;
  target: string;
  show: string | null;
  moves: string[];
  hooks: string[];
  clean: Side;
  edited: Side;
  change: Estimate;
  ln_vocabulary: number;
  n: number;
  layers: number;
  heads: number;
  mlps: boolean;
}

const PUTS: readonly (readonly [Put, string])[] = [
  ["zero", "zero"],
  ["mean", "mean"],
  ["resample", "resample"],
  ["patch", "patch"],
];
const SITES: Record<string, string> = {
  z: "one head",
  attn_out: "attention out",
  mlp_out: "MLP out",
  resid_pre: "residual before",
  resid_post: "residual after",
};

/** A move as it stands in the URL: "1.0:zero", "0.attn_out:mean@5,6". */
const spell = (move: Move): string =>
  `${move.layer}.${move.site === "z" ? move.head : move.site}:${move.put}${move.positions ? `@${move.positions.join(",")}` : ""}`;

export function readMove(text: string): Move | null {
  const found = /^(\d+)\.(\d+|[a-z_]+):(zero|mean|resample|patch)(?:@(\d+(?:,\d+)*))?$/.exec(text);
  if (!found) return null;
  const [, layer, where, put, at] = found;
  const head = /^\d+$/.test(where!) ? Number(where) : null;
  if (head === null && !(where! in SITES)) return null;
  return { layer: Number(layer), site: head === null ? where! : "z", head, put: put as Put, positions: at ? at.split(",").map(Number) : null };
}

class EditPanel extends Panel<EditAsk, Edit> {
  readonly name = "s08-edit";
  readonly heading = "Cache, hook, measure";
  readonly computation = "measure.edit";

  #moves(): Move[] {
    return this.value("moves").split(";").map(readMove).filter((move) => move !== null);
  }

  ask(): EditAsk {
    const query = this.value("query");
    return {
      model: model(), length: length(), seed: seed(), sequences: 8, moves: this.#moves(),
      query: query ? Number(query) : null, show: this.value("show") || null,
    }; // prettier-ignore
  }

  override describe(ask: EditAsk): string {
    return `${ask.model} · ${ask.moves.length ? ask.moves.map(spell).join(" + ") : "clean"}`;
  }

  predict(): TemplateResult {
    return html`<p>You are about to take one head away. By how many nats will the second copy’s loss rise?</p>
      <div class="controls">${guessSlider("Rise", 12, (this.prediction as number | null) ?? undefined, (rise) => this.setPrediction(rise))}</div>`;
  }

  /** The settings of the next move. */
  #next(): Move {
    const site = this.value("site", "z");
    const at = this.value("at")
      .split(/[\s,]+/)
      .filter((x) => /^\d+$/.test(x))
      .map(Number);
    return { layer: this.number("layer", 1), site, head: site === "z" ? this.number("head", 0) : null, put: this.value("put", "mean") as Put, positions: at.length ? at : null };
  }

  #set(moves: Move[], act: string): void {
    this.put({ moves: moves.length ? moves.map(spell).join(";") : null });
    this.act(act);
    void this.runNow();
  }

  override controls(): TemplateResult {
    const { answer } = this;
    const moves = this.#moves();
    const next = this.#next();
    const choose = (key: string, values: readonly (readonly [string | number, string])[], now: string | number): TemplateResult =>
      html`<select data-key=${key} @change=${(event: Event) => this.put({ [key]: (event.target as HTMLSelectElement).value })}>
        ${values.map(([value, text]) => html`<option value=${value} ?selected=${String(value) === String(now)}>${text}</option>`)}
      </select>`;
    const upTo = (n: number): [number, string][] => Array.from({ length: n }, (_, i) => [i, String(i)]);
    return html`<ol class="rail">
      <li><strong>Cache</strong> a clean run of <span class="controls">${repeatControls()}</span></li>
      <li>
        <strong>Hook</strong>
        <span class="controls">
          <label>Where ${choose("site", Object.entries(SITES).filter(([site]) => site !== "mlp_out" || (answer?.mlps ?? true)), next.site)}</label>
          <label>Layer ${choose("layer", upTo(answer?.layers ?? 2), next.layer)}</label>
          ${next.site === "z" ? html`<label>Head ${choose("head", upTo(answer?.heads ?? 4), next.head ?? 0)}</label>` : nothing}
          <label>Put ${choose("put", PUTS, next.put)}</label>
          <label
            >Positions
            <input type="text" inputmode="numeric" size="8" placeholder="all" .value=${this.value("at")} @change=${(event: Event) => this.put({ at: (event.target as HTMLInputElement).value || null })}
          /></label>
          <button type="button" data-act="ablate" @click=${() => this.#set([...moves, this.#next()], "hooked")}>Hook it</button>
          <button type="button" data-act="undo" ?disabled=${!moves.length} @click=${() => this.#set(moves.slice(0, -1), "undone")}>Undo</button>
        </span>
        ${moves.length
          ? html`<ul class="moves">
              ${moves.map(
                (move, i) =>
                  html`<li>
                    <code>${answer?.hooks[i] ?? spell(move)}</code>${move.head === null ? "" : ` head ${move.head}`} ← ${move.put}${move.positions ? ` at ${move.positions.join(", ")}` : ""}
                    <button type="button" class="link" aria-label="Take off ${spell(move)}" @click=${() => this.#set(moves.filter((_, k) => k !== i), "undone")}>take off</button>
                  </li>`,
              )}
            </ul>`
          : html`<p class="quiet">Nothing is hooked: both runs are the clean one.</p>`}
      </li>
      <li><strong>Measure</strong> what changed.</li>
    </ol>`;
  }

  see(answer: Edit, which: "now" | "beside"): TemplateResult {
    const { clean, edited, sequence, query } = answer;
    const [before, after] = [Grid.from(clean.by_position).data, Grid.from(edited.by_position).data];
    const top = Math.max(...before, ...after, answer.ln_vocabulary);
    const bars = (data: Float32Array, what: string): TemplateResult =>
      html`<p class="caption">${what}</p>
        <rung-bars
          layout="columns"
          label="Loss of each token, ${what}"
          unit="nats"
          .tokens=${true}
          .domain=${[0, top]}
          .items=${Array.from(data, (value, i) => ({ label: sequence.texts[i + 1]!, value, group: copyOf(sequence, i + 1), key: `pos:${i + 1}` }))}
          .rules=${[{ at: answer.ln_vocabulary, label: "ln V" }]}
          @pick=${(event: CustomEvent<{ index: number }>) => this.put({ query: event.detail.index })}
        ></rung-bars>`;
    const map = (side: Side, what: string): TemplateResult | typeof nothing =>
      side.pattern === null
        ? nothing
        : html`<div>
            <p class="caption">${word(`head:${answer.show}`, answer.show)} ${what}</p>
            <rung-heatmap
              label="Attention of ${answer.show}, ${what}"
              .grid=${Grid.from(side.pattern)}
              .rows=${sequence.texts}
              .cols=${sequence.texts}
              rowName="query"
              colName="key"
              .causal=${true}
              .size=${260}
              .guides=${[{ kind: "diagonal", offset: 1 - sequence.period, label: "after the earlier match", role: "match" }]}
            ></rung-heatmap>
          </div>`;
    const heads = Array.from({ length: answer.layers * answer.heads }, (_, i) => `${Math.floor(i / answer.heads)}.${i % answer.heads}`);
    return html`<rung-bars
        label="Loss of the second copy"
        unit="nats"
        .items=${[
          { label: "clean", value: clean.second.value, ...ends(clean.second) },
          { label: "hooked", value: edited.second.value, ...ends(edited.second), predicted: which === "now" && typeof this.prediction === "number" ? clean.second.value + this.prediction : null },
        ]}
      ></rung-bars>
      <p class="facts">
        Change <strong data-number="change">${signed(answer.change.value)}</strong> nats over ${answer.n} sequences. At position ${word(`pos:${query}`, query)} the target is ${token(answer.target)}: logit
        <strong data-number="logit-before">${num(clean.logit)}</strong> → <strong data-number="logit-after">${num(edited.logit)}</strong> over the mean, probability
        <strong data-number="p-before">${percent(clean.probability)}</strong> → <strong data-number="p-after">${percent(edited.probability)}</strong>; the model says ${token(edited.top)}.
      </p>
      ${bars(before, "clean")} ${bars(after, "hooked")}
      <p class="quiet">Choose a bar to make the token there the target.</p>
      <label
        >Attention of head
        <select data-key="show" @change=${(event: Event) => this.put({ show: (event.target as HTMLSelectElement).value })}>
          ${heads.map((head) => html`<option value=${head} ?selected=${head === answer.show}>${head}</option>`)}
        </select></label
      >
      <div class="pair">${map(clean, "clean")} ${map(edited, "hooked")}</div>`;
  }

  question(answer: Edit): string {
    return answer.moves.length
      ? "What changed where you hooked, and what changed later although you did not touch it?"
      : "This is the clean run. Which head would you take away first, and what would show that you were right?";
  }

  explain(answer: Edit): TemplateResult {
    return html`<p>
        <strong>Cache before you hook:</strong> without the clean number there is nothing to compare with, and without its attention you could not see that
        ${word("head:1.0", "a later head")} lost its stripe because ${word("head:0.0", "an earlier one")} fell silent.
      </p>
      <p>
        ${answer.change.value >= 1
          ? "The loss rose a great deal: on this task the model relies on what you took. That is causal support, not yet an account of what it is used for."
          : "The loss hardly moved. That does not say that the place is idle: another may do the same work. The last panel shows it."}
      </p>
      <div class="figure-table" tabindex="0" role="region" aria-label="What each move asks"><table>
        <thead>
          <tr><th scope="col">Move</th><th scope="col">Plain question</th><th scope="col">Expect, if the place matters</th></tr>
        </thead>
        <tbody>
          <tr><th scope="row">zero</th><td>What if it said nothing?</td><td>a large rise, which may overstate: no run of the model has a zero there</td></tr>
          <tr><th scope="row">mean</th><td>What if it said what it says on average?</td><td>the information goes, the size stays</td></tr>
          <tr><th scope="row">resample</th><td>What if it said what it says of another text?</td><td>what was particular to this text goes; a lone donor makes it lie</td></tr>
          <tr><th scope="row">patch</th><td>What if it said what it says where nothing repeats?</td><td>just what the repeat adds goes</td></tr>
          <tr><th scope="row">at some positions</th><td>Where is it needed?</td><td>a rise from those positions alone</td></tr>
        </tbody>
      </table></div>`;
  }

  python(ask: EditAsk): string {
    const put: Record<Put, string> = { zero: "Zero()", mean: "Mean(others)", resample: "Resample(others, seed=task.seed)", patch: "Patch(unrepeated_tokens(model, task).tokens)" };
    const one = (move: Move): string =>
      `    Intervention(("${move.site}", ${move.layer}), ${put[move.put]}, ${move.head ?? "None"}, ${move.positions ? `(${move.positions.join(", ")},)` : "None"}),`;
    return `from rung import HookedTransformer
from rung.methods.interventions import Intervention, Mean, Patch, Resample, Zero
from rung.methods.sweep import measure
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed})
others = repeated_tokens(model, period=${ask.length}, sequences=8, seed=${ask.seed + 1}).tokens
moves = [
${ask.moves.map(one).join("\n")}
]
measure(model, task.tokens, moves, next_token_loss(task.predictable)).change.mean()`;
  }

  cli(ask: EditAsk): string | null {
    const heads = ask.moves.filter((move) => move.site === "z" && !move.positions);
    const [put] = new Set(ask.moves.map((move) => move.put));
    if (!heads.length || heads.length < ask.moves.length || put === "patch" || heads.some((move) => move.put !== put)) return null;
    return `rung ablate ${ask.model} --heads ${heads.map((move) => `${move.layer}.${move.head}`).join(",")} --by ${put} --period ${ask.length} --sequences ${ask.sequences} --seed ${ask.seed}`;
  }

  override pin(answer: Edit, ask: EditAsk): Pin | null {
    if (!ask.moves.length) return null;
    const { change } = answer;
    const subject = ask.moves.map(spell).join(" + ");
    return { title: `Loss with ${subject}`, rung: 3, value: change.value, unit: "nats", n: change.n, ...ends(change), subject };
  }
}
customElements.define("rung-s08-edit", EditPanel);

interface SweepAsk {
  model: string;
  length: number;
  seed: number;
  sequences: number;
  put: string;
}
interface Swept {
  heads: string[];
  change: Estimate[];
  clean: Estimate;
  put: string;
  unit: string;
  n: number;
}

class SweepPanel extends Panel<SweepAsk, Swept> {
  readonly name = "s08-sweep";
  readonly heading = "Every head, one at a time";
  readonly computation = "measure.sweep";
  override readonly live: boolean = false;

  ask(): SweepAsk {
    return { model: model(), length: length(), seed: seed(), sequences: 16, put: this.value("put", "mean") };
  }

  predict(): TemplateResult {
    return html`<p>Which heads does the prediction need? Write those that you expect on top.</p>
      <label
        >Heads
        <input
          type="text"
          size="12"
          placeholder="1.0, …"
          .value=${((this.prediction as string[] | null) ?? []).join(", ")}
          @change=${(event: Event) => this.setPrediction((event.target as HTMLInputElement).value.match(/\d+\.\d+/g) ?? [])}
      /></label>`;
  }

  override controls(): TemplateResult {
    return choices("Replace by", PUTS.filter(([put]) => put !== "patch"), this.ask().put, (put) => this.put({ put }));
  }

  see(answer: Swept, which: "now" | "beside"): TemplateResult {
    const named = which === "now" ? ((this.prediction as string[] | null) ?? []) : [];
    return html`<rung-bars
        label="Change of the second copy's loss without each head"
        unit=${answer.unit}
        .signed=${true}
        .items=${answer.heads.map((head, i) => ({
          label: head, value: answer.change[i]!.value, ...ends(answer.change[i]!), key: `head:${head}`, ...(named.includes(head) ? { note: "you named it" } : {}),
        }))}
      ></rung-bars>
      <p class="quiet">Replaced by: ${answer.put}. Clean loss ${nats(answer.clean.value)}, ${answer.n} sequences.</p>`; // prettier-ignore
  }

  question(answer: Swept): string {
    const big = answer.change.filter((one) => one.value >= 1).length;
    return `${big} of ${answer.heads.length} heads cost a nat or more. Are these the heads that carry a signature?`;
  }

  explain(answer: Swept): TemplateResult {
    return html`<p>
        Most bars are short. ${word(`head:${answer.heads[0]}`, answer.heads[0])} costs most. A sweep is a table of single cuts: it finds what the model cannot do without, one piece at a time.
      </p>
      <p><strong>It is blind to cover.</strong> Where two heads can do the same work, each alone looks idle. Go on to the next panel.</p>`;
  }

  python(ask: SweepAsk): string {
    const put: Record<string, string> = { zero: "Zero()", mean: "Mean(others)", resample: `Resample(others, seed=${ask.seed})` };
    return `from rung import HookedTransformer
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, Zero
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed})
others = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed + 1}).tokens
ablate_each_head(model, task, next_token_loss(task.predictable), ${put[ask.put]}).mean_change`;
  }

  cli(ask: SweepAsk): string {
    return `rung ablate ${ask.model} --by ${ask.put} --period ${ask.length} --sequences ${ask.sequences} --seed ${ask.seed}`;
  }

  override pin(answer: Swept): Pin {
    const top = answer.change[0]!;
    return { test: "support.necessity", title: `Loss without ${answer.heads[0]}`, rung: 3, value: top.value, unit: "nats", n: top.n, ...ends(top), subject: answer.heads[0] };
  }
}
customElements.define("rung-s08-sweep", SweepPanel);

interface LieAsk {
  length: number;
  seed: number;
  heads: string[];
}
interface Way {
  put: string;
  words: string;
  change: Estimate;
  right: Estimate;
  rival: Estimate;
  named: Estimate;
  accuracy: number;
}
interface Lie {
  heads: string[];
  ways: Way[];
  alone: { head: string; change: Estimate }[];
  clean: Estimate;
  clean_accuracy: number;
  n: number;
}

const COVERING = ["1.0", "1.1", "1.2", "1.3"];
const WAYS: Record<string, string> = { zero: "zero", mean: "mean", resample: "resample, 8 donors averaged", "one donor": "resample, one donor" };

class LiePanel extends Panel<LieAsk, Lie> {
  readonly name = "s08-lie";
  readonly heading = "Silenced, or lied?";
  readonly computation = "measure.lie";

  #heads(): string[] {
    return this.value("heads", "1.0,1.1").split(",").filter((head) => COVERING.includes(head));
  }

  ask(): LieAsk | string {
    const heads = this.#heads();
    return heads.length ? { length: length(), seed: seed(), heads } : "Choose at least one head to take away.";
  }

  predict(): TemplateResult {
    return html`<p>In <code>two-layer-redundant</code> all four heads of layer 1 do induction. Take two away. Which way hurts most?</p>
      ${choices("The way that hurts most", Object.entries(WAYS), this.prediction, (way) => this.setPrediction(way))}`;
  }

  override controls(): TemplateResult {
    const heads = this.#heads();
    return html`<div class="choices" role="group" aria-label="Heads taken away together">
      ${COVERING.map(
        (head) =>
          html`<button
            type="button"
            data-head=${head}
            aria-pressed=${heads.includes(head) ? "true" : "false"}
            @click=${() => {
              this.put({ heads: COVERING.filter((one) => heads.includes(one) !== (one === head)).join(",") || "none" });
              this.act("chose");
            }}
          >
            ${head}
          </button>`,
      )}
    </div>`;
  }

  see(answer: Lie, which: "now" | "beside"): TemplateResult {
    return html`<rung-bars
        label="Change of the second copy's loss, by the way the heads are taken away"
        unit="nats"
        .signed=${true}
        .items=${answer.ways.map((way) => ({
          label: WAYS[way.put] ?? way.put, value: way.change.value, ...ends(way.change), ...(which === "now" && this.prediction === way.put ? { note: "your choice" } : {}),
        }))}
      ></rung-bars>
      <div class="figure-table" tabindex="0" role="region" aria-label="Logits, by the way the heads are taken away"><table>
        <caption>
          ${answer.heads.join(", ")} together, second copy, ${answer.n} sequences
        </caption>
        <thead>
          <tr><th scope="col">Put</th><th scope="col">right token’s logit</th><th scope="col">best wrong token’s</th><th scope="col">says the donor’s token</th><th scope="col">right</th></tr>
        </thead>
        <tbody>
          ${answer.ways.map(
            (way) => html`<tr data-way=${way.put}>
              <th scope="row">${WAYS[way.put] ?? way.put}</th>
              <td>${signed(way.right.value)}</td>
              <td>${signed(way.rival.value)}</td>
              <td data-number="named">${percent(way.named.value)}</td>
              <td>${percent(way.accuracy)}</td>
            </tr>`,
          )}
        </tbody>
      </table></div>
      <rung-bars
        label="Mean ablation of each head alone"
        unit="nats, each alone (mean)"
        .signed=${true}
        .items=${answer.alone.map((one) => ({ label: one.head, value: one.change.value, ...ends(one.change), key: `head:${one.head}` }))}
      ></rung-bars>`; // prettier-ignore
  }

  question(answer: Lie): string {
    const [zero, one] = ["zero", "one donor"].map((put) => answer.ways.find((way) => way.put === put)!.change.value);
    return `Zero costs ${nats(zero!)}, one donor ${nats(one!)}. The right token lost the same in both: where does the rest come from?`;
  }

  explain(answer: Lie): TemplateResult {
    const way = (put: string): Way => answer.ways.find((one) => one.put === put)!;
    const sum = answer.alone.reduce((total, one) => total + one.change.value, 0);
    return html`<p>
        Zero and mean <strong>silence</strong> a head: the right token loses its push. One donor makes it <strong>lie</strong>: it pushes the donor’s next token with full
        strength, and the model says that token ${percent(way("one donor").named.value)} of the time (zero: ${percent(way("zero").named.value)}). Averaging the logits of eight donors thins the lie out.
      </p>
      <p>
        So a large number under resampling with few donors need not mean that a head matters more; ask whether right fell or wrong rose. And the ladder counts a role as needed only
        where mean and resample agree.
      </p>
      <p>
        <strong>Cover.</strong> ${answer.alone.length > 1 ? html`Alone, these heads cost ${nats(sum)} in sum; together ${nats(way("mean").change.value)}.` : "Alone, this head costs little."} The others
        take over what one leaves. Switch all four off to see what the role, not the head, is worth.
      </p>`;
  }

  python(ask: LieAsk): string {
    return `from rung import HookedTransformer
from rung.methods.before_after import before_after
from rung.methods.interventions import Resample, on_head
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer-redundant")
task = repeated_tokens(model, period=${ask.length}, sequences=16, seed=${ask.seed})
others = repeated_tokens(model, period=${ask.length}, sequences=16, seed=${ask.seed + 1}).tokens
lie = Resample(others, draws=1, seed=${ask.seed})
found = before_after(model, task.tokens, [on_head(head, lie) for head in [${ask.heads.map((head) => `(${head.replace(".", ", ")})`).join(", ")}]])
(found.edited.rival - found.clean.rival)[:, task.predictable].mean()`;
  }

  cli(ask: LieAsk): string {
    return `rung ablate two-layer-redundant --heads ${ask.heads.join(",")} --by mean --period ${ask.length} --sequences 16 --seed ${ask.seed}`;
  }

  override pin(answer: Lie): Pin {
    const { change } = answer.ways.find((way) => way.put === "mean")!;
    const subject = answer.heads.join(", ");
    return { title: `Loss of two-layer-redundant without ${subject}`, rung: 3, value: change.value, unit: "nats", n: change.n, ...ends(change), subject };
  }
}
customElements.define("rung-s08-lie", LiePanel);

class Section08 extends Section {
  readonly number = 8;
  readonly heading = "Cache, hook, measure";

  body(): TemplateResult {
    return html`<p>
        Looking is not enough: you have to reach in. The loop is short. Keep a clean run; put something else at one
        hook; measure what the model then says.
      </p>
      ${tour("The loop", [
        { say: html`Run once with nothing hooked: that is your cache.`, until: "s08-edit:ran" },
        { say: html`Say how much a head is worth, then press <em>Hook it</em>.`, until: "s08-edit:hooked" },
        { say: html`Undo it. The clean numbers are back.`, until: "s08-edit:undone" },
        { say: html`Sweep every head.`, until: "s08-sweep:ran" },
        { say: html`Take several heads of the covering model away at once.`, until: "s08-lie:chose" },
      ])}
      <rung-s08-edit></rung-s08-edit>
      <rung-s08-sweep></rung-s08-sweep>
      <p>Two questions remain. Did you silence the head, or make it lie? And if nothing happened, who took over?</p>
      <rung-s08-lie></rung-s08-lie>`;
  }
}
customElements.define("rung-section-08", Section08);
