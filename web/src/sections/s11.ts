import { html, nothing, type TemplateResult } from "lit";
import { copy, Grid, interval, match, model, num, Panel, percent, route, Section, state, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices, guessSlider, seed } from "./repeats";

interface Share {
  value: number;
  low: number;
  high: number;
  n: number;
}
interface Tile {
  what: string;
  values: ArrayJson;
  sample: Share;
  whole: Share;
  mean_rank: number;
}
interface Circuits {
  right: Tile;
  wrong: Tile;
}
interface TilesAsk {
  model: string;
  layer: number;
  head: number;
  sender: [number, number] | null;
  size: number;
  seed: number;
}
interface Tiles {
  head: string;
  sender: string;
  tokens: string[];
  ov: Circuits;
  qk: Circuits;
  composed: Circuits | null;
  positions: { values: ArrayJson; share: number; attention: number; n: number } | null;
  no_positions: string;
  vocabulary: number;
  floor: number;
  dense_bytes: number;
  factored_bytes: number;
}

const readHead = (text: string): [number, number] | null => {
  const found = /^(\d+)\.(\d+)$/.exec(text.trim());
  return found ? [Number(found[1]), Number(found[2])] : null;
};
const exact = (share: Share): string => (share.low === share.high ? `all ${share.n}` : `${share.n} of them, ${interval(share.low, share.high)}`);
const megabytes = (bytes: number): string => `${num(bytes / 2 ** 20, 1)} MiB`;
const top = <T,>(items: T[], by: (item: T) => number): T => items.reduce((best, one) => (by(one) > by(best) ? one : best));

class TilesPanel extends Panel<TilesAsk, Tiles> {
  readonly name = "s11-tiles";
  readonly heading = "QK and OV, token by token";
  readonly computation = "weights.tiles";

  ask(): TilesAsk | string {
    const head = readHead(this.value("head", "1.0"));
    if (!head) return "Name a head as layer.head, such as 1.0.";
    return { model: model(), layer: head[0], head: head[1], sender: head[0] > 0 ? readHead(this.value("sender", "0.0")) : null, size: this.number("size", 16), seed: seed() };
  }

  predict(): TemplateResult {
    return html`<p>No input now: only weights. For how many tokens of the vocabulary does attending to the token raise <em>that token’s own</em> logit most? Say it for the ${copy("copy")} head.</p>
      ${guessSlider("Share, in %", 100, (this.prediction as number | null) ?? undefined, (value) => this.setPrediction(value), 1)}`;
  }

  override controls(): TemplateResult {
    const field = (key: string, label: string, fallback: string): TemplateResult => html`<label
      >${label} <input type="text" size="5" data-key=${key} .value=${this.value(key, fallback)} @change=${(event: Event) => {
          this.put({ [key]: (event.target as HTMLInputElement).value.trim() });
          this.act("chose");
        }}
    /></label>`;
    return html`${field("head", "Head", "1.0")} ${field("sender", "Its keys are written by", "0.0")}
      <label>Tokens <input type="range" min="4" max="32" .value=${String(this.number("size", 16))} @change=${(event: Event) => this.put({ size: (event.target as HTMLInputElement).value })} /><output>${this.number("size", 16)}</output></label>
      <label>Seed <input type="number" min="0" max="999999" .value=${String(seed())} @change=${(event: Event) => state.set({ seed: (event.target as HTMLInputElement).value })} /></label>`;
  }

