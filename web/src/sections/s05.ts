import { html, nothing, type TemplateResult } from "lit";
import { copy, Grid, match, Panel, percent, Section, signed, token, tokenText, tour, word, type ArrayJson, type Pin } from "../kernel";
import "../elements";
import { choices } from "./repeats";

interface Triple {
  destination: number;
  output: number;
  right: boolean;
  text: number | null;
  probability: number;
  edited: number;
  rise: number;
  moved: number;
  deeper: number;
}
interface Table {
  cases: string[];
  heads: string[];
  head: string;
  source: string;
  destinations: string[];
  outputs: string[];
  prompts: string[];
  attention: ArrayJson;
  logits: ArrayJson;
  product: ArrayJson;
  pattern: number[];
  triples: Triple[];
  deeper: string;
}
interface TableAsk {
  case: number;
  head: string;
  qk: number[];
  ov: number[];
}

class TablePanel extends Panel<TableAsk, Table> {
  readonly name = "s05-tables";
  readonly heading = "Raise only the right pairs";
  readonly computation = "trigrams.table";

  ask(): TableAsk {
    return { case: this.number("case", 0), head: this.value("head"), qk: [this.number("qk0", 0), this.number("qk1", 0)], ov: [this.number("ov0", 0), this.number("ov1", 0)] };
  }

  predict(): TemplateResult {
    return html`<p>Two right triples share their source. You may add to the head's QK entries and to its OV entries. Can you raise both right triples and leave both wrong ones as they are?</p>
      ${choices("Can it be done?", [["yes", "yes"], ["no", "no"]], this.prediction, (value) => this.setPrediction(value))}`;
  }

