import { html, nothing, type TemplateResult } from "lit";
import { focus, Grid, model, num, Panel, Section, state, token, tour, word, type ArrayJson } from "../kernel";
import "../elements";
import { choices } from "./repeats";

interface Named {
  name: string;
  meaning: string;
  sizes: number[];
  layer: number | null;
}
interface Names {
  model: string;
  n_layers: number;
  n_heads: number;
  n_kv_heads: number;
  d_model: number;
  d_head: number;
  d_mlp: number | null;
  n_ctx: number;
  parameters: number;
  vocabulary: number;
  bos: string | null;
  tokens: string[];
  ids: number[];
  hooks: (Named & { axes: string[]; on_request: boolean })[];
  weights: Named[];
}
interface Line {
  number: number;
  code: string;
}
interface Values {
  name: string;
  meaning: string;
  axes: string[];
  sizes: number[];
  values: ArrayJson;
  cut: boolean;
  low: number;
  high: number;
  mean: number;
  std: number;
  tokens: string[];
  source: { file: string; function: string; line: number; lines: Line[]; caller: Line | null; caller_function: string | null } | null;
}
interface NamesAsk {
  model: string;
  text: string;
}
type ValuesAsk = { model: string; name: string; text?: string };

const TEXT = "The President of the United States";
const text = (): string => state.get("text", TEXT);
const MODELS = ["two-layer", "two-layer-full", "one-layer", "zero-layer"] as const;

const modelChoice = (): TemplateResult =>
  choices("Model", [...new Set([...MODELS, model()])].map((one) => [one, one] as const), model(), (value) => state.set({ model: value }));
const textField = (): TemplateResult => html`<label
  >Your text
  <input type="text" maxlength="600" .value=${text()} @change=${(event: Event) => state.set({ text: (event.target as HTMLInputElement).value || null })} /></label
>`;

class NamesPanel extends Panel<NamesAsk, Names> {
  readonly name = "s02-model";
  readonly heading = "What is inside";
  readonly computation = "access.names";

  ask(): NamesAsk {
    return { model: model(), text: text() };
  }

  predict(): TemplateResult {
    return html`<p>How many tokens will the model make of your text?</p>
      <label
        >Tokens
        <input type="number" min="1" max="200" .value=${String(this.prediction ?? "")} @change=${(event: Event) => this.setPrediction(Number((event.target as HTMLInputElement).value))} />
      </label>`;
  }

  override controls(): TemplateResult {
    return html`${modelChoice()} ${textField()}`;
  }

  #row(one: Named, kind: "hook" | "weight"): TemplateResult {
    const chosen = state.get("s02-values.name", "") === one.name;
    return html`<li class=${focus.current === `s02:${one.name}` || chosen ? "lit" : ""}>
      <button
        type="button"
        class="word"
        aria-pressed=${chosen ? "true" : "false"}
        data-name=${one.name}
        @click=${() => {
          state.set({ "s02-values.name": one.name, "s02-values.kind": kind });
          this.act(kind);
          void document.querySelector<ValuesPanel>("rung-s02-values")?.runNow();
        }}
      >
        ${one.name}
      </button>
      <span class="quiet">[${one.sizes.join(", ")}] ${one.meaning}</span>
    </li>`;
  }

  see(answer: Names): TemplateResult {
    const facts: [string, unknown][] = [
      ["layers", answer.n_layers], ["heads in each", answer.n_heads], ["key heads", answer.n_kv_heads], ["width of the stream, d_model", answer.d_model],
      ["width of a head, d_head", answer.d_head], ["neurons, d_mlp", answer.d_mlp ?? "no MLP"], ["context", answer.n_ctx], ["vocabulary", answer.vocabulary], ["parameters", answer.parameters],
    ]; // prettier-ignore
    const layers = [null, ...Array.from({ length: answer.n_layers }, (_, layer) => layer)];
    const group = (items: Named[], kind: "hook" | "weight"): TemplateResult[] =>
      layers.map((layer) => {
        const own = items.filter((one) => one.layer === layer);
        return own.length
          ? html`<details ?open=${layer === null}>
              <summary>${layer === null ? "outside the layers" : `layer ${layer}`} (${own.length})</summary>
              <ul class="plain">
                ${own.map((one) => this.#row(one, kind))}
              </ul>
            </details>`
          : html``;
      });
    return html`<p class="facts">
        ${answer.model}: ${facts.map(([label, value]) => html`<span>${label} <strong data-number=${label}>${value}</strong></span>; `)}
        <strong data-number="tokens">${answer.tokens.length}</strong> tokens${typeof this.prediction === "number" ? html` (you: ${this.prediction})` : nothing}
      </p>
      <rung-tokens .tokens=${answer.tokens} label="Your text as tokens"></rung-tokens>
      <h4>Hooks: ${word("s02:activations", "activations")}</h4>
      ${group(answer.hooks, "hook")}
      <h4>Parameters: ${word("s02:weights", "weights")}</h4>
      ${group(answer.weights, "weight")}`;
  }

  question(answer: Names): string {
    return `Why ${answer.tokens.length} tokens, and why does the first stand there although you did not type it?`;
  }

  explain(answer: Names): TemplateResult {
    return html`<p>
        ${answer.bos === null ? "This model puts nothing before a text." : html`The model begins each text with ${token(answer.bos)}, a token that says “here it starts”.`} The rest are the pieces of its
        tokenizer: common words whole, with the space before them, rare ones in parts.
      </p>
      <p>A hook is a place in the forward pass with a name. <em>Activations</em> at a hook change with your text; <em>weights</em> stay the same, whatever you type.</p>`;
  }

  python(ask: NamesAsk): string {
    return `from rung import HookedTransformer
from rung.methods.inspection import inspect

model = HookedTransformer.from_pretrained("${ask.model}")
model.to_str_tokens(${JSON.stringify(ask.text)})
[(hook.name, hook.shape, hook.meaning) for hook in inspect(model).hooks]`;
  }

  cli(ask: NamesAsk): string {
    return `rung inspect ${ask.model}`;
  }
}
customElements.define("rung-s02-model", NamesPanel);