  #tile(answer: Tiles, tile: Tile, caption: string, key: string, axes: [string, string]): TemplateResult {
    const like = (one: Tiles): (Circuits | null)[] => (key.startsWith("ov") ? [one.ov] : [one.composed, one.qk]);
    const shown = [this.answer, this.beside].flatMap((one) => (one === null ? [] : like(one))).filter((one) => one !== null);
    const domain = bounds(...shown.flatMap((one) => [Grid.from(one.right.values), Grid.from(one.wrong.values)]));
    return html`<div>
      <p class="caption"><strong>${caption}</strong></p>
      <rung-heatmap label=${tile.what} .grid=${Grid.from(tile.values)} .rows=${answer.tokens} .cols=${answer.tokens} rowName=${axes[0]} colName=${axes[1]} scale="signed" .domain=${domain} .size=${260} .digits=${1}></rung-heatmap>
      <p class="caption">
        Diagonal on top, here: ${percent(tile.sample.value)} of ${tile.sample.n}. In the vocabulary: <strong data-number=${key}>${percent(tile.whole.value, 2)}</strong> of ${exact(tile.whole)}; mean rank
        ${num(tile.mean_rank, 1)}.
      </p>
    </div>`;
  }

  see(answer: Tiles, which: "now" | "beside"): TemplateResult {
    const ov: [string, string] = ["read", "raised"];
    const qk: [string, string] = ["key", "query"];
    const said = which === "now" && typeof this.prediction === "number" ? this.prediction : null;
    return html`<h4>${copy("OV")}: what is carried</h4>
      <div class="pair">
        ${this.#tile(answer, answer.ov.right, `${answer.head}: W_V W_O`, "ov", ov)} ${this.#tile(answer, answer.ov.wrong, "the wrong reading: transposed", "ov-wrong", ov)}
      </div>
      ${said === null ? nothing : html`<p class="facts">You said ${said} %; all tokens say ${percent(answer.ov.right.whole.value, 2)}.</p>`}
      <h4>${match("QK")}: where to look</h4>
      <div class="pair">
        ${answer.composed
          ? html`${this.#tile(answer, answer.composed.right, `${answer.sender} → ${answer.head}: keys as ${answer.sender} writes them`, "composed", qk)}
            ${this.#tile(answer, answer.composed.wrong, "the wrong reading: transposed", "composed-wrong", qk)}`
          : nothing}
        ${this.#tile(answer, answer.qk.right, `${answer.head} on bare embeddings`, "qk", qk)}
      </div>
      ${answer.positions
        ? html`<h4>${route("Positions")}: by place alone</h4>
            <rung-heatmap label="Score of query position against key position, ${answer.head}" .grid=${Grid.from(answer.positions.values)} rowName="query" colName="key" scale="signed" .causal=${true} .size=${220} .digits=${1}
              .domain=${bounds(Grid.from(answer.positions.values))} .guides=${[{ kind: "diagonal", offset: -1, label: "one back", role: "route" }]}></rung-heatmap>
            <p class="caption">${answer.head} prefers the position before for <strong data-number="one-back">${percent(answer.positions.share, 1)}</strong> of ${answer.positions.n} queries, with ${percent(answer.positions.attention)} of the attention on average.</p>`
        : html`<p class="caption">No positional map: ${answer.no_positions}.</p>`}`; // prettier-ignore
  }

  question(): string {
    return "The two OV maps are the same numbers multiplied in another order. What told you which is right?";
  }

  explain(answer: Tiles): TemplateResult {
    const { composed } = answer;
    return html`<p>
        Rows are read, columns written: a token <code>x</code> goes through <code>x W_V W_O W_U</code>. Transposed, the shapes still fit and nothing warns; the diagonal falls from
        ${percent(answer.ov.right.whole.value, 2)} to ${percent(answer.ov.wrong.whole.value, 2)}. And a few tokens flatter: to be the largest of ${answer.tokens.length} is easier than of ${answer.vocabulary}.
      </p>
      ${composed
        ? html`<p>
            On bare embeddings the QK of ${word(`head:${answer.head}`, answer.head)} matches a token with itself for ${percent(answer.qk.right.whole.value, 1)}: it does not read tokens at its keys. Put in what
            ${word(`head:${answer.sender}`, answer.sender)} writes there, and it is ${percent(composed.right.whole.value, 1)}. QK tells where to look and OV what is carried; neither tells the other.
          </p>`
        : nothing}
      <p>
        Products stay factored: one map of all tokens would take ${megabytes(answer.dense_bytes)}, its two factors take ${megabytes(answer.factored_bytes)}. Weights say what a head is built to do, not that a
        run uses it.
      </p>`;
  }

  python(ask: TilesAsk): string {
    const composed = ask.sender ? `\ntile(model, head, "composed QK", tokens, sender=(${ask.sender.join(", ")})).whole.share` : "";
    return `import torch
from rung import HookedTransformer
from rung.circuits.tiles import tile, transposed_tile

model = HookedTransformer.from_pretrained("${ask.model}")
head, tokens = (${ask.layer}, ${ask.head}), torch.arange(100, ${100 + ask.size})
tile(model, head, "OV", tokens).whole.share
transposed_tile(model, head, "OV", tokens).whole.share  # the wrong reading${composed}`;
  }

  cli(ask: TilesAsk): string {
    return `rung weights ${ask.model} --kind ov --heads ${ask.layer}.${ask.head}\nrung weights ${ask.model} --kind qk --heads ${ask.layer}.${ask.head}`;
  }

  override pin(answer: Tiles): Pin {
    const { whole } = answer.ov.right;
    return {
      test: "mechanism.ov", title: `${answer.head}: OV copying, top-1`, rung: 4, value: whole.value, unit: "of tokens", n: whole.n, low: whole.low, high: whole.high,
      control: answer.ov.wrong.whole.value, floor: answer.floor, holds: whole.low >= answer.floor, subject: answer.head,
    }; // prettier-ignore
  }
}
customElements.define("rung-s11-tiles", TilesPanel);

/** ± the largest size among the cells that are. */
function bounds(...grids: Grid[]): [number, number] {
  const most = Math.max(...grids.flatMap((grid) => Array.from(grid.data, (x) => (Number.isNaN(x) ? 0 : Math.abs(x))))) || 1;
  return [-most, most];
}

interface ModelAsk {
  model: string;
  seed: number;
}
interface Copying {
  rows: { head: string; copying: Share; mean_rank: number; eigenvalues: number; same_token: Share }[];
  vocabulary: number;
  floor: number;
}

class CopyingPanel extends Panel<ModelAsk, Copying> {
  readonly name = "s11-copying";
  readonly heading = "Two scores for copying";
  readonly computation = "weights.heads";
  override readonly live = false;

  ask(): ModelAsk {
    return { model: model(), seed: seed() };
  }

  predict(): TemplateResult {
    return html`<p>A known score takes the eigenvalues of the whole OV circuit: 1 if all are positive, which is read as “this head copies”. How many heads of this model will score above 0.8?</p>
      ${guessSlider("Heads", 16, (this.prediction as number | null) ?? undefined, (value) => this.setPrediction(value), 1)}`;
  }

  see(answer: Copying, which: "now" | "beside"): TemplateResult {
    const high = answer.rows.filter((row) => row.eigenvalues >= answer.floor);
    const copies = answer.rows.filter((row) => row.copying.low >= answer.floor);
    const rules = [{ at: answer.floor, label: "floor" }];
    return html`<p class="caption"><strong>The score that misleads:</strong> eigenvalues, Σ Re λ / Σ |λ|</p>
      <rung-bars label="Eigenvalue copying score" unit="−1 to 1" .domain=${[Math.min(0, ...answer.rows.map((row) => row.eigenvalues)), 1]} .rules=${rules} .items=${answer.rows.map((row) => ({ label: row.head, value: row.eigenvalues, key: `head:${row.head}` }))}></rung-bars>
      <p class="caption"><strong>The one that decides:</strong> tokens whose own logit is raised most</p>
      <rung-bars label="OV copying, top-1" unit="of ${answer.rows[0]?.copying.n ?? 0} tokens" .domain=${[0, 1]} .rules=${rules} .digits=${3}
        .items=${answer.rows.map((row) => ({ label: row.head, value: row.copying.value, key: `head:${row.head}`, role: copies.includes(row) ? "copy" : undefined, note: `mean rank ${num(row.mean_rank, 1)}` }))}></rung-bars>
      <p class="facts">
        Above ${num(answer.floor)}: <strong data-number="eigen">${high.length}</strong> of ${answer.rows.length} by eigenvalues, <strong data-number="copies">${copies.length}</strong> by top-1
        (${copies.map((row) => row.head).join(", ") || "none"}). ${which === "now" && typeof this.prediction === "number" ? `You said ${this.prediction}.` : ""}
      </p>`; // prettier-ignore
  }

  question(): string {
    return "How can the eigenvalue score be high, and the head copy almost nothing?";
  }

  explain(answer: Copying): TemplateResult {
    const high = answer.rows.filter((row) => row.eigenvalues >= answer.floor && row.copying.low < answer.floor);
    return html`<p>
        A positive eigenvalue says that a direction comes out as it went in. It does not say that <em>this token’s</em> logit rises above all others: other tokens’ may rise more. ${high.length} head${high.length === 1 ? "" : "s"} here pass${high.length === 1 ? "es" : ""} the one test and fail${high.length === 1 ? "s" : ""} the other.
      </p>
      <p>So the eigenvalue score describes and decides nothing. The rank of the token’s own logit, over the whole vocabulary, decides.</p>`;
  }

  python(ask: ModelAsk): string {
    return `from rung import HookedTransformer
from rung.circuits.heads import eigenvalue_copying, sampled_copying

model = HookedTransformer.from_pretrained("${ask.model}")
for layer in range(model.config.n_layers):
    for head in range(model.config.n_heads):
        eigenvalue_copying(model, (layer, head)), sampled_copying(model, (layer, head), None).share`;
  }

  cli(ask: ModelAsk): string {
    return `rung weights ${ask.model} --kind ov`;
  }

  override pin(answer: Copying): Pin {
    const best = top(answer.rows, (row) => row.copying.value);
    const rest = answer.rows.filter((row) => row !== best).map((row) => row.copying.value);
    const { value, low, high, n } = best.copying;
    return {
      test: "mechanism.ov", title: `${best.head}: OV copying, top-1`, rung: 4, value, unit: "of tokens", n, low, high,
      ...(rest.length ? { control: Math.max(...rest) } : {}), floor: answer.floor, holds: low >= answer.floor, subject: best.head,
    }; // prettier-ignore
  }
}
customElements.define("rung-s11-copying", CopyingPanel);

interface Pair {
  sender: string;
  receiver: string;
  norm: number;
  other_pairs: number | null;
  match: Share;
}
interface Pairs {
  heads: string[];
  n_heads: number;
  into: string[];
  scores: ArrayJson;
  chance: number;
  gaussian_mean: number;
  gaussian_deviation: number;
  pairs: Pair[];
  pairs_left_out: number;
  vocabulary: number;
  floor: number;
}

class PairsPanel extends Panel<ModelAsk, Pairs> {
  readonly name = "s11-pairs";
  readonly heading = "Who reads whom?";
  readonly computation = "weights.pairs";
  override readonly live = false;

  ask(): ModelAsk {
    return { model: model(), seed: seed() };
  }

  predict(): TemplateResult {
    return html`<p>A composition score says how much of what one head writes another can read. Will the pair with the largest score be the pair that does the job?</p>
      ${choices("Largest score", [["yes", "Yes"], ["no", "No"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  override controls(): TemplateResult {
    return choices("Into", [["Q", "into Q"], ["K", "into K"], ["V", "into V"]], this.value("into", "K"), (into) => {
      this.put({ into });
      this.requestUpdate();
    }); // prettier-ignore
  }

  see(answer: Pairs, which: "now" | "beside"): TemplateResult {
    const { heads, n_heads: n } = answer;
    const into = this.value("into", "K");
    const all = Grid.from(answer.scores).slice(Math.max(answer.into.indexOf(into), 0));
    const [senders, receivers] = [heads.slice(0, -n), heads.slice(n)];
    const cells = (of: (s: number, r: number) => number): Grid => Grid.of([senders.length, receivers.length], senders.flatMap((_, s) => receivers.map((_, r) => of(s, r))));
    const shares = new Map(answer.pairs.map((pair) => [`${pair.sender}>${pair.receiver}`, pair.match.value]));
    const norms = cells((s, r) => zero(all.at(s, r + n)));
    const [trap, best] = [answer.pairs[0]!, top(answer.pairs, (pair) => pair.match.value)];
    const mark = (pair: Pair, label: string): object => ({ row: senders.indexOf(pair.sender), col: receivers.indexOf(pair.receiver), label });
    const marks = trap === best ? [mark(best, "both")] : [mark(trap, "largest score"), mark(best, "works")];
    const map = (grid: Grid, label: string, most: number): TemplateResult => html`<rung-heatmap
      .label=${label} .grid=${grid} .rows=${senders} .cols=${receivers} rowName="sender" colName="receiver" .domain=${[0, most]} .marks=${marks} .size=${240}
      .focusKey=${(s: number, r: number) => `edge:${senders[s]}>${receivers[r]}.K`}
      @cell=${() => this.act("cell")}
    ></rung-heatmap>`; // prettier-ignore
    const row = (pair: Pair, name: string): TemplateResult => html`<tr>
      <th scope="row">${word(`edge:${pair.sender}>${pair.receiver}.K`, `${pair.sender} → ${pair.receiver}`)} <span class="quiet">${name}</span></th>
      <td data-number="norm-${pair.sender}-${pair.receiver}">${num(pair.norm, 3)}</td>
      <td>${pair.other_pairs === null ? "–" : num(pair.other_pairs, 3)}</td>
      <td data-number="match-${pair.sender}-${pair.receiver}">${percent(pair.match.value, 1)}</td>
    </tr>`;
    return html`<div class="pair">
        <div><p class="caption"><strong>Composition score, into ${into}</strong></p>${map(norms, `Composition score into ${into}`, Math.max(answer.chance, ...[this.answer, this.beside].flatMap((one) => (one === null ? [] : Array.from(Grid.from(one.scores).data, zero)))))}</div>
        <div><p class="caption"><strong>Composed QK, top-1</strong></p>${map(cells((s, r) => shares.get(`${senders[s]}>${receivers[r]}`) ?? 0), "Composed QK: tokens matched with themselves", 1)}</div>
      </div>
      <div class="table-scroll" tabindex="0" role="region" aria-label="Pairs">
        <table>
          <thead><tr><th scope="col">pair, into K</th><th scope="col">score</th><th scope="col">other pairs</th><th scope="col">composed QK top-1</th></tr></thead>
          <tbody>${trap === best ? row(best, "largest, and works") : [row(trap, "the trap: largest score"), row(best, "the pair that works")]}${answer.pairs.filter((pair) => pair !== trap && pair !== best).slice(0, 4).map((pair) => row(pair, ""))}</tbody>
        </table>
      </div>
      <p class="facts">
        Heads of random weights score <strong data-number="chance">${num(answer.gaussian_mean, 3)}</strong> ± ${num(answer.gaussian_deviation, 3)} (1/√d = ${num(answer.chance, 3)}). Match over ${exact(best.match)} tokens,
        floor ${percent(answer.floor)}.${answer.pairs_left_out ? ` ${answer.pairs_left_out} pairs of low score were left out of the match.` : ""}
        ${which === "now" && this.prediction ? ((this.prediction === "yes") === (trap === best) ? "As you said." : "Not what you said.") : ""}
      </p>`; // prettier-ignore
  }

  question(answer: Pairs): string {
    const trap = answer.pairs[0]!;
    return `${trap.sender} → ${trap.receiver} has the largest score. What would you have to see before you believe that it matters?`;
  }

  explain(answer: Pairs): TemplateResult {
    const [trap, best] = [answer.pairs[0]!, top(answer.pairs, (pair) => pair.match.value)];
    return trap === best
      ? html`<p>Here the largest score happens to be the pair that works. The score did not tell you that; the composed QK did: ${percent(best.match.value, 1)} of tokens.</p>`
      : html`<p>
            The score is a ratio of norms: how much of the writing lies where the reader reads. It does not ask <em>what</em> is read. ${word(`edge:${trap.sender}>${trap.receiver}.K`, `${trap.sender} → ${trap.receiver}`)}
            overlaps most (${num(trap.norm)}) and matches ${percent(trap.match.value, 1)} of tokens; ${word(`edge:${best.sender}>${best.receiver}.K`, `${best.sender} → ${best.receiver}`)} overlaps less (${num(best.norm)}) and
            matches ${percent(best.match.value, 1)}.
          </p>
          <p>Trained heads share directions, so most pairs lie above the random line: the other pairs of the same layers are the fairer floor. The composed QK, token by token, decides.</p>`;
  }

  python(ask: ModelAsk): string {
    return `from rung import HookedTransformer
from rung.circuits.composition import composition, gaussian_composition, routed_diagonal

model = HookedTransformer.from_pretrained("${ask.model}")
found = composition(model)
found.ranked()[:5], gaussian_composition(model.config.d_model, model.config.d_head, seed=${ask.seed})
routed_diagonal(model, (0, 0), (1, 0)).share, routed_diagonal(model, (0, 3), (1, 3)).share`;
  }

  cli(ask: ModelAsk): string {
    return `rung weights ${ask.model} --kind composition`;
  }

  override pin(answer: Pairs): Pin {
    const best = top(answer.pairs, (pair) => pair.match.value);
    const rest = answer.pairs.filter((pair) => pair !== best).map((pair) => pair.match.value);
    const { value, low, high, n } = best.match;
    return {
      test: "mechanism.routed_qk", title: `${best.sender} → ${best.receiver}: composed QK, top-1`, rung: 4, value, unit: "of tokens", n, low, high,
      ...(rest.length ? { control: Math.max(...rest) } : {}), floor: answer.floor, holds: low >= answer.floor, subject: `${best.sender} → ${best.receiver}`,
    }; // prettier-ignore
  }
}
customElements.define("rung-s11-pairs", PairsPanel);

const zero = (x: number): number => (Number.isNaN(x) ? 0 : x);

const TABLE = [
  ["QK on embeddings", "Which token does a query look for?", "Row by row: is the diagonal the largest? Only for heads that read tokens as they are."],
  ["Composed QK", "Does it look for what that head wrote?", "The same, with keys as the sender writes them. It decides."],
  ["Positional QK", "Which place does a query look for?", "One below the diagonal, with more than half of the attention."],
  ["OV top-1", "What comes out when it attends to a token?", "Over the whole vocabulary: the token’s own logit first. It decides."],
  ["Eigenvalue score", "Does OV keep directions?", "High for almost any head. It describes."],
  ["Composition score", "Can one read what the other writes?", "Against random heads and the other pairs. It describes."],
];

class Section11 extends Section {
  readonly number = 11;
  readonly heading = "Weights";

  body(): TemplateResult {
    return html`<p>All you measured so far speaks of the inputs that you ran. Weights speak of what a head is <em>built</em> to do, whatever the input.</p>
      <p>
        Two products tell it. <code>W_Q W_Kᵀ</code> says ${match("where to look")}; <code>W_V W_O</code> says ${copy("what is carried")}. Composition asks whether one head writes what another reads.
      </p>
      <div class="wide-table" tabindex="0" role="region" aria-label="Analyses of weights">
        <table>
          <thead><tr><th scope="col">Analysis</th><th scope="col">Question</th><th scope="col">How to read it</th></tr></thead>
          <tbody>${TABLE.map(([what, question, how]) => html`<tr><th scope="row">${what}</th><td>${question}</td><td>${how}</td></tr>`)}</tbody>
        </table>
      </div>
      ${tour("Weights alone", [
        { say: html`Guess how often the copy head copies, and run.`, until: "s11-tiles:ran" },
        { say: html`Choose another head, 0.0 say: what does it copy, and where does it look?`, until: "s11-tiles:chose" },
        { say: html`Hold the two copying scores against each other.`, until: "s11-copying:ran" },
        { say: html`Find the trap among the pairs.`, until: "s11-pairs:ran" },
      ])}
      <rung-s11-tiles></rung-s11-tiles>
      <rung-s11-copying></rung-s11-copying>
      <rung-s11-pairs></rung-s11-pairs>`;
  }
}
customElements.define("rung-section-11", Section11);