  #slider(key: string, label: unknown, heading: string): TemplateResult {
    return html`<label
      ><span>${heading} ${label}</span>
      <input
        type="range"
        min="-4"
        max="4"
        step="0.5"
        data-edit=${key}
        .value=${String(this.number(key, 0))}
        @change=${(event: Event) => {
          this.put({ [key]: Number((event.target as HTMLInputElement).value) || null });
          this.act("edited");
        }}
      />
      <output>${signed(this.number(key, 0), 1)}</output></label
    >`;
  }

  override controls(): TemplateResult {
    const found = this.answer;
    const name = (list: string[] | undefined, i: number, fallback: string): unknown => (list ? token(list[i]!) : fallback);
    const source = found ? token(found.source) : "source";
    return html`${found
        ? html`<label
            >Source and its bug
            <select style="max-width: min(100%, 18rem)"
              @change=${(event: Event) => {
                this.put({ case: (event.target as HTMLSelectElement).value, qk0: null, qk1: null, ov0: null, ov1: null, head: null });
              }}
            >
              ${found.cases.map((one, i) => html`<option value=${i} ?selected=${i === this.number("case", 0)}>${one}</option>`)}
            </select></label
          >`
        : nothing}
      ${[0, 1].map((i) => this.#slider(`qk${i}`, html`${name(found?.destinations, i, `destination ${i + 1}`)} looks at ${source}`, "QK:"))}
      ${[0, 1].map((i) => this.#slider(`ov${i}`, html`${source} raises ${name(found?.outputs, i, `output ${i + 1}`)}`, "OV:"))}
      <button type="button" data-act="reset" @click=${() => this.put({ qk0: null, qk1: null, ov0: null, ov1: null })}>Undo the edits</button>`;
  }

  see(answer: Table, which: "now" | "beside"): TemplateResult {
    const product = Grid.from(answer.product);
    const label = (one: Triple): string => `${answer.destinations[one.destination]} →${answer.outputs[one.output]}`;
    const ask = which === "now" ? this.answered : this.besideAsk;
    const edited = [...(ask?.qk ?? []), ...(ask?.ov ?? [])].some((by) => by !== 0);
    const wrong = answer.triples.filter((one) => !one.right);
    const right = answer.triples.filter((one) => one.right);
    const done = edited && right.every((one) => one.rise > 0.05);
    const clean = wrong.every((one) => one.rise < 0.05);
    return html`<p>Head ${word(`head:${answer.head}`, answer.head)}, source ${token(answer.source)}: one column of its ${match("QK")} table, one row of its ${copy("OV")} table, and their product. The right triples lie on the diagonal, the wrong ones off it.</p>
      <rung-heatmap
        label="QK times OV: destination by output"
        scale="signed"
        .grid=${product}
        .rows=${answer.destinations}
        .cols=${answer.outputs}
        rowName="destination"
        colName="output"
        .digits=${2}
        .size=${220}
        .marks=${answer.triples.map((one) => ({ row: one.destination, col: one.output, label: one.right ? "✓" : "✗" }))}
        .focusKey=${(r: number, c: number) => `s05:${r === c ? "right" : "wrong"}`}
      ></rung-heatmap>
      <div class="runs two">
        <div>
          <rung-bars label="QK: how much each destination looks at the source" unit="score less its mean" .signed=${true} .items=${answer.destinations.map((one, i) => ({ label: tokenText(one), value: Grid.from(answer.attention).at(i), role: "match", note: ` attention here ${percent(answer.pattern[i]!)}` }))}></rung-bars>
        </div>
        <div>
          <rung-bars label="OV: how much the source raises each output" unit="logit less its mean" .signed=${true} .items=${answer.outputs.map((one, i) => ({ label: tokenText(one), value: Grid.from(answer.logits).at(i), role: "copy" }))}></rung-bars>
        </div>
      </div>
      <rung-bars
        label="What your edits raise"
        unit="rise of the output's logit"
        .signed=${true}
        .items=${answer.triples.map((one) => ({ label: `${one.right ? "✓" : "✗"} ${label(one)}`, value: one.rise, group: one.right ? "right" : "wrong", key: `s05:${one.right ? "right" : "wrong"}` }))}
      ></rung-bars>
      <table class="numbers">
        <caption>
          Probabilities
        </caption>
        <thead>
          <tr><th scope="col">triple</th><th scope="col">in its text</th><th scope="col">one layer</th><th scope="col">with your edits</th><th scope="col">${answer.deeper}</th></tr>
        </thead>
        <tbody>
          ${answer.triples.map(
            (one) => html`<tr data-triple="${one.destination}${one.output}">
              <th scope="row">${one.right ? "✓" : "✗"} ${token(answer.prompts[one.destination]!)} → ${token(answer.outputs[one.output]!)}</th>
              <td>${one.text === null ? "not listed" : percent(one.text, 1)}</td>
              <td data-number="one">${percent(one.probability, 1)}</td>
              <td data-number="edited">${percent(one.edited, 1)}</td>
              <td data-number="deeper">${percent(one.deeper, 2)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p class="facts" role="status" data-number="outcome">
        ${!edited ? "No edits yet." : done && clean ? "Both right triples rose, and no wrong one." : done ? `Both right triples rose, and with them ${wrong.filter((one) => one.rise >= 0.05).map(label).join(" and ")}.` : "Not both right triples rose yet."}
      </p>`;
  }

  question(): string {
    return "Each slider moves a whole row or a whole column. Which of the four triples does none of them move alone?";
  }

  explain(answer: Table): TemplateResult {
    const of = (d: number, o: number): Triple => answer.triples.find((one) => one.destination === d && one.output === o)!;
    const bug = of(1, 0);
    return html`<p>
        None of them moves one triple alone. The grid is a product of one column and one row: a destination that looks at ${token(answer.source)} gets <em>all</em> that the source raises. ${this.prediction === "no" ? "You saw it coming." : nothing} Raise both
        ${word("s05:right", "right triples")}, and the ${word("s05:wrong", "wrong ones")} rise.
      </p>
      <p>
        This model really has the bug. ${bug.text === null ? nothing : html`In its text ${token(answer.prompts[1]!)} is followed by ${token(answer.outputs[0]!)} in ${percent(bug.text, 1)} of cases; the model gives it ${percent(bug.probability, 1)}.`} Its head
        ${answer.head} moves ${signed(bug.moved)} of logit there.
      </p>
      <p>
        Now add a layer. ${answer.deeper} gives ${token(answer.outputs[0]!)} ${percent(of(1, 0).deeper, 2)} after ${token(answer.prompts[1]!)}, and ${percent(of(1, 1).deeper, 2)} to the right one. A later layer can first have the destination marked by what stands before it, and then ask.
        It is another model, trained on other things as well: that is a comparison, not a proof.
      </p>`;
  }

  python(ask: TableAsk): string {
    const found = this.answer;
    const square = found ?? { source: " at", destinations: [" same", " early"], outputs: [" time", " period"], prompts: [" at the same", " at an early"], head: "0.0" };
    const edits = [
      ...ask.qk.map((by, i) => (by ? `TableEdit("QK", token("${square.destinations[i]}"), token("${square.source}"), ${by.toFixed(1)})` : "")),
      ...ask.ov.map((by, i) => (by ? `TableEdit("OV", token("${square.source}"), token("${square.outputs[i]}"), ${by.toFixed(1)})` : "")),
    ].filter(Boolean);
    return `from rung import HookedTransformer
from rung.methods.skip_trigrams import TableEdit, edited_logits, source_table

model = HookedTransformer.from_pretrained("one-layer")
token = model.to_single_token
source_table(model, (0, ${square.head.split(".")[1]}), token("${square.source}"), [token("${square.destinations.join('"), token("')}")], [token("${square.outputs.join('"), token("')}")]).product
edits = [${edits.join(", ")}]
edited_logits(model, model.to_tokens("${square.prompts[0]}"), (0, ${square.head.split(".")[1]}), edits)[0, -1].softmax(-1)`;
  }

  cli(): string {
    return "rung weights one-layer";
  }

  override pin(answer: Table): Pin {
    const bug = answer.triples.find((one) => one.destination === 1 && one.output === 0)!;
    return { title: `one-layer's bug:${answer.prompts[1]} →${answer.outputs[0]}, through head ${answer.head}`, rung: 2, value: bug.moved, unit: "logit", n: 1, subject: answer.head };
  }
}
customElements.define("rung-s05-tables", TablePanel);

