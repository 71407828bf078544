// The elements as notebook widgets (anywidget): one ES module with render({ model, el }). A page exported by `.html()`
// holds the same module, and the numbers beside it.
import { html, nothing, render, type TemplateResult } from "lit";
import "./elements";
import type { Bar, Rule } from "./elements/bars";
import type { LadderVerdict, Measurement } from "./elements/ladder";
import { Grid, type ArrayJson } from "./kernel/array";
import css from "./style.css";

interface Attention {
  tokens: string[];
  heads: string[];
  pattern: ArrayJson; // [head, query, key]
}

interface Bars {
  items: Bar[];
  unit: string;
  label: string;
  signed: boolean;
  layout: "rows" | "columns";
  rules: Rule[];
  tokens: boolean;
  notes: string[];
}

interface Ladder {
  measurements: Measurement[];
  verdict: LadderVerdict;
}

export interface Figure {
  kind: "attention" | "bars" | "ladder";
  title: string;
  data: unknown;
}

type Picked = (what: Record<string, unknown>) => void;

/** A figure's template, from its data; `again` draws it anew with another head. */
function drawn(figure: Figure, head: number, again: (head: number) => void, picked: Picked): TemplateResult {
  if (figure.kind === "attention") {
    const found = figure.data as Attention;
    const pattern = Grid.from(found.pattern);
    const grids = found.heads.map((_, i) => pattern.slice(i));
    const names = found.tokens;
    return html`${grids.length > 1
        ? html`<rung-thumbs
            .grids=${grids}
            .labels=${found.heads}
            .selected=${head}
            label="Heads"
            @pick=${(event: CustomEvent<{ index: number }>) => {
              picked({ head: found.heads[event.detail.index] });
              again(event.detail.index);
            }}
          ></rung-thumbs>`
        : nothing}
      <rung-heatmap
        .grid=${grids[head]}
        .rows=${names}
        .cols=${names}
        rowName="query"
        colName="key"
        causal
        label="Attention of head ${found.heads[head]}"
        @cell=${(event: CustomEvent<{ row: number; col: number }>) =>
          picked({ head: found.heads[head], query: event.detail.row, key: event.detail.col })}
      ></rung-heatmap>`;
  }
  if (figure.kind === "bars") {
    const found = figure.data as Bars;
    return html`<rung-bars
        .items=${found.items}
        .rules=${found.rules}
        unit=${found.unit}
        label=${found.label}
        layout=${found.layout}
        ?signed=${found.signed}
        ?tokens=${found.tokens}
        @pick=${(event: CustomEvent<{ index: number }>) => picked({ label: found.items[event.detail.index]?.label })}
      ></rung-bars>
      ${found.notes.map((note) => html`<p class="quiet">${note}</p>`)}`;
  }
  const found = figure.data as Ladder;
  return html`<rung-ladder .measurements=${found.measurements} .verdict=${found.verdict}></rung-ladder>`;
}

/** Whether the page around is dark; null where it leaves that to the system. */
function surrounding(el: Element): "light" | "dark" | null {
  for (let at: Element | null = el; at; at = at.parentElement) {
    const parts = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) ?? [];
    if (parts.length < 3 || parts[3] === 0) continue;
    const [r, g, b] = parts as [number, number, number];
    return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
  return null;
}

/** Shows a figure in `el`, in a shadow root: neither its styles nor those of the notebook reach the other. */
export function show(figure: Figure, el: HTMLElement, picked: Picked = () => undefined): (next: Figure) => void {
  const host = document.createElement("div");
  const around = surrounding(el);
  if (around) host.dataset.theme = around;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  el.append(host);
  const draw = (next: Figure, head: number): void => {
    const again = (other: number): void => draw(next, other);
    render(html`<div class="widget"><p class="widget-title">${next.title}</p>${drawn(next, head, again, picked)}</div>`, root);
  };
  draw(figure, 0);
  return (next) => draw(next, 0);
}

interface Model {
  get(name: "figure"): Figure;
  set(name: "picked", value: object): void;
  save_changes(): void;
  on(event: string, fn: () => void): void;
  off(event: string, fn: () => void): void;
}

export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const update = show(model.get("figure"), el, (what) => {
      model.set("picked", what);
      model.save_changes();
    });
    const changed = (): void => update(model.get("figure"));
    model.on("change:figure", changed);
    return () => {
      model.off("change:figure", changed);
      el.replaceChildren();
    };
  },
};

for (const data of document.querySelectorAll<HTMLScriptElement>('script[type="application/rung+json"]')) {
  const el = document.createElement("div");
  data.after(el);
  show(JSON.parse(data.textContent ?? "") as Figure, el);
}
