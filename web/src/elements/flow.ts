// A diagram of live values: nodes in columns, edges between them.
import { html, nothing, svg, type TemplateResult } from "lit";
import { focus } from "../kernel/focus";
import { define } from "../kernel/define";
import { Figure, tableOf } from "./base";

export interface FlowNode {
  id: string;
  label: string;
  role?: string;
  /** What is measured there, as text. */
  value?: string;
  /** 0 to 1: how much of the node is filled. */
  fill?: number;
  /** Its place; without one, columns follow the edges. */
  column?: number;
  row?: number;
  key?: string;
}

export interface FlowEdge {
  from: string;
  to: string;
  label?: string;
  value?: string;
  role?: string;
  broken?: boolean;
  /** 0 to 1: how thick. */
  weight?: number;
  key?: string;
}

interface Placed extends FlowNode {
  x: number;
  y: number;
}

const [GAP_X, BOX_H, GAP_Y] = [56, 52, 40];

export class RungFlow extends Figure {
  static override properties = {
    nodes: { attribute: false },
    edges: { attribute: false },
    label: {},
    table: { state: true },
  };
  nodes: FlowNode[] = [];
  edges: FlowEdge[] = [];
  label = "Diagram";
  table = false;

  private columns(): Map<string, number> {
    const at = new Map<string, number>();
    for (const node of this.nodes) at.set(node.id, node.column ?? 0);
    for (let pass = 0; pass < this.nodes.length; pass++) {
      for (const edge of this.edges) {
        const to = this.nodes.find((node) => node.id === edge.to);
        if (!to || to.column !== undefined) continue;
        at.set(edge.to, Math.max(at.get(edge.to) ?? 0, Math.min((at.get(edge.from) ?? 0) + 1, this.nodes.length)));
      }
    }
    return at;
  }

  override render(): TemplateResult {
    const columns = this.columns();
    const n = Math.max(1, ...[...columns.values()].map((c) => c + 1));
    const width = Math.max(this.width || 640, 260);
    // Where the boxes would be too narrow to read, the diagram runs downwards.
    const down = (width - (n - 1) * GAP_X) / n < 92;
    const lanes: FlowNode[][] = Array.from({ length: n }, () => []);
    for (const node of this.nodes) lanes[columns.get(node.id)!]!.push(node);
    for (const lane of lanes) lane.sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
    const across = Math.max(1, ...lanes.map((lane) => lane.length));
    const gap = down ? 10 : GAP_X;
    const box = down ? Math.min(180, (width - (across - 1) * gap) / across) : Math.min(190, (width - (n - 1) * gap) / n);
    const height = (down ? n : across) * (BOX_H + GAP_Y) - GAP_Y + 24;
    const placed = new Map<string, Placed>();
    lanes.forEach((lane, c) =>
      lane.forEach((node, i) => {
        const r = node.row ?? i + (across - lane.length) / 2;
        const x = down ? (width - lane.length * (box + gap) + gap) / 2 + i * (box + gap) : n === 1 ? (width - box) / 2 : (c * (width - box)) / (n - 1);
        placed.set(node.id, { ...node, x, y: 12 + (down ? c : r) * (BOX_H + GAP_Y) });
      }),
    );
    return html`<figure class="flow">
      <svg width=${width} height=${height} role="img" aria-label=${this.label}>
        <defs>
          ${["ink", "route", "match", "copy"].map(
            (role) => svg`<marker id="tip-${role}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="var(--${role})"></path></marker>`,
          )}
        </defs>
        ${this.edges.map((edge) => this.edge(edge, placed, box, down))} ${[...placed.values()].map((node) => this.node(node, box))}
      </svg>
      ${tableOf(this.table, () => (this.table = !this.table), this.label, ["from", "to", "what", "value"], () => [
        ...this.nodes.filter((node) => node.value !== undefined).map((node) => [node.label, "", node.role ?? "", node.value!]),
        ...this.edges.map((edge) => [
          placed.get(edge.from)?.label ?? edge.from,
          placed.get(edge.to)?.label ?? edge.to,
          `${edge.label ?? ""}${edge.broken ? " (broken)" : ""}`,
          edge.value ?? "",
        ]),
      ])}
    </figure>`;
  }

  private edge(edge: FlowEdge, placed: Map<string, Placed>, box: number, down: boolean): TemplateResult | typeof nothing {
    const [a, b] = [placed.get(edge.from), placed.get(edge.to)];
    if (!a || !b) return nothing;
    const [x1, y1] = down ? [a.x + box / 2, a.y + BOX_H] : [a.x + box, a.y + BOX_H / 2];
    const [x2, y2] = down ? [b.x + box / 2, b.y - 2] : [b.x - 2, b.y + BOX_H / 2];
    const bend = down ? `M${x1} ${y1}C${x1} ${y1 + 20} ${x2} ${y2 - 20} ${x2} ${y2}` : `M${x1} ${y1}C${x1 + 28} ${y1} ${x2 - 28} ${y2} ${x2} ${y2}`;
    const role = edge.role === "route" || edge.role === "match" || edge.role === "copy" ? edge.role : "ink";
    const lit = edge.key !== undefined && focus.current === edge.key;
    const text = [edge.label, edge.value].filter(Boolean).join(" ");
    return svg`<g class="edge ${edge.broken ? "broken" : ""} ${lit ? "lit" : ""}">
      <path d=${bend} fill="none" stroke="var(--${role})" stroke-width=${1.5 + 3 * (edge.weight ?? 0)} stroke-dasharray=${edge.broken ? "3 5" : "none"} marker-end="url(#tip-${role})"></path>
      ${edge.broken ? svg`<path d="M${(x1 + x2) / 2 - 6} ${(y1 + y2) / 2 - 6}l12 12m0 -12l-12 12" class="cross"></path>` : nothing}
      ${text ? svg`<text x=${(x1 + x2) / 2 + (down ? 8 : 0)} y=${(y1 + y2) / 2 - (down ? -4 : 8)} text-anchor=${down ? "start" : "middle"} class="edge-text halo">${text}</text>` : nothing}
    </g>`;
  }

  private node(node: Placed, box: number): TemplateResult {
    const lit = node.key !== undefined && focus.current === node.key;
    const role = node.role === "route" || node.role === "match" || node.role === "copy" ? node.role : "";
    const fill = Math.min(Math.max(node.fill ?? 0, 0), 1);
    return svg`<g class="node ${role} ${lit ? "lit" : ""} ${node.key ? "press" : ""}" @click=${() => node.key && focus.set(lit ? null : node.key)}
        @pointerenter=${() => node.key && focus.peek(node.key)} @pointerleave=${() => node.key && focus.peek(null)}>
      <rect x=${node.x} y=${node.y} width=${box} height=${BOX_H} rx="8" class="box"></rect>
      ${fill > 0 ? svg`<rect x=${node.x} y=${node.y + BOX_H - 5} width=${box * fill} height="5" rx="2" class="level"></rect>` : nothing}
      <text x=${node.x + box / 2} y=${node.y + (node.value === undefined ? 31 : 22)} text-anchor="middle" class="node-label">${node.label}</text>
      ${node.value === undefined ? nothing : svg`<text x=${node.x + box / 2} y=${node.y + 40} text-anchor="middle" class="node-value">${node.value}</text>`}
    </g>` as TemplateResult;
  }
}
define("rung-flow", RungFlow);