class ValuesPanel extends Panel<ValuesAsk, Values> {
  readonly name = "s02-values";
  readonly heading = "One name, its values, its line";
  get computation(): string {
    return this.value("kind", "hook") === "weight" ? "access.weight" : "access.hook";
  }

  ask(): ValuesAsk {
    const name = this.value("name", `blocks.${model() === "one-layer" ? 0 : 1}.attn.hook_pattern`);
    return this.value("kind", "hook") === "weight" ? { model: model(), name } : { model: model(), name, text: text() };
  }

  predict(): TemplateResult {
    return html`<p>Look at the shape first. If you change your text, does this change?</p>
      ${choices("Does it change with the text?", [["yes", "yes, it is an activation"], ["no", "no, it is a weight"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return html`<label style="max-width: 100%; flex-wrap: wrap"
        >Hook or weight
        <input
          type="text"
          size="36"
          style="min-width: 0; max-width: 100%"
          .value=${(this.ask() as ValuesAsk).name}
          @change=${(event: Event) => {
            const name = (event.target as HTMLInputElement).value.trim();
            this.put({ name, kind: name.includes("hook_") ? "hook" : "weight" });
          }}
        /></label
      >
      <label>Slice <input type="number" min="0" max="511" .value=${String(this.number("slice", 0))} @change=${(event: Event) => this.put({ slice: (event.target as HTMLInputElement).value })} /></label>`;
  }

  /** A matrix of the tensor: the slice over heads; positions are rows. */
  #matrix(answer: Values): { grid: Grid; rows: string[]; cols: string[]; rowName: string; colName: string; at: string } {
    const all = Grid.from(answer.values);
    const axes = [...answer.axes];
    let [grid, at] = [all, ""];
    if (axes.length === 3) {
      const head = axes.findIndex((axis) => axis.endsWith("head") && axis !== "d_head");
      const axis = Math.max(0, head);
      const i = Math.min(this.number("slice", 0), all.shape[axis]! - 1);
      const [a, , c] = all.shape as [number, number, number];
      grid = axis === 1 ? Grid.of([a, c], Array.from({ length: a * c }, (_, n) => all.at(Math.floor(n / c), i, n % c))) : all.slice(i);
      at = `${axes[axis]} ${i}`;
      axes.splice(axis, 1);
    } else if (axes.length === 1) {
      grid = new Grid([1, all.shape[0]!], all.data);
      axes.unshift("");
    }
    const names = (axis: string): string[] => (/pos|token/.test(axis) ? answer.tokens : []);
    return { grid, rows: names(axes[0]!), cols: names(axes[1]!), rowName: axes[0] || "row", colName: axes[1]!, at };
  }

  see(answer: Values): TemplateResult {
    const { grid, rows, cols, rowName, colName, at } = this.#matrix(answer);
    const most = Math.max(Math.abs(answer.low), Math.abs(answer.high)) || 1;
    const pattern = answer.name.endsWith("pattern");
    const source = answer.source;
    return html`<p class="facts">
        <code>${answer.name}</code> [${answer.axes.map((axis, i) => `${axis} ${answer.sizes[i]}`).join(", ")}]: ${answer.meaning}. Smallest <strong data-number="low">${num(answer.low, 4)}</strong>, largest
        <strong data-number="high">${num(answer.high, 4)}</strong>, mean <strong data-number="mean">${num(answer.mean, 4)}</strong>, standard deviation <strong data-number="std">${num(answer.std, 4)}</strong>.
        ${at ? html`Shown: ${at}.` : nothing} ${answer.cut ? "A long axis is cut; the numbers in this line are of all of it." : nothing}
      </p>
      <rung-heatmap label="Values of ${answer.name}" .grid=${grid} .rows=${rows} .cols=${cols} .rowName=${rowName} .colName=${colName} scale=${pattern ? "unit" : "signed"} .domain=${pattern ? [0, 1] : [-most, most]} .causal=${pattern || answer.name.endsWith("scores")}></rung-heatmap>
      ${source
        ? html`<p><code>${source.file}</code>, line <strong data-number="line">${source.line}</strong>, in <code>${source.function}</code>:</p>
            <pre tabindex="0" aria-label="The forward pass around the hook"><code>${source.lines.map((line) => line.number === source.line ? html`<strong class="here">${String(line.number).padStart(4)}  ${line.code}
</strong>` : `${String(line.number).padStart(4)}  ${line.code}\n`)}</code></pre>
            ${source.caller ? html`<p>Several hooks share that line; which of them it is, line ${source.caller.number} in <code>${source.caller_function}</code> says: <code>${source.caller.code}</code></p>` : nothing}`
        : nothing}`;
  }

  question(answer: Values): string {
    return answer.source ? "What would differ downstream if a function changed this tensor at this line?" : "This does not depend on your text. What does it act on, then?";
  }

  explain(answer: Values): TemplateResult {
    return answer.source
      ? html`<p>Everything after that line would be computed from the changed tensor, and nothing before it. That is all a hook is: <code>x = tap(name, layer, x)</code>. It may look, and it may give back another x.</p>
          <p>A <em>pattern</em> is the hook people look at most: for each query row, weights over keys that sum to 1. It says where a head looks, not what it does with it.</p>`
      : html`<p>A weight acts on whatever stands in the stream: the same matrix at each position of each text. What the matrix <em>could</em> do is read off weights; what it <em>did</em> here, off activations.</p>`;
  }

  python(ask: ValuesAsk): string {
    const load = `from rung import HookedTransformer

model = HookedTransformer.from_pretrained("${ask.model}")
`;
    return ask.text === undefined ? `${load}model.state_dict()["${ask.name}"]` : `${load}logits, cache = model.run_with_cache(${JSON.stringify(ask.text)}, names_filter=["${ask.name}"])
cache["${ask.name}"]`;
  }

  cli(ask: ValuesAsk): string {
    return `rung inspect ${ask.model}`;
  }
}
customElements.define("rung-s02-values", ValuesPanel);

class Section02 extends Section {
  readonly number = 2;
  readonly heading = "Concrete access";

  body(): TemplateResult {
    return html`<p>
        A transformer is tensors and the lines that make them. You can name every one of them, look at it, and put another in its place. Two kinds: ${word("s02:activations", "activations")}, made anew for each text, and
        ${word("s02:weights", "weights")}, the same for all.
      </p>
      <p>A hook is a named line of the forward pass. A pattern is what one hook shows: the share of each query's attention that each key gets.</p>
      ${tour("Your way in", [
        { say: html`Guess the number of tokens, and run the first panel.`, until: "s02-model:ran" },
        { say: html`Open a layer and press a hook's name: its values and its line appear below.`, until: "s02-model:hook" },
        { say: html`Now press a weight's name. What is missing, compared with the hook?`, until: "s02-model:weight" },
      ])}
      <rung-s02-model></rung-s02-model>
      <rung-s02-values></rung-s02-values>`;
  }
}
customElements.define("rung-section-02", Section02);
