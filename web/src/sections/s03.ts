import { html, nothing, type TemplateResult } from "lit";
import { model, nats, num, Panel, percent, Section, signed, state, token, tokenText, tour, word, type Pin } from "../kernel";
import "../elements";
import { choices } from "./repeats";

interface Variant {
  name: string;
  probabilities: number[];
  logits: number[];
  top: number;
  loss: number;
}
interface Next {
  tokens: string[];
  query: number;
  kind: "bigram" | "repeat";
  source: number | null;
  target: string;
  target_index: number;
  candidates: string[];
  variants: Variant[];
  parts: { label: string; logit: number }[];
  logit: number;
  residual: number;
  layerless: boolean;
}
interface NextAsk {
  model: string;
  text: string;
  length: number;
  seed: number;
}
interface Bigrams {
  model: string;
  bigrams: { first: string; second: string; probability: number }[];
  story: boolean;
}

const TEXT = "The President of the United";
const WORDS: Record<string, string> = {
  both: "both paths",
  no_attention: "attention off: direct path only",
  no_direct: "direct path off: attention only",
  zero_layer: "another model: zero layers",
};

class PathsPanel extends Panel<NextAsk, Next> {
  readonly name = "s03-paths";
  readonly heading = "Switch a path off";
  readonly computation = "paths.next";

  ask(): NextAsk {
    const repeat = this.value("prompt") === "repeat";
    return { model: model(), text: repeat ? "" : this.value("text", TEXT), length: state.number("length", 12), seed: state.number("seed", 0) };
  }