class Section05 extends Section {
  readonly number = 5;
  readonly heading = "Skip-trigrams";

  body(): TemplateResult {
    return html`<p>
        <em>We went home, and the next day we went …</em> The second <em>went</em> calls for what followed the first. Three jobs: ${match("Q asks, K marks")} (where is the earlier one?), and ${copy("V carries")} what stands there.
      </p>
      <p>One layer does less: <em>source … destination → output</em>. The destination looks at a source, and the source raises an output, whoever looks at it.</p>
      <p>
        Hence the bug. Take <em>keep … in mind</em> and <em>keep … at bay</em>. To raise <em>mind</em> after <em>in</em>, <em>in</em> must look at <em>keep</em>, and <em>keep</em> must raise <em>mind</em>. Do the same for <em>at</em> and <em>bay</em>, and
        <em>keep … in bay</em> and <em>keep … at mind</em> are up as well. That is the story; the ${word("s05:wrong", "wrong triples")} below are this model's own.
      </p>
      <div class="wide">
        <table class="numbers">
          <caption>
            Two tables of one head
          </caption>
          <thead><tr><th scope="col">part</th><th scope="col">decides</th><th scope="col">does not see</th></tr></thead>
          <tbody>
            <tr><th scope="row">${match("QK")}</th><td>which source a destination looks at</td><td>what will be moved</td></tr>
            <tr><th scope="row">${copy("OV")}</th><td>what is moved from a source</td><td>who asked for it</td></tr>
            <tr><th scope="row">one layer</th><td>all heads read the same input</td><td>nobody waits for anybody</td></tr>
          </tbody>
        </table>
      </div>
      ${tour("Catch the bug", [
        { say: html`Say whether it can be done, and run the panel.`, until: "s05-tables:ran" },
        { say: html`Move a QK or an OV slider until both ${word("s05:right", "right triples")} rise.`, until: "s05-tables:edited" },
        { say: html`Look at the wrong ones. Keep this run beside, undo, and try another way.`, until: "s05-tables:kept" },
      ])}
      <rung-s05-tables></rung-s05-tables>`;
  }
}
customElements.define("rung-section-05", Section05);
