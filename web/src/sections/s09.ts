import { html, nothing, type TemplateResult } from "lit";
import { focus, Grid, interval, model, nats, num, Panel, percent, Section, signed, tokenText, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import "./s09.css";
import { choices, guessSlider, length, repeatControls, seed } from "./repeats";

interface Bar {
  label: string;
  value: number;
  low: number | null;
  high: number | null;
}
interface RepeatsAsk {
  model: string;
  length: number;
  sequences: number;
  seed: number;
}
interface Heads {
  what: string;
  unit: string;
  bars: Bar[];
  total: Bar;
  residual: number;
  heads: string[];
  n: number;
  queries: number;
  alpha: number;
  floor: number;
}

const repeats = (): RepeatsAsk => ({ model: model(), length: length(), sequences: 16, seed: seed() });
const ends = (bar: Bar): { low?: number; high?: number } => (bar.low === null || bar.high === null ? {} : { low: bar.low, high: bar.high });
const spread = (bar: Bar): string => (bar.low === null || bar.high === null ? "" : ` ${interval(bar.low, bar.high)}`);
const isHead = (label: string): boolean => /^\d+\.\d+$/.test(label);
const keyOf = (label: string): string => (isHead(label) ? `head:${label}` : `s09:${label}`);
const top = <T,>(items: T[], by: (item: T) => number): T => items.reduce((best, one) => (by(one) > by(best) ? one : best));
/** The ends of bars on one scale: of this run, and of the one that is kept beside it. */
const scale = <T,>(answers: (T | null)[], values: (answer: T) => (number | null)[]): [number, number] => {
  const all = answers.flatMap((answer) => (answer === null ? [] : values(answer))).filter((x): x is number => x !== null);
  return [Math.min(0, ...all), Math.max(0, ...all)];
};
const setup = (ask: RepeatsAsk): string => `from rung import HookedTransformer
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=${ask.sequences}, seed=${ask.seed})`;

class HeadsPanel extends Panel<RepeatsAsk, Heads> {
  readonly name = "s09-heads";
  readonly heading = "Who pushes the right token?";
  readonly computation = "attribution.heads";

  ask(): RepeatsAsk {
    return repeats();
  }

  predict(): TemplateResult {
    return html`<p>The second copy calls for B. B’s logit stands above the mean of the copy’s other tokens. How much of that comes from the one strongest part of the model?</p>
      ${guessSlider("Share, in %", 100, (this.prediction as number | null) ?? undefined, (value) => this.setPrediction(value), 5)}`;
  }

  override controls(): TemplateResult {
    return repeatControls();
  }

  see(answer: Heads, which: "now" | "beside"): TemplateResult {
    const best = top(answer.bars, (bar) => bar.value);
    const mine = which === "now" && typeof this.prediction === "number" ? (this.prediction / 100) * answer.total.value : undefined;
    return html`<rung-bars
        label="Direct attribution to the right token’s logit"
        unit="logit: B minus the mean of the copy’s other tokens"
        .signed=${true}
        .domain=${scale([this.answer, this.beside], (one) => [...one.bars, one.total].flatMap((bar) => [bar.value, bar.low, bar.high]))}
        .items=${[
          ...answer.bars.map((bar) => ({ label: bar.label, value: bar.value, ...ends(bar), key: keyOf(bar.label), predicted: bar === best ? mine : undefined })),
          { label: "sum", value: answer.total.value, ...ends(answer.total), key: "s09:total" },
        ]}
      ></rung-bars>
      <p class="facts">
        Strongest: ${word(keyOf(best.label), best.label)}, <strong data-number="best">${signed(best.value)}</strong>${spread(best)} of
        <strong data-number="total">${signed(answer.total.value)}</strong>: <strong data-number="share">${percent(best.value / answer.total.value)}</strong>. The parts miss the model’s number by
        <strong data-number="residual">${num(answer.residual)}</strong> at most, which is rounding. ${answer.n} sequences × ${answer.queries} queries; each bound is missed with probability
        ${num(answer.alpha)} at most.
      </p>`;
  }

  question(answer: Heads): string {
    const weak = answer.bars.filter((bar) => isHead(bar.label) && bar.label.startsWith("0."));
    return weak.length ? `The heads of layer 0 push almost nothing. Are they idle?` : "What would a negative bar mean?";
  }

  explain(answer: Heads): TemplateResult {
    const best = top(answer.bars, (bar) => bar.value);
    return html`<p>
        The residual stream is a sum, and the unembedding reads it linearly once the last norm’s scale is taken as it was. So the logit is a sum too, with a bar for each writer. Nothing was edited: this
        is bookkeeping of one run.
      </p>
      <p>
        ${word(keyOf(best.label), best.label)} writes B where the logits are read. But the books name who wrote <em>last</em>. What an earlier head did for a later one is booked to the later one, so a short
        bar here is no verdict. Under ${percent(answer.floor)} of the strongest counts as weak. The panel after next asks whether the weak ones can be spared.
      </p>`;
  }

  python(ask: RepeatsAsk): string {
    return `${setup(ask)}

from rung.methods.attribution import attribute_logits

found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
dict(zip(found.labels, found.values.mean((1, 2)).tolist()))
found.residual.abs().max()  # the parts sum to the logit`;
  }

  cli(): null {
    return null;
  }

  override pin(answer: Heads): Pin {
    const all = answer.bars.filter((bar) => isHead(bar.label));
    const strongest = top(answer.bars, (bar) => bar.value);
    const best = all.length ? top(all, (bar) => bar.value) : strongest;
    const rest = all.filter((bar) => bar !== best);
    const floor = answer.floor * strongest.value;
    return {
      test: "contribution.direct", title: `${best.label}: direct logit attribution`, rung: 2, value: best.value, unit: "logits", n: answer.n, ...ends(best),
      ...(rest.length ? { control: top(rest, (bar) => bar.value).value } : {}), floor, holds: best.low !== null && best.low > Math.max(floor, 0), subject: best.label,
    }; // prettier-ignore
  }
}
customElements.define("rung-s09-heads", HeadsPanel);

interface ContrastAsk {
  model: string;
  text: string;
  target: string;
  other: string;
}
interface Contrast {
  tokens: string[];
  target: string;
  other: string;
  parts: { label: string; value: number }[];
  total: number;
  residual: number;
  logits: [number, number];
  best: string;
}
const TEXT = "the man went to the house and the";
const CARRIERS = [
  ["direct", "the last token’s own embedding"],
  ["early", "a head of layer 0"],
  ["late", "a head of a later layer"],
] as const;

class ContrastPanel extends Panel<ContrastAsk, Contrast> {
  readonly name = "s09-contrast";
  readonly heading = "A against B, in a text";
  readonly computation = "attribution.contrast";

  ask(): ContrastAsk | string {
    const [text, target, other] = [this.value("text", TEXT), this.value("a", " man"), this.value("b", " house")];
    if (!text.trim()) return "Type a text.";
    return { model: model(), text, target, other };
  }

  predict(): TemplateResult {
    return html`<p>Type a text and two next tokens, each with its space. What decides between them most?</p>
      ${choices("What decides", CARRIERS, this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    const field = (key: string, label: string, fallback: string, size: number): TemplateResult => html`<label
      >${label}
      <input type="text" size=${size} .value=${this.value(key, fallback)} @change=${(event: Event) => this.put({ [key]: (event.target as HTMLInputElement).value })}
    /></label>`;
    return html`${field("text", "Text", TEXT, 32)} ${field("a", "A", " man", 8)} ${field("b", "B", " house", 8)}`;
  }

  see(answer: Contrast, which: "now" | "beside"): TemplateResult {
    const kind = (label: string): string => (label === "embed" ? "direct" : label.startsWith("0.") && isHead(label) ? "early" : isHead(label) ? "late" : "");
    return html`<rung-bars
        label="Logit of A minus logit of B, by component"
        unit="logit of ${tokenText(answer.target)} minus logit of ${tokenText(answer.other)}"
        .signed=${true}
        .domain=${scale([this.answer, this.beside], (one) => [one.total, ...one.parts.map((part) => part.value)])}
        .items=${[
          ...answer.parts.map((part) => ({ ...part, key: keyOf(part.label), note: which === "now" && this.prediction === kind(part.label) ? "you said here" : undefined })),
          { label: "sum", value: answer.total, key: "s09:total" },
        ]}
      ></rung-bars>
      <p class="facts">
        The model gives A <strong data-number="a">${num(answer.logits[0])}</strong> and B <strong data-number="b">${num(answer.logits[1])}</strong>: a difference of
        <strong data-number="difference">${signed(answer.total)}</strong>; the parts miss it by ${num(Math.abs(answer.residual))}. Its own favourite is <code class="token">${tokenText(answer.best)}</code>.
      </p>`;
  }

  question(): string {
    return "Which bar favours B, and does it know the text or only the last token?";
  }

  explain(answer: Contrast): TemplateResult {
    const strongest = top(answer.parts, (part) => Math.abs(part.value));
    return html`<p>
      ${word(keyOf(strongest.label), strongest.label)} decides most: ${signed(strongest.value)}. <code>embed</code> knows only the last token, so its bar is a habit; a head’s bar may come from any token before.
      A difference of two logits drops what lifts all tokens alike, which is why A is always held against something.
    </p>`;
  }

  python(ask: ContrastAsk): string {
    return `import torch
from rung import HookedTransformer
from rung.methods.attribution import attribute_logits

model = HookedTransformer.from_pretrained("${ask.model}")
tokens = model.to_tokens(${JSON.stringify(ask.text)})
a, b = (model.to_single_token(text) for text in (${JSON.stringify(ask.target)}, ${JSON.stringify(ask.other)}))
attribute_logits(model, tokens, torch.tensor([[a]]), torch.tensor([[[b]]]), [tokens.shape[1] - 1])`;
  }

  cli(ask: ContrastAsk): string {
    return `rung attribute ${ask.model} --text ${quoted(ask.text)} --answer ${quoted(ask.target)} --other ${quoted(ask.other)}`;
  }
}
customElements.define("rung-s09-contrast", ContrastPanel);

const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;

interface Row {
  head: string;
  direct: Bar;
  mean: Bar;
  resample: Bar;
  signature: string;
  score: number;
}
interface Agreement {
  rows: Row[];
  links: { sender: string; receiver: string; into: string; change: Bar }[];
  clean: number;
  gain: number;
  correlation: number;
  n: number;
  weak: number;
  needed: number;
}

class AgreementPanel extends Panel<RepeatsAsk, Agreement> {
  readonly name = "s09-agree";
  readonly heading = "Does ablation pick out the same heads?";
  readonly computation = "attribution.agreement";
  override readonly live = false;

  ask(): RepeatsAsk {
    return repeats();
  }

  predict(): TemplateResult {
    return html`<p>Now each head is taken away, by mean and by resample. Will the heads that cost most be those with the long bars above?</p>
      ${choices("Same heads?", [["same", "The same heads"], ["fewer", "Fewer: some bars are for show"], ["more", "More: some needed heads have no bar"]], this.prediction, (value) => this.setPrediction(value))}`; // prettier-ignore
  }

  override controls(): TemplateResult {
    return repeatControls();
  }

  #sorted(answer: Agreement): { needed: Row[]; hidden: Row[]; idle: Row[] } {
    const strongest = Math.max(...answer.rows.map((row) => row.direct.value));
    const is = (row: Row): boolean => row.mean.low !== null && row.resample.low !== null && Math.min(row.mean.low, row.resample.low) > answer.needed * answer.gain;
    const weak = (row: Row): boolean => row.direct.value < answer.weak * strongest;
    const needed = answer.rows.filter(is);
    return { needed, hidden: needed.filter(weak), idle: answer.rows.filter((row) => !is(row) && !weak(row)) };
  }

  #link(answer: Agreement, head: string): Agreement["links"][number] | undefined {
    const own = answer.links.filter((link) => link.sender === head);
    return own.length ? top(own, (link) => link.change.value) : undefined;
  }

  see(answer: Agreement, which: "now" | "beside"): TemplateResult {
    const { needed, hidden, idle } = this.#sorted(answer);
    const found = hidden.length ? "more" : idle.length ? "fewer" : "same";
    return html`<div class="table-scroll" tabindex="0" role="region" aria-label="Agreement table">
        <table data-table="agreement">
          <thead>
            <tr><th scope="col">head</th><th scope="col">direct push, logits</th><th scope="col">mean ablation, nats</th><th scope="col">resample, nats</th><th scope="col">highest signature</th></tr>
          </thead>
          <tbody>
            ${answer.rows.map(
              (row) => html`<tr class=${focus.current === `head:${row.head}` ? "lit" : ""}>
                <th scope="row">${word(`head:${row.head}`, row.head)}</th>
                <td data-number="direct-${row.head}">${signed(row.direct.value)}<span class="quiet">${spread(row.direct)}</span></td>
                <td data-number="mean-${row.head}">${signed(row.mean.value)}<span class="quiet">${spread(row.mean)}</span></td>
                <td>${signed(row.resample.value)}<span class="quiet">${spread(row.resample)}</span></td>
                <td>${row.signature.replace(/_/g, " ")} ${num(row.score)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p class="facts">
        Needed by both ablations (over ${percent(answer.needed)} of the gain of ${nats(answer.gain)}): <strong data-number="needed">${needed.map((row) => row.head).join(", ") || "none"}</strong>. Of these,
        without a bar of their own: <strong data-number="hidden">${hidden.map((row) => row.head).join(", ") || "none"}</strong>. Correlation of the two columns over heads: ${num(answer.correlation)}.
        ${which === "now" && this.prediction ? (this.prediction === found ? "As you said." : "Not what you said.") : ""}
      </p>
      ${hidden.map((row) => {
        const link = this.#link(answer, row.head);
        if (!link) return nothing;
        const end = answer.rows.find((one) => one.head === link.receiver)!;
        return html`<rung-flow
          label="What ${row.head} does for ${link.receiver}"
          .nodes=${[
            { id: "a", label: row.head, role: link.into === "K" ? "route" : undefined, value: `push ${signed(row.direct.value)}`, key: `head:${row.head}`, column: 0 },
            { id: "b", label: link.receiver, role: link.into === "K" ? "match" : undefined, value: `push ${signed(end.direct.value)}`, key: `head:${link.receiver}`, column: 1 },
            { id: "c", label: "B’s logit", column: 2 },
          ]}
          .edges=${[
            { from: "a", to: "b", label: `into ${link.into}`, value: nats(link.change.value, 1), role: link.into === "K" ? "route" : undefined, weight: 1, key: `edge:${link.sender}>${link.receiver}.${link.into}` },
            { from: "b", to: "c", role: "copy", weight: 1, value: signed(end.direct.value, 1), key: "role:copy" },
          ]}
        ></rung-flow>`;
      })}`;
  }

  question(answer: Agreement): string {
    const { hidden } = this.#sorted(answer);
    return hidden.length ? `${hidden[0]!.head} pushes nothing and is needed. How can that be?` : "Where do the two columns part, and which would you believe?";
  }

  explain(answer: Agreement): TemplateResult {
    const { hidden } = this.#sorted(answer);
    return html`${hidden.map((row) => {
        const link = this.#link(answer, row.head);
        return link
          ? html`<p>
              ${word(`head:${row.head}`, row.head)} writes for another head, not for the logits. ${word(`edge:${link.sender}>${link.receiver}.${link.into}`, "Path patching")} shows it: give
              ${link.receiver}’s ${link.into} alone what ${row.head} writes in another sequence, keep everything else, and the loss rises by
              <strong data-number="link">${nats(link.change.value)}</strong>${spread(link.change)}. The push is booked to ${link.receiver}; the work was shared.
            </p>`
          : nothing;
      })}
      <p>
        So neither column replaces the other. Attribution asks who wrote the answer, ablation asks who can be spared, a signature asks who looks where. A head that all three name is worth a proof; where they
        differ, the difference is the finding. This table goes on in section 12.
      </p>`;
  }

  python(ask: RepeatsAsk): string {
    return `${setup(ask)}

from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean
from rung.methods.paths import patch_all_senders
from rung.tasks.metrics import next_token_loss

donors = repeated_tokens(model, period=${ask.length}, sequences=64, seed=${ask.seed + 1}).tokens
loss = next_token_loss(task.predictable)
ablate_each_head(model, task, loss, Mean(donors)).mean_change
patch_all_senders(model, task.tokens, donors[:${ask.sequences}], ((1, 0), "K"), loss).change.mean(1)`;
  }

  cli(ask: RepeatsAsk): string {
    return `rung ablate ${ask.model} --by resample --period ${ask.length} --sequences ${ask.sequences} --seed ${ask.seed}`;
  }

  override pin(answer: Agreement): Pin | null {
    const { needed, hidden } = this.#sorted(answer);
    const row = hidden[0] ?? needed[0];
    if (!row) return null;
    const less = row.mean.value < row.resample.value ? row.mean : row.resample;
    const others = answer.rows.filter((one) => !needed.includes(one)).map((one) => one.mean.value);
    const floor = answer.needed * answer.gain;
    return {
      test: "support.necessity", title: `${row.head}: cost of ablation`, rung: 3, value: less.value, unit: "nats", n: answer.n, ...ends(less),
      ...(others.length ? { control: Math.max(...others) } : {}), floor, holds: less.low !== null && less.low > floor, subject: row.head,
    }; // prettier-ignore
  }
}
customElements.define("rung-s09-agree", AgreementPanel);

interface WhyAsk {
  model: string;
  layer: number;
  head: number;
  query: number;
  key: number;
  text: string;
  length: number;
  seed: number;
}
interface Why {
  head: string;
  tokens: string[];
  pattern: ArrayJson;
  query: number;
  key: number;
  score: number;
  mean_score: number;
  attention: number;
  query_parts: string[];
  key_parts: string[];
  values: ArrayJson;
  alibi: number;
  residual: number;
  before_cap: boolean;
}

class WhyPanel extends Panel<WhyAsk, Why> {
  readonly name = "s09-why";
  readonly heading = "Why here?";
  readonly computation = "attribution.why";

  ask(): WhyAsk | string {
    const head = /^(\d+)\.(\d+)$/.exec(this.value("head", "1.0"));
    if (!head) return "Name a head as layer.head, such as 1.0.";
    const text = this.value("text");
    // On random repeats, until a cell is chosen: a query of the second copy, and the position after its first occurrence.
    const n = length();
    const at = Math.min(6, n - 2);
    const [query, key] = text.trim() ? [-1, 0] : [1 + n + at, 2 + at];
    return { model: model(), layer: Number(head[1]), head: Number(head[2]), query: this.number("query", query), key: this.number("key", key), text, length: n, seed: seed() };
  }

  predict(): TemplateResult {
    return html`<p>Take the head whose stripe you saw, and one cell of it. What at the source made the score high?</p>
      ${choices("What at the source", [["embed", "the source token itself"], ["head", "what an earlier head wrote there"], ["pos", "its position"]], this.prediction, (value) => this.setPrediction(value))}`; // prettier-ignore
  }

  override controls(): TemplateResult {
    const clear = { query: null, key: null };
    return html`${repeatControls()}
      <label>Head <input type="text" size="5" .value=${this.value("head", "1.0")} @change=${(event: Event) => this.put({ head: (event.target as HTMLInputElement).value.trim() })} /></label>
      <label
        >Text, in place of the repeats
        <input type="text" size="24" .value=${this.value("text")} @change=${(event: Event) => this.put({ ...clear, text: (event.target as HTMLInputElement).value || null })}
      /></label>`;
  }

  see(answer: Why, which: "now" | "beside"): TemplateResult {
    const values = Grid.from(answer.values);
    const byKey = answer.key_parts.map((label, j) => ({ label, value: answer.query_parts.reduce((sum, _, i) => sum + values.at(i, j), 0) }));
    const best = top(byKey, (part) => part.value);
    const kind = isHead(best.label) ? "head" : best.label === "embed" ? "embed" : "pos";
    return html`<p>Choose a cell: row the query, column the source.</p>
      <rung-heatmap
        label="Attention of head ${answer.head}"
        .grid=${Grid.from(answer.pattern)}
        .rows=${answer.tokens}
        .cols=${answer.tokens}
        rowName="query"
        colName="source"
        .causal=${true}
        .marks=${[{ row: answer.query, col: answer.key, label: "this score" }]}
        .focusKey=${(_: number, c: number) => `pos:${c}`}
        @cell=${(event: CustomEvent<{ row: number; col: number }>) => {
          if (which !== "now" || event.detail.col > event.detail.row) return;
          this.put({ query: event.detail.row, key: event.detail.col });
          this.act("cell");
        }}
      ></rung-heatmap>
      <p class="facts">
        Query ${answer.query} <code class="token">${tokenText(answer.tokens[answer.query]!)}</code> gives source ${answer.key} <code class="token">${tokenText(answer.tokens[answer.key]!)}</code>
        <strong data-number="attention">${percent(answer.attention)}</strong> of its attention: score <strong data-number="score">${signed(answer.score)}</strong>, where the mean over all it sees is
        ${signed(answer.mean_score)}${answer.before_cap ? " (before the cap)" : ""}.
      </p>
      <p class="caption">What wrote into the query (rows) with what wrote into the key (columns)</p>
      <rung-heatmap
        label="The score by pairs"
        .grid=${values}
        .rows=${answer.query_parts}
        .cols=${answer.key_parts}
        rowName="in the query"
        colName="in the key"
        scale="signed"
        .size=${260}
        .focusKey=${(_: number, c: number) => keyOf(answer.key_parts[c]!)}
      ></rung-heatmap>
      <rung-bars
        label="The score by what wrote into the key"
        unit="attention score"
        .signed=${true}
        .items=${[
          ...byKey.map((part) => ({ ...part, key: keyOf(part.label), note: which === "now" && this.prediction === (isHead(part.label) ? "head" : part.label === "embed" ? "embed" : "pos") ? "you said here" : undefined })),
          ...(answer.alibi ? [{ label: "slope", value: answer.alibi }] : []),
          { label: "sum", value: answer.score },
        ]}
      ></rung-bars>
      <p class="facts">
        Largest: <strong data-number="part">${best.label}</strong>, <strong data-number="part-value">${signed(best.value)}</strong>. The parts miss the score by ${num(Math.abs(answer.residual))}.
        ${which === "now" && this.prediction ? (this.prediction === kind ? "As you said." : "Not what you said.") : ""}
      </p>`;
  }

  question(): string {
    return "Which pair carries the score, and what does each side of it know?";
  }

  explain(answer: Why): TemplateResult {
    const values = Grid.from(answer.values);
    const pairs = answer.query_parts.flatMap((q, i) => answer.key_parts.map((k, j) => ({ q, k, value: values.at(i, j) })));
    const best = top(pairs, (pair) => pair.value);
    return html`<p>
        ${word(keyOf(best.q), best.q)} in the query with ${word(keyOf(best.k), best.k)} in the key: ${signed(best.value)} of ${signed(answer.score)}.
        ${isHead(best.k) ? html`The source’s own token says little. What makes it match is a note that ${best.k} left there, one layer earlier.` : "No earlier head is needed for this cell. Try one on the stripe."}
      </p>
      <p>Only a score above the mean moves attention: what raises all sources alike, softmax does not see. And a large part is a clue to why, not proof that the head needs it.</p>`;
  }

  python(ask: WhyAsk): string {
    const tokens = ask.text.trim()
      ? `tokens = model.to_tokens(${JSON.stringify(ask.text)})`
      : `tokens = repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed}).tokens`;
    return `from rung import HookedTransformer
from rung.methods.scores import why_attend
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
${tokens}
why_attend(model, tokens, (${ask.layer}, ${ask.head}), ${ask.query}, ${ask.key}).ranked(5)`;
  }

  cli(ask: WhyAsk): string {
    const text = ask.text.trim() ? quoted(ask.text) : "'TEXT'";
    return `rung why-attend ${ask.model} ${ask.layer}.${ask.head} ${ask.query} ${ask.key} --text ${text}`;
  }
}
customElements.define("rung-s09-why", WhyPanel);

class Section09 extends Section {
  readonly number = 9;
  readonly heading = "Attribution";

  body(): TemplateResult {
    return html`<p>
        A stripe shows where a head looks. The next question is what it <em>adds</em>. The stream is a sum, so a logit can be split among those who wrote it: signed bars that add up to the whole.
      </p>
      <p>
        That is <strong>contribution</strong>, rung 2. It tells a head that writes the answer from one that only looks. It does not tell whether the model would miss it.
      </p>
      ${tour("Follow the push", [
        { say: html`Guess the share, and run <em>Who pushes the right token?</em>`, until: "s09-heads:ran" },
        { say: html`Now take every head away: run the agreement table.`, until: "s09-agree:ran" },
        { say: html`Write how a head without a bar can be needed, or skip.`, until: "s09-agree:answered" },
        { say: html`Ask <em>Why here?</em> of one cell of the map.`, until: "s09-why:cell" },
      ])}
      <rung-s09-heads></rung-s09-heads>
      <rung-s09-contrast></rung-s09-contrast>
      <rung-s09-agree></rung-s09-agree>
      <p>A head attends because of a score, and a score is a sum as well: over pairs of what wrote into the query and what wrote into the key.</p>
      <rung-s09-why></rung-s09-why>
      <rung-decoy-answer></rung-decoy-answer>`;
  }
}
customElements.define("rung-section-09", Section09);
