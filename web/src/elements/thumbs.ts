// Thumbnails of heads, each with its score. Choosing one fires "pick".
import { html, type TemplateResult } from "lit";
import { Grid } from "../kernel/array";
import { cividisRgb } from "../kernel/colour";
import { focus } from "../kernel/focus";
import { define } from "../kernel/define";
import { Figure } from "./base";

export class RungThumbs extends Figure {
  static override properties = {
    grids: { attribute: false },
    labels: { attribute: false },
    scores: { attribute: false },
    keys: { attribute: false },
    selected: { type: Number },
    label: {},
  };
  grids: Grid[] = [];
  labels: string[] = [];
  /** What stands under each: its score, its floor. */
  scores: (string | TemplateResult)[] = [];
  keys: string[] = [];
  selected: number | null = null;
  label = "Heads";

  override render(): TemplateResult {
    return html`<ul class="thumbs" aria-label=${this.label}>
      ${this.grids.map((_, i) => {
        const key = this.keys[i];
        return html`<li>
          <button
            type="button"
            class="thumb ${key !== undefined && focus.current === key ? "lit" : ""}"
            aria-pressed=${i === this.selected ? "true" : "false"}
            @click=${() => this.dispatchEvent(new CustomEvent("pick", { detail: { index: i }, bubbles: true }))}
            @pointerenter=${() => key && focus.peek(key)}
            @pointerleave=${() => key && focus.peek(null)}
          >
            <canvas aria-hidden="true"></canvas>
            <span class="thumb-label">${this.labels[i] ?? i}</span>
            <span class="thumb-score">${this.scores[i] ?? ""}</span>
          </button>
        </li>`;
      })}
    </ul>`;
  }

  override updated(): void {
    const canvases = this.querySelectorAll("canvas");
    this.grids.forEach((grid, i) => paint(canvases[i]!, grid));
  }
}

function paint(canvas: HTMLCanvasElement, grid: Grid): void {
  const [rows, cols] = [grid.shape[0]!, grid.shape[1]!];
  canvas.width = cols;
  canvas.height = rows;
  const pixels = new ImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) pixels.data.set([...cividisRgb(grid.data[i]!), 255], 4 * i);
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
}
define("rung-thumbs", RungThumbs);
