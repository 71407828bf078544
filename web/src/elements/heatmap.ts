// A map of numbers: one tab stop, arrow keys, m for the strongest source of the row, t for the table.
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { cividisRgb, puorRgb } from "../kernel/colour";
import { focus } from "../kernel/focus";
import { num, percent, signed, tokenText } from "../kernel/format";
import { Grid } from "../kernel/array";
import { define } from "../kernel/define";
import { Figure, tableOf } from "./base";

export interface Guide {
  kind: "diagonal" | "row" | "column";
  /** Diagonal: column − row; row and column: the index. */
  offset: number;
  label: string;
  role?: string;
}

export interface Mark {
  row: number;
  col: number;
  label?: string;
  role?: string;
}

const MOST_TABLE = 64;

export class RungHeatmap extends Figure {
  static override properties = {
    grid: { attribute: false },
    rows: { attribute: false },
    cols: { attribute: false },
    scale: {},
    guides: { attribute: false },
    marks: { attribute: false },
    label: {},
    rowName: {},
    colName: {},
    domain: { attribute: false },
    focusKey: { attribute: false },
    size: { type: Number },
    digits: { type: Number },
    causal: { type: Boolean },
    row: { state: true },
    col: { state: true },
    table: { state: true },
  };
  grid: Grid | null = null;
  rows: string[] = [];
  cols: string[] = [];
  /** unit: 0 to 1, cividis. signed: around 0, PuOr. */
  scale: "unit" | "signed" = "unit";
  guides: Guide[] = [];
  marks: Mark[] = [];
  label = "";
  rowName = "row";
  colName = "column";
  /** What the ends of the colours stand for. Unit: 0 to 1 unless given; signed: ± the largest size. */
  domain: [number, number] | null = null;
  focusKey: ((row: number, col: number) => string) | null = null;
  /** Largest side in pixels. */
  size = 420;
  digits = 3;
  /** Cells right of the diagonal cannot be, and are left empty. */
  causal = false;
  row = 0;
  col = 0;
  table = false;
  #active = false;

  private get shape(): [number, number] {
    return [this.grid?.shape[0] ?? 0, this.grid?.shape[1] ?? 0];
  }

  private ends(): [number, number] {
    if (this.domain) return this.domain;
    if (this.scale === "unit" || !this.grid) return [0, 1];
    const most = Math.max(Math.abs(this.grid.max()), Math.abs(this.grid.min())) || 1;
    return [-most, most];
  }

  private value(row: number, col: number): string {
    const found = this.grid!.at(row, col);
    return this.scale === "signed" ? signed(found, this.digits) : num(found, this.digits);
  }

  private name(names: string[], index: number): string {
    return names[index] === undefined ? String(index) : `${tokenText(names[index])}`;
  }

