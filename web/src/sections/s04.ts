import { html, nothing, type TemplateResult } from "lit";
import { Grid, model, num, Panel, Section, signed, state, token, tokenText, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices } from "./repeats";

interface Writes {
  tokens: string[];
  components: string[];
  layers: (number | null)[];
  values: ArrayJson;
  total: number[];
  residual: number[];
  unit: string;
  has_mlp: boolean;
}
interface WritesAsk {
  model: string;
  text: string;
  length: number;
  seed: number;
}
interface Overlaps {
  writers: string[];
  readers: string[];
  times_chance: ArrayJson;
  spread: ArrayJson;
  stands_out: ArrayJson;
  unit: string;
}

const MODELS = ["two-layer", "two-layer-full", "one-layer", "zero-layer"] as const;
const LABELS: Record<string, string> = { "two-layer-full": "two-layer-full (with MLPs)" };
const modelChoice = (): TemplateResult =>
  choices("Model", [...new Set([...MODELS, model()])].map((one) => [one, LABELS[one] ?? one] as const), model(), (value) => state.set({ model: value }));
const keyOf = (label: string): string => (/^\d+\.\d+/.test(label) ? `head:${/^\d+\.\d+/.exec(label)![0]}` : `s04:${label}`);

class LedgerPanel extends Panel<WritesAsk, Writes> {
  readonly name = "s04-ledger";
  readonly heading = "The ledger";
  readonly computation = "ledger.writes";

  ask(): WritesAsk {
    return { model: model(), text: this.value("text"), length: 8, seed: state.number("seed", 0) };
  }

  predict(): TemplateResult {
    return html`<p>Eight random tokens, twice. At a token of the second copy, who writes most of the next token's logit?</p>
      ${choices("Who writes most", [["embed", "the embedding"], ["0", "layer 0"], ["1", "layer 1"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return html`${modelChoice()}
      <label>Text (empty: random tokens twice) <input type="text" maxlength="400" .value=${this.value("text")} @change=${(event: Event) => this.put({ text: (event.target as HTMLInputElement).value || null, at: null })} /></label>`;
  }

  #at(answer: Writes): number {
    const most = answer.total.length - 1;
    return Math.min(Math.max(this.number("at", Math.floor(most * 0.75)), 0), most);
  }

  see(answer: Writes): TemplateResult {
    const values = Grid.from(answer.values);
    const at = this.#at(answer);
    const row = [...values.slice(at).data];
    let sum = 0;
    const running = row.map((value) => (sum += value));
    const best = row.indexOf(Math.max(...row));
    const layer = answer.layers[best];
    const truth = layer === null || layer === undefined ? "embed" : String(layer);
    return html`<p>Token × component: what each write adds to the logit of the token that comes next.</p>
      <rung-heatmap
        label="Writes: token by component"
        scale="signed"
        .grid=${values}
        .rows=${answer.tokens.slice(0, -1)}
        .cols=${answer.components}
        rowName="token"
        colName="component"
        .digits=${2}
        .focusKey=${(_: number, c: number) => keyOf(answer.components[c]!)}
        @cell=${(event: CustomEvent<{ row: number; col: number }>) => {
          this.put({ at: event.detail.row });
          this.act("token");
        }}
      ></rung-heatmap>
      <label
        >At token
        <input type="range" min="0" max=${answer.total.length - 1} .value=${String(at)} aria-label="At token" @input=${(event: Event) => {
            this.put({ at: (event.target as HTMLInputElement).value });
            this.act("token");
          }} />
        <output>${at} ${token(answer.tokens[at]!)} → ${token(answer.tokens[at + 1]!)}</output></label
      >
      <rung-bars
        label="What each component adds at token ${at} ${tokenText(answer.tokens[at]!)}"
        unit=${answer.unit}
        .signed=${true}
        .items=${row.map((value, i) => ({
          label: answer.components[i]!, value, key: keyOf(answer.components[i]!), group: answer.layers[i] === null ? "outside the layers" : `layer ${answer.layers[i]}`, note: ` sum so far ${num(running[i]!)}`,
        }))}
      ></rung-bars>
      <p class="facts">
        Sum of the bars <strong data-number="sum">${num(sum, 3)}</strong>, the model's logit <strong data-number="logit">${num(answer.total[at]!, 3)}</strong>, residual error
        <strong data-number="residual">${num(answer.residual[at]!, 7)}</strong>. Largest: <strong data-number="largest">${answer.components[best]}</strong> ${signed(row[best]!)}.
        ${this.prediction ? html`You said ${this.prediction === "embed" ? "the embedding" : `layer ${String(this.prediction)}`}: ${this.prediction === truth ? "so it is here" : "not here"}.` : nothing}
      </p>`;
  }

  question(): string {
    return "Does a component with a bar near zero do nothing for this token?";
  }

  explain(answer: Writes): TemplateResult {
    return html`<p>Not so fast. A bar counts what the unembedding reads <em>directly</em>. A write that a later head reads, and turns into its own, is in that head's bar: ${word("head:0.0", "0.0")} may be small here and still be what ${word("head:1.0", "1.0")} looks by.</p>
      <p>What the ledger does say is exact: the stream is a sum, nothing is overwritten, and the bars add up to the logit. ${answer.has_mlp ? "MLPs write to the same sum: their bars stand among the others." : "This model has no MLP; choose two-layer-full to see one write."}</p>`;
  }

  python(ask: WritesAsk): string {
    const tokens = ask.text ? `model.to_tokens(${JSON.stringify(ask.text)})` : `repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed}).tokens`;
    return `from rung import HookedTransformer
