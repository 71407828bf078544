import { html, type TemplateResult } from "lit";
import { copy, match, model, nats, num, Panel, percent, route, Section, token, tour, word, type Pin } from "../kernel";

interface Ask {
  model: string;
  length: number;
  seed: number;
  at: number;
}

interface Walk {
  route_attention: number;
  match_attention: number;
  copy_logit: number;
  probability: number;
  loss: number;
}

interface Answer {
  tokens: string[];
  query: number;
  source: number;
  route: string;
  match: string;
  route_signature: number;
  match_signature: number;
  clue: number;
  clean: Walk;
}

const GUESSES = [
  ["follows", "the token that followed the first time"],
  ["even", "any token, all about equally likely"],
  ["common", "a common word"],
] as const;

class FirstLook extends Panel<Ask, Answer> {
  readonly name = "s01-look";
  readonly heading = "Three steps, in one sequence";
  readonly computation = "steps.walk";

  ask(): Ask {
    return { model: model(), length: 12, seed: this.number("seed", 7), at: 4 };
  }

  override controls(): TemplateResult {
    return html`<button type="button" @click=${() => this.put({ seed: this.number("seed", 7) + 1 })}>Another sequence</button>
      <span class="quiet">seed ${this.number("seed", 7)}</span>`;
  }

  predict(): TemplateResult {
    return html`<p>
        Twelve random tokens, then the same twelve again. No sentence, nothing to remember from training. At the fifth token
        of the second copy, what does the model expect next?
      </p>
      <fieldset>
        <legend class="sr">What does it expect?</legend>
        ${GUESSES.map(([key, text]) => html`<label><input type="radio" name="s01-guess" .checked=${this.prediction === key} @change=${() => this.setPrediction(key)} /> ${text}</label> `)}
      </fieldset>`;
  }

  see(answer: Answer): TemplateResult {
    const { clean, source, query } = answer;
    const text = (at: number): TemplateResult => token(answer.tokens[at] ?? "");
    const guess = GUESSES.find(([key]) => key === this.prediction);
    return html`<p>
        The query is ${text(query)} at position ${query}; it stood at ${source - 1} before, followed by ${text(source)}. The model gives
        ${text(source)} a probability of <strong data-number="probability">${percent(clean.probability, 1)}</strong>, a loss of
        ${nats(clean.loss)}. ${guess ? html`You expected ${guess[1]}.` : html`<span class="quiet">You made no prediction.</span>`}
      </p>
      <rung-tokens .tokens=${answer.tokens} .marks=${[
        { index: source - 1, label: "A" },
        { index: source, label: "B", role: "copy" },
        { index: query, label: "A again", role: "match" },
      ]} label="The sequence"></rung-tokens>
      <rung-flow label="Route, match and copy in this sequence" .nodes=${[
        { id: "a", label: `A at ${source - 1}`, column: 0 },
        { id: "b", label: `B at ${source}`, column: 1, role: "route", value: `${answer.route} looks back ${percent(clean.route_attention)}`, fill: clean.route_attention, key: `head:${answer.route}` },
        { id: "q", label: `A at ${query}`, column: 2, role: "match", value: `${answer.match} finds B ${percent(clean.match_attention)}`, fill: clean.match_attention, key: `head:${answer.match}` },
        { id: "o", label: "says B", column: 3, role: "copy", value: `${num(clean.copy_logit, 1)} logits, ${percent(clean.probability)}`, fill: clean.probability },
      ]} .edges=${[
        { from: "a", to: "b", role: "route", label: "route" },
        { from: "b", to: "q", role: "match", label: "match" },
        { from: "q", to: "o", role: "copy", label: "copy" },
      ]}></rung-flow>
      <p class="quiet">
        ${answer.route}: previous-token score ${num(answer.route_signature)}; ${answer.match}: induction score ${num(answer.match_signature)}; a clue begins at
        ${num(answer.clue)}.
      </p>`;
  }

  question(): string {
    return "A picture of three arrows is before you. What in it would still be there if the model did something else?";
  }

  explain(answer: Answer): TemplateResult {
    return html`<p>
        The arrows are attention weights and a logit of one sequence. They say where ${word(`head:${answer.route}`, `head ${answer.route}`)} and
        ${word(`head:${answer.match}`, `head ${answer.match}`)} look, and what came out. They don’t say that the model needs these heads, nor that
        the one hears the other. A head may look at B and write nothing.
      </p>
      <p>That is why the page has fourteen sections and not one.</p>`;
  }

  python(ask: Ask): string {
    const head = (label: string): string => `(${label.replace(".", ", ")})`;
    return `from rung import HookedTransformer
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${ask.model}")
task = repeated_tokens(model, period=${ask.length}, sequences=1, seed=${ask.seed})
print(induction_steps(model, task.tokens[0], ${head(this.answer?.route ?? "0.0")}, ${head(this.answer?.match ?? "1.0")}, task.second + ${ask.at}))`;
  }

  cli(ask: Ask): string {
    return `rung heads ${ask.model}`;
  }

  override pin(answer: Answer): Pin {
    return {
      title: `${answer.match} attends to what followed the earlier token`,
      rung: 1,
      value: answer.clean.match_attention,
      unit: "attention, one query",
      n: 1,
      subject: answer.match,
    };
  }
}
customElements.define("rung-s01-look", FirstLook);

class Section01 extends Section {
  readonly number = 1;
  readonly heading = "What this is";

  body(): TemplateResult {
    return html`<p>
        This page teaches two things at once. One is an algorithm that transformers find by themselves: when a token comes back,
        say what followed it the last time. The other is the small set of tools that show how a model does it, and how sure you
        may be.
      </p>
      <p>The algorithm has three steps.</p>
      <ul>
        <li>${route("Route")}: a head writes into B’s place that A came before it.</li>
        <li>${match("Match")}: a later head, at the second A, finds the place that says so.</li>
        <li>${copy("Copy")}: the same head carries B from there to the output.</li>
      </ul>
      <p>The tools form a chain, and each link says more than the one before:</p>
      <p>
        open the model’s internals → attention patterns are <strong>clues</strong> → attribution shows
        <strong>contribution</strong> → intervention shows <strong>causal support</strong> → the weights show the
        <strong>mechanism</strong>.
      </p>
      <p>
        Every figure here is computed while you read, by a real model on this machine. Before each you say what you expect. Your
        prediction stays on the figure, beside what came out.
      </p>
      ${tour("Your first run", [
        { say: html`Say what you expect the model to predict.`, until: "s01-look:predicted" },
        { say: html`Press <strong>Run</strong>.`, until: "s01-look:ran" },
        { say: html`Answer the question in a line of your own, or skip it.`, until: "s01-look:answered" },
      ])}
      <rung-s01-look></rung-s01-look>
      <p>At the end of the page you can:</p>
      <ul>
        <li>say in a sentence what the direct path does, and in another what an attention path does;</li>
        <li>speak of the residual stream as a sum that all components read and write;</li>
        <li>say what Q, K and V each do in a skip-trigram;</li>
        <li>read the two attention signatures, and know what is not one;</li>
        <li>go once round the first loop: cache, hook, direct logit attribution;</li>
        <li>keep what activations show of this input apart from what weights show of the head.</li>
      </ul>
`;
  }
}
customElements.define("rung-section-01", Section01);