  predict(): TemplateResult {
    const repeat = this.value("prompt") === "repeat";
    return html`<p>${repeat ? "Random tokens, twice, up to the second A." : html`After ${token(` ${this.value("text", TEXT).trim().split(/\s+/).pop()}`)}:`} which path can be switched off without loss?</p>
      ${choices("Which path can go", [["no_attention", "attention"], ["no_direct", "the direct path"], ["neither", "neither"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    const kind = this.value("prompt", "bigram");
    return html`${choices("Prompt", [["bigram", "a bigram"], ["repeat", "a repeat"]], kind, (value) => {
        this.put({ prompt: value });
        this.act(value);
      })}
      ${kind === "bigram"
        ? html`<label>Text <input type="text" maxlength="400" .value=${this.value("text", TEXT)} @change=${(event: Event) => this.put({ text: (event.target as HTMLInputElement).value || null })} /></label>`
        : nothing}
      ${choices("Paths", [["both", "both on"], ["no_attention", "attention off"], ["no_direct", "direct off"]], this.value("off", "both"), (value) => {
        this.put({ off: value });
        this.act(value);
      })}`;
  }

  #flow(answer: Next, off: string): TemplateResult {
    const paths: Record<string, number> = { "direct path": 0 };
    for (const part of answer.parts) {
      const label = part.label === "direct" ? "direct path" : part.label.endsWith("attn") ? `attention, layer ${part.label[0]}` : part.label.endsWith("mlp") ? `MLP, layer ${part.label[0]}` : part.label;
      paths[label] = (paths[label] ?? 0) + part.logit;
    }
    const most = Math.max(...Object.values(paths).map(Math.abs), 1e-9);
    const nodes = [
      { id: "embed", label: `embed ${tokenText(answer.tokens[answer.query]!)}`, column: 0, row: 0 },
      ...(Object.keys(paths).length > 1 ? [{ id: "before", label: `${answer.query} earlier tokens`, column: 0, row: Math.max(1, (Object.keys(paths).length - 1) / 2 + 0.5) }] : []),
      ...Object.keys(paths).map((label, row) => ({ id: label, label, column: 1, row, key: label === "direct path" ? "s03:direct" : label.startsWith("att") ? "s03:attention" : undefined })),
      { id: "unembed", label: `unembed ${tokenText(answer.target)}`, column: 2, value: `logit ${num(answer.logit)}` },
    ];
    const edges = Object.entries(paths).flatMap(([label, value]) => {
      const attention = label.startsWith("att");
      const broken = (off === "no_attention" && attention) || (off === "no_direct" && label === "direct path");
      const key = label === "direct path" ? "s03:direct" : attention ? "s03:attention" : undefined;
      return [
        { from: attention ? "before" : "embed", to: label, broken, key, role: attention ? "route" : undefined },
        { from: label, to: "unembed", value: signed(value), broken, key, weight: Math.abs(value) / most, role: attention ? "route" : undefined },
      ];
    });
    return html`<rung-flow label="Both paths to the logit of ${tokenText(answer.target)}" .nodes=${nodes} .edges=${edges}></rung-flow>`;
  }

  see(answer: Next): TemplateResult {
    const off = this.value("off", "both");
    const find = (name: string): Variant => answer.variants.find((one) => one.name === name)!;
    const shown = find(off);
    const rows = (one: Variant): object[] =>
      [...one.probabilities.keys()]
        .sort((a, b) => one.probabilities[b]! - one.probabilities[a]!)
        .slice(0, 6)
        .map((i) => ({ label: answer.candidates[i]!, value: one.probabilities[i]!, key: `s03:${answer.candidates[i]}`, role: i === answer.target_index ? "copy" : undefined }));
    const bars = (one: Variant): TemplateResult =>
      html`<h4>${WORDS[one.name]}</h4>
        <rung-bars label=${WORDS[one.name]} unit="probability of the next token" .domain=${[0, 1]} .tokens=${true} .digits=${3} .items=${rows(one)}></rung-bars>`;
    const zero = answer.variants.find((one) => one.name === "zero_layer");
    return html`<rung-tokens
        label="The prompt"
        .tokens=${answer.tokens}
        .marks=${[{ index: answer.query, label: "reads here" }, ...(answer.source === null ? [] : [{ index: answer.source, label: "what followed before", role: "copy" }])]}
      ></rung-tokens>
      ${this.#flow(answer, off)}
      <div class="runs two">
        <div>${bars(shown)}</div>
        ${zero ? html`<div>${bars(zero)}</div>` : nothing}
      </div>
      <table class="numbers">
        <caption>
          ${token(answer.target)} ${answer.kind === "repeat" ? "followed before" : "is what both paths expect"}
        </caption>
        <thead><tr><th scope="col">paths</th><th scope="col">probability</th><th scope="col">loss</th><th scope="col">most likely</th></tr></thead>
        <tbody>
          ${answer.variants.map(
            (one) => html`<tr class=${one.name === off ? "lit" : ""} data-variant=${one.name}>
              <th scope="row">${WORDS[one.name]}</th>
              <td data-number="p">${percent(one.probabilities[answer.target_index]!, 1)}</td>
              <td data-number="loss">${nats(one.loss)}</td>
              <td>${token(answer.candidates[one.top]!)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p class="quiet">The arrows' numbers sum to the logit, less the mean logit, within ${num(answer.residual, 6)}.</p>`;
  }

  question(answer: Next): string {
    return answer.kind === "repeat" ? "Which path knows what followed the first time, and how do you see it?" : "Where does the model keep this habit: in what stands before, or in the last token alone?";
  }

  explain(answer: Next): TemplateResult {
    const loss = (name: string): number => answer.variants.find((one) => one.name === name)!.loss;
    const [both, alone, rest] = [loss("both"), loss("no_attention"), loss("no_direct")];
    const guess = { no_attention: "attention", no_direct: "the direct path", neither: "neither" }[String(this.prediction)];
    return html`<p>
        ${guess ? `You said: ${guess}. ` : nothing}Without attention the loss goes from ${nats(both)} to ${nats(alone)}; without the ${word("s03:direct", "direct path")} to ${nats(rest)}.
        ${alone < both + 1
          ? "The direct path alone nearly does it: a local habit, a table of which token follows which."
          : answer.kind === "repeat"
            ? "The direct path alone cannot do it: it sees one token, and random tokens have no habits."
            : "The direct path alone does not do it here: this model has come to lean on attention even for this."}
      </p>
      <p>
        ${word("s03:attention", "Attention paths")} bring in earlier positions. They add to the same stream, so that neither path replaces the other: the ${word("s03:direct", "direct path")} always votes too, and where the two disagree the sum
        decides.
      </p>
      ${answer.layerless
        ? html`<p>The wrong reading: “attention off is the model without layers”. The zero-layer model was trained to do all by itself; this one never had to do without attention, so with it off you see what is left, not what a model of that size could do.</p>`
        : nothing}`;
  }

  python(ask: NextAsk): string {
    return `from rung import HookedTransformer
from rung.methods.direct_path import split_paths
${ask.text ? "" : "from rung.tasks.builtin import repeated_tokens\n"}
model = HookedTransformer.from_pretrained("${ask.model}")
${ask.text ? `tokens = model.to_tokens(${JSON.stringify(ask.text)})
found = split_paths(model, tokens)` : `task = repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed})
found = split_paths(model, task.tokens, task.second + ${ask.length} // 2)`}
found.both, found.without_attention, found.without_direct  # logits
dict(zip(found.labels, found.parts))  # they sum to the logits`;
  }

  cli(): null {
    return null;
  }

  override pin(answer: Next, ask: NextAsk): Pin {
    const both = answer.variants.find((one) => one.name === "both")!;
    const alone = answer.variants.find((one) => one.name === "no_attention")!;
    return { title: `${ask.model}: loss without attention, less that with it, on a ${answer.kind}`, rung: 0, value: alone.loss - both.loss, unit: "nats" };
  }
}
customElements.define("rung-s03-paths", PathsPanel);

class BigramsPanel extends Panel<{ model: string; count: number }, Bigrams> {
  readonly name = "s03-bigrams";
  readonly heading = "Habits that it really learned";
  readonly computation = "paths.bigrams";

  ask(): { model: string; count: number } {
    return { model: this.value("of", "zero-layer"), count: 10 };
  }

  predict(): TemplateResult {
    return html`<p>The textbook's habit is ${token(" New")} → ${token(" York")}. This model read old speeches and stories: which word calls most surely for one other?</p>
      <label>Word <input type="text" maxlength="30" .value=${String(this.prediction ?? "")} @change=${(event: Event) => this.setPrediction((event.target as HTMLInputElement).value)} /></label>`;
  }

  override controls(): TemplateResult {
    return choices("Model", [["zero-layer", "zero layers"], ["two-layer", "two layers, attention off"]], this.value("of", "zero-layer"), (value) => this.put({ of: value }));
  }

  see(answer: Bigrams): TemplateResult {
    return html`<rung-bars
        label="Surest bigrams"
        unit="probability"
        .domain=${[0, 1]}
        .digits=${3}
        .items=${answer.bigrams.map((one) => ({ label: `${one.first} →${one.second}`, value: one.probability, key: `s03:${one.second}` }))}
        @pick=${(event: CustomEvent<{ index: number }>) => {
          state.set({ "s03-paths.text": answer.bigrams[event.detail.index]!.first.trim(), "s03-paths.prompt": "bigram" });
          this.act("picked");
        }}
      ></rung-bars>
      ${typeof this.prediction === "string" && this.prediction
        ? html`<p>Your word, ${this.prediction}, is ${answer.bigrams.some((one) => one.first.trim() === (this.prediction as string).trim()) ? "among them" : "not among them"}.</p>`
        : nothing}`;
  }

  question(): string {
    return "These need no attention. What kind of word is in the list, and what kind can never be?";
  }

  explain(answer: Bigrams): TemplateResult {
    return html`<p>Words with one customary companion. A word whose companion depends on what came before cannot be in a table of pairs: for that, something has to carry the earlier word here.</p>
      <p>${answer.story ? html`${token(" New")} and ${token(" York")} are tokens of this model too.` : html`${token(" New")} and ${token(" York")} are not tokens of this model, so that its own pairs stand here as the evidence, and the textbook's is the story.`}</p>`;
  }

  python(ask: { model: string; count: number }): string {
    return `from rung import HookedTransformer
from rung.methods.direct_path import learned_bigrams

model = HookedTransformer.from_pretrained("${ask.model}")
learned_bigrams(model, ${ask.count})`;
  }

  cli(): null {
    return null;
  }
}
customElements.define("rung-s03-bigrams", BigramsPanel);

class Section03 extends Section {
  readonly number = 3;
  readonly heading = "Direct path, attention path";

  body(): TemplateResult {
    return html`<p>
        A token's ${word("s03:direct", "direct path")} is embed → stream → unembed. It reads local habits: after <em>New</em>, <em>York</em>. It knows one token, and nothing of what stood before.
      </p>
      <p>Heads add ${word("s03:attention", "attention paths")}: what they carry from earlier positions is summed into the same stream, and votes on the same next token.</p>
      ${tour("Two paths", [
        { say: html`Run the panel on the bigram, and say first which path it needs.`, until: "s03-paths:ran" },
        { say: html`Switch attention off. Is the answer still there?`, until: "s03-paths:no_attention" },
        { say: html`Now the repeat. Which path has to stay on?`, until: "s03-paths:repeat" },
      ])}
      <rung-s03-paths></rung-s03-paths>
      <rung-s03-bigrams></rung-s03-bigrams>`;
  }
}
customElements.define("rung-section-03", Section03);