from rung.methods.attribution import attribute_logits
${ask.text ? "" : "from rung.tasks.builtin import repeated_tokens\n"}
model = HookedTransformer.from_pretrained("${ask.model}")
tokens = ${tokens}
found = attribute_logits(model, tokens, tokens[:, 1:], queries=range(tokens.shape[1] - 1))
found.labels, found.values, found.total, found.residual`;
  }

  cli(ask: WritesAsk): string | null {
    return ask.text ? null : `rung attribute ${ask.model}`;
  }

  override pin(answer: Writes, ask: WritesAsk): Pin {
    const at = this.#at(answer);
    const row = [...Grid.from(answer.values).slice(at).data];
    const best = row.indexOf(Math.max(...row));
    return { title: `${ask.model}: ${answer.components[best]} writes most of the logit of ${tokenText(answer.tokens[at + 1]!)}`, rung: 2, value: row[best]!, unit: answer.unit, n: 1, subject: answer.components[best]! };
  }
}
customElements.define("rung-s04-ledger", LedgerPanel);

class OverlapPanel extends Panel<{ model: string }, Overlaps> {
  readonly name = "s04-overlap";
  readonly heading = "Who can hear whom";
  readonly computation = "ledger.overlap";
  #cell: [number, number] | null = null;

  ask(): { model: string } {
    return { model: model() };
  }

  predict(): TemplateResult {
    return html`<p>Head 0.0 looks one token back, and 1.0 copies. If 0.0 is to tell 1.0 where to look, through which input must 1.0 hear it?</p>
      ${choices("Through which input", [["Q", "Q, what it asks"], ["K", "K, what is found"], ["V", "V, what is carried"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return modelChoice();
  }

  see(answer: Overlaps): TemplateResult {
    const grid = Grid.from(answer.times_chance);
    const spread = Grid.from(answer.spread);
    const pairs = answer.writers.flatMap((w, i) => answer.readers.map((r, j) => ({ w, r, value: grid.at(i, j), sd: spread.at(i, j) }))).filter((one) => !Number.isNaN(one.value));
    const strongest = [...pairs].sort((a, b) => b.value - a.value).slice(0, 8);
    const [i, j] = this.#cell ?? [Math.max(0, answer.writers.indexOf("0.0")), Math.max(0, answer.readers.indexOf("1.0.K"))];
    const wanted = this.prediction ? pairs.find((one) => one.w === "0.0" && one.r === `1.0.${String(this.prediction)}`) : undefined;
    return html`<rung-heatmap
        label="Overlap in multiples of chance: writer by reader"
        .grid=${grid}
        .rows=${answer.writers}
        .cols=${answer.readers}
        rowName="writer"
        colName="reader"
        .domain=${[0, 5]}
        .digits=${2}
        .size=${560}
        .focusKey=${(r: number) => keyOf(answer.writers[r]!)}
        @cell=${(event: CustomEvent<{ row: number; col: number }>) => {
          this.#cell = [event.detail.row, event.detail.col];
          this.act("cell");
          this.requestUpdate();
        }}
      ></rung-heatmap>
      <p class="facts">
        Of what ${word(keyOf(answer.writers[i]!), answer.writers[i])} writes, <strong>${answer.readers[j]}</strong> hears <strong data-number="times">${num(grid.at(i, j))}</strong> times as much as of a writer in random directions (1 ±
        <strong data-number="spread">${num(spread.at(i, j))}</strong>). Colours end at 5; – is a reader that comes before the writer.
        ${wanted ? html`You said ${wanted.r}: ${num(wanted.value)} times chance.` : nothing}
      </p>
      <rung-bars
        label="Strongest overlaps"
        unit="times chance"
        .rules=${[{ at: 1, label: "chance" }]}
        .items=${strongest.map((one) => ({ label: `${one.w} → ${one.r}`, value: one.value, key: keyOf(one.w), note: ` chance 1 ± ${num(one.sd)}` }))}
      ></rung-bars>`;
  }

  question(): string {
    return "Is the pair with the highest overlap the circuit?";
  }

  explain(answer: Overlaps): TemplateResult {
    const grid = Grid.from(answer.times_chance);
    const at = (w: string, r: string): number | null => (answer.writers.includes(w) && answer.readers.includes(r) ? grid.at(answer.writers.indexOf(w), answer.readers.indexOf(r)) : null);
    const edge = at("0.0", "1.0.K");
    return html`<p>Not by that. An overlap says that a reader <em>could</em> hear a writer: two components talk when one writes in directions that the other reads. Whether it matters for your text, and whether what is heard is the right thing, are other tests.</p>
      ${edge === null || Number.isNaN(edge)
        ? nothing
        : html`<p>Here ${word("head:0.0", "0.0")} → 1.0.K has ${num(edge)} times chance. Other pairs have more, and need not be part of any circuit; section 11 looks at what is carried, not only at how much.</p>`}`;
  }

  python(ask: { model: string }): string {
    return `from rung import HookedTransformer
from rung.circuits.overlap import overlap

found = overlap(HookedTransformer.from_pretrained("${ask.model}"))
found.writers, found.readers, found.times_chance, found.spread`;
  }

  cli(): null {
    return null;
  }
}
customElements.define("rung-s04-overlap", OverlapPanel);

class Section04 extends Section {
  readonly number = 4;
  readonly heading = "The residual stream";

  body(): TemplateResult {
    return html`<p>
        Every component reads the same stream and adds to it: embedding, ${word("head:0.0", "heads")}, MLPs. Nothing is replaced. So the last stream is a sum of writes, and a logit, which is read off it, is a sum too: one term a write.
      </p>
      <p>Two components talk when one writes in directions that the other reads. No wire says so; the weights do.</p>
      ${tour("Keep the books", [
        { say: html`Run the ledger, with your guess of who writes most.`, until: "s04-ledger:ran" },
        { say: html`Move to another token. Does the same component pay?`, until: "s04-ledger:token" },
        { say: html`Run the second view: who can hear whom.`, until: "s04-overlap:ran" },
      ])}
      <rung-s04-ledger></rung-s04-ledger>
      <rung-s04-overlap></rung-s04-overlap>`;
  }
}
customElements.define("rung-section-04", Section04);