  private readout(): string {
    const { row, col } = this;
    return `${this.rowName} ${row} ${this.rows.length ? this.name(this.rows, row) : ""} → ${this.colName} ${col} ${
      this.cols.length ? this.name(this.cols, col) : ""
    }: ${this.value(row, col)}`;
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("grid")) {
      const [rows, cols] = this.shape;
      this.row = Math.min(this.row, Math.max(rows - 1, 0));
      this.col = Math.min(this.col, Math.max(cols - 1, 0));
    }
  }

  override render(): TemplateResult {
    if (!this.grid) return html`<p class="quiet">Nothing to show yet.</p>`;
    const [low, high] = this.ends();
    const ticks = this.scale === "signed" ? [low, 0, high] : [low, (low + high) / 2, high];
    return html`<div class="heatmap">
      <div
        class="map"
        tabindex="0"
        role="application"
        aria-roledescription="heat map"
        aria-label="${this.label}. Arrow keys move, m goes to the row’s strongest cell, t shows the table."
        @keydown=${this.key}
        @focus=${() => this.active(true)}
        @blur=${() => this.active(false)}
        @pointermove=${this.point}
        @pointerleave=${() => this.active(document.activeElement === this.querySelector(".map"))}
        @click=${this.choose}
      >
        <canvas aria-hidden="true"></canvas>
      </div>
      <p class="readout" aria-live="polite">${this.readout()}</p>
      <div class="scale">
        <span class="ramp ${this.scale}" aria-hidden="true"></span>
        <span class="ticks"
          >${ticks.map((tick) => html`<span>${this.scale === "signed" ? signed(tick) : low === 0 && high === 1 ? percent(tick) : num(tick)}</span>`)}</span
        >
      </div>
      ${this.guides.length
        ? html`<ul class="guides">
            ${this.guides.map((guide, i) => html`<li><span class="dash d${i % 3} ${guide.role ?? ""}" aria-hidden="true"></span>${guide.label}</li>`)}
          </ul>`
        : nothing}
      ${tableOf(
        this.table,
        () => (this.table = !this.table),
        this.label,
        [`${this.rowName} \\ ${this.colName}`, ...this.visible(1).map((c) => `${c} ${this.cols.length ? this.name(this.cols, c) : ""}`)],
        () =>
          this.visible(0).map((r) => [
            `${r} ${this.rows.length ? this.name(this.rows, r) : ""}`,
            ...this.visible(1).map((c) => (this.causal && c > r ? "" : this.value(r, c))),
          ]),
      )}
      ${this.table && Math.max(...this.shape) > MOST_TABLE
        ? html`<p class="quiet">The table shows ${MOST_TABLE} around the chosen cell.</p>`
        : nothing}
    </div>`;
  }

  private visible(axis: 0 | 1): number[] {
    const n = this.shape[axis];
    const at = axis === 0 ? this.row : this.col;
    const start = Math.max(0, Math.min(n - MOST_TABLE, at - MOST_TABLE / 2));
    return Array.from({ length: Math.min(n, MOST_TABLE) }, (_, i) => start + i);
  }

  override updated(): void {
    this.draw();
  }

  private layout(): { cell: number; left: number; top: number; w: number; h: number } {
    const [rows, cols] = this.shape;
    const most = Math.max(80, Math.min(this.size, this.width || this.size));
    const cell = Math.max(1, Math.min(most / Math.max(cols, 1), this.size / Math.max(rows, 1), 40));
    return { cell, left: 0, top: 0, w: cell * cols, h: cell * rows };
  }

  private draw(): void {
    const canvas = this.querySelector("canvas");
    const context = canvas?.getContext("2d");
    if (!canvas || !context || !this.grid) return;
    const [rows, cols] = this.shape;
    const { cell, w, h } = this.layout();
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.ceil(w * ratio);
    canvas.height = Math.ceil(h * ratio);
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
    const css = getComputedStyle(this);
    const colour = (name: string, fallback: string): string => css.getPropertyValue(name).trim() || fallback;
    const [low, high] = this.ends();
    const pixels = new ImageData(Math.max(cols, 1), Math.max(rows, 1));
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        if (this.causal && c > r) continue;
        const x = this.grid.at(r, c);
        const rgb = this.scale === "signed" ? puorRgb(x / Math.max(Math.abs(low), Math.abs(high))) : cividisRgb((x - low) / (high - low || 1));
        pixels.data.set([...rgb, 255], 4 * (r * cols + c));
      }
    }
    const small = document.createElement("canvas");
    small.width = Math.max(cols, 1);
    small.height = Math.max(rows, 1);
    small.getContext("2d")!.putImageData(pixels, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, w, h);
    context.drawImage(small, 0, 0, w, h);
    // A guide runs along both sides of its cells, so that what it points at stays in sight.
    this.guides.forEach((guide, i) => {
      for (const [width, ink] of [[3, colour("--paper", "#fff")], [1.5, colour(guide.role ? `--${guide.role}` : "--guess", "#d55e00")]] as const) {
        context.lineWidth = width;
        context.strokeStyle = ink;
        context.setLineDash(width === 3 ? [] : [[6, 4], [2, 3], [10, 3, 2, 3]][i % 3]!);
        context.beginPath();
        for (const side of [-1, 1]) {
          if (guide.kind === "diagonal") {
            const offset = guide.offset + side;
            const from = Math.max(0, -offset);
            const to = Math.min(rows, cols - offset);
            context.moveTo((from + offset) * cell, from * cell);
            context.lineTo((to + offset) * cell, to * cell);
          } else if (guide.kind === "row") {
            const y = (guide.offset + (side + 1) / 2) * cell;
            context.moveTo(0, y);
            context.lineTo(w, y);
          } else {
            const x = (guide.offset + (side + 1) / 2) * cell;
            context.moveTo(x, 0);
            context.lineTo(x, h);
          }
        }
        context.stroke();
      }
    });
    context.setLineDash([]);
    const box = (row: number, col: number, ink: string, width: number): void => {
      context.lineWidth = width + 2;
      context.strokeStyle = colour("--paper", "#fff");
      context.strokeRect(col * cell, row * cell, cell, cell);
      context.lineWidth = width;
      context.strokeStyle = ink;
      context.strokeRect(col * cell, row * cell, cell, cell);
    };
    for (const mark of this.marks) box(mark.row, mark.col, colour(mark.role ? `--${mark.role}` : "--accent", "#d55e00"), 2);
    if (this.focusKey && focus.current !== null) {
      for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) if (this.focusKey(r, c) === focus.current) box(r, c, colour("--accent", "#06c"), 2);
    }
    if (this.#active) box(this.row, this.col, colour("--ink", "#000"), 2);
  }

  private active(on: boolean): void {
    this.#active = on;
    if (!on && this.focusKey) focus.peek(null);
    this.draw();
  }

  private go(row: number, col: number, fire: boolean): void {
    const [rows, cols] = this.shape;
    this.row = Math.min(Math.max(row, 0), rows - 1);
    this.col = Math.min(Math.max(col, 0), cols - 1);
    this.#active = true;
    if (this.focusKey) focus.peek(this.focusKey(this.row, this.col));
    if (fire) this.dispatchEvent(new CustomEvent("cell", { detail: { row: this.row, col: this.col }, bubbles: true }));
    this.requestUpdate();
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.grid) return;
    const { row, col } = this;
    const [rows, cols] = this.shape;
    const step = event.shiftKey ? 8 : 1;
    const moves: Record<string, [number, number]> = {
      ArrowUp: [row - step, col],
      ArrowDown: [row + step, col],
      ArrowLeft: [row, col - step],
      ArrowRight: [row, col + step],
      Home: [row, 0],
      End: [row, this.causal ? Math.min(row, cols - 1) : cols - 1],
      PageUp: [0, col],
      PageDown: [rows - 1, col],
    };
    const to = moves[event.key];
    if (to) this.go(to[0], to[1], true);
    else if (event.key === "m") this.go(row, this.strongest(row), true);
    else if (event.key === "t") this.table = !this.table;
    else if (event.key === "Enter" || event.key === " ") this.go(row, col, true);
    else return;
    event.preventDefault();
  };

  private strongest(row: number): number {
    const [, cols] = this.shape;
    let best = 0;
    const size = (c: number): number => (this.scale === "signed" ? Math.abs(this.grid!.at(row, c)) : this.grid!.at(row, c));
    for (let c = 1; c < cols; c++) if (!(this.causal && c > row) && size(c) > size(best)) best = c;
    return best;
  }

  private cellOf(event: PointerEvent | MouseEvent): [number, number] | null {
    const canvas = this.querySelector("canvas");
    if (!canvas) return null;
    const box = canvas.getBoundingClientRect();
    const [rows, cols] = this.shape;
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const col = Math.floor(((event.clientX - box.left) / box.width) * cols);
    return row < 0 || col < 0 || row >= rows || col >= cols ? null : [row, col];
  }

  private readonly point = (event: PointerEvent): void => {
    const cell = this.cellOf(event);
    if (cell && (cell[0] !== this.row || cell[1] !== this.col || !this.#active)) this.go(cell[0], cell[1], false);
  };

  private readonly choose = (event: MouseEvent): void => {
    const cell = this.cellOf(event);
    if (cell) this.go(cell[0], cell[1], true);
  };
}
define("rung-heatmap", RungHeatmap);
