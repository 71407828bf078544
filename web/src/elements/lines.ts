// Lines over a number: training steps, positions, doses.
import { scaleLinear, scaleSymlog } from "d3-scale";
import { html, nothing, svg, type TemplateResult } from "lit";
import { roleColour } from "../kernel/colour";
import { num } from "../kernel/format";
import { define } from "../kernel/define";
import { Figure, tableOf } from "./base";

export interface Series {
  label: string;
  points: [number, number][];
  role?: string;
  dashed?: boolean;
  /** Drawn as the reader's own. */
  predicted?: boolean;
}

const DASHES = ["", "6 3", "2 3", "10 3 2 3", "4 4", "1 4"];

export class RungLines extends Figure {
  static override properties = {
    series: { attribute: false },
    x: {},
    y: {},
    label: {},
    rules: { attribute: false },
    domain: { attribute: false },
    xDomain: { attribute: false },
    log: { type: Boolean },
    height: { type: Number },
    cursor: { type: Number },
    table: { state: true },
  };
  series: Series[] = [];
  x = "";
  y = "";
  label = "";
  rules: { y: number; label: string }[] = [];
  domain: [number, number] | null = null;
  xDomain: [number, number] | null = null;
  /** A logarithmic x that holds 0. */
  log = false;
  height = 240;
  /** Where a vertical line stands: the checkpoint that is shown, say. */
  cursor: number | null = null;
  table = false;

  override render(): TemplateResult {
    const width = Math.max(this.width || 600, 200);
    const { height } = this;
    const points = this.series.flatMap((one) => one.points).filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
    const xs = points.map(([a]) => a);
    const ys = [...points.map(([, b]) => b), ...this.rules.map((rule) => rule.y)];
    const [left, right, top, bottom] = [48, 12, 12, 38];
    const xEnds = this.xDomain ?? (xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1]);
    const yEnds = this.domain ?? (ys.length ? [Math.min(0, ...ys), Math.max(...ys)] : [0, 1]);
    const x = (this.log ? scaleSymlog() : scaleLinear()).domain(xEnds).range([left, width - right]);
    const y = scaleLinear().domain(yEnds).range([height - bottom, top]).nice();
    const count = width < 420 ? 4 : 6;
    const path = (one: Series): string =>
      one.points
        .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b))
        .map(([a, b], i) => `${i ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`)
        .join("");
    const dash = (one: Series, i: number): string => (one.predicted ? "2 4" : one.dashed ? "6 3" : one.role ? "" : DASHES[i % 6]!);
    return html`<figure class="lines">
      <svg width=${width} height=${height} role="img" aria-label="${this.label || `${this.y} by ${this.x}`}">
        ${y.ticks(5).map((tick) => svg`<line x1=${left} x2=${width - right} y1=${y(tick)} y2=${y(tick)} class="grid"></line><text x=${left - 6} y=${y(tick) + 4} class="tick" text-anchor="end">${tick}</text>`)}
        ${(this.log ? logTicks(xEnds, count) : x.ticks(count)).map((tick) => svg`<text x=${x(tick)} y=${height - bottom + 16} class="tick" text-anchor="middle">${tick}</text>`)}
        <text x=${(left + width - right) / 2} y=${height - 4} class="axis" text-anchor="middle">${this.x}</text>
        <text x="12" y=${(top + height - bottom) / 2} class="axis" text-anchor="middle" transform="rotate(-90 12 ${(top + height - bottom) / 2})">${this.y}</text>
        ${this.rules.map((rule) => svg`<line x1=${left} x2=${width - right} y1=${y(rule.y)} y2=${y(rule.y)} class="rule"></line><text x=${width - right} y=${y(rule.y) - 4} class="tick halo" text-anchor="end">${rule.label} ${num(rule.y)}</text>`)}
        ${this.cursor === null ? nothing : svg`<line x1=${x(this.cursor)} x2=${x(this.cursor)} y1=${top} y2=${height - bottom} class="cursor"></line>`}
        ${this.series.map((one, i) => svg`<path d=${path(one)} fill="none" stroke=${one.predicted ? "var(--guess)" : roleColour(one.role, i)} stroke-width="2" stroke-dasharray=${dash(one, i)} stroke-linejoin="round"></path>
          ${one.points.length === 1 ? svg`<circle cx=${x(one.points[0]![0])} cy=${y(one.points[0]![1])} r="3" fill=${roleColour(one.role, i)}></circle>` : nothing}`)}
      </svg>
      <ul class="legend">
        ${this.series.map((one, i) => html`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" fill="none" stroke=${one.predicted ? "var(--guess)" : roleColour(one.role, i)} stroke-width="2.5" stroke-dasharray=${dash(one, i)}></path></svg>${one.label}${one.role ? html` <span class="role-tag ${one.role}">${one.role}</span>` : nothing}${one.points.length ? html` <span class="quiet">${num(one.points.at(-1)![1])}</span>` : nothing}</li>`)}
      </ul>
      ${tableOf(this.table, () => (this.table = !this.table), this.label || `${this.y} by ${this.x}`, [this.x || "x", ...this.series.map((one) => one.label)], () => {
        const all = [...new Set(xs)].sort((a, b) => a - b);
        const maps = this.series.map((one) => new Map(one.points));
        return all.map((at) => [num(at, Number.isInteger(at) ? 0 : 2), ...maps.map((map) => (map.has(at) ? num(map.get(at)!, 3) : ""))]);
      })}
    </figure>`;
  }
}

function logTicks([low, high]: number[], count: number): number[] {
  const found = low! <= 0 ? [0] : [];
  for (let power = 1; power <= high!; power *= 10) if (power >= low!) found.push(power);
  return found.length > count ? found.filter((_, i) => i % 2 === 0) : found;
}

define("rung-lines", RungLines);
