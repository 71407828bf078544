// Cividis for 0 to 1, PuOr for signed values, Okabe–Ito for categories; route, match and copy have one colour each.
import { html, type TemplateResult } from "lit";

export type Rgb = readonly [number, number, number];

// Anchors of the published maps, interpolated linearly: cividis (Nuñez, Anderton & Renslow 2018), PuOr (ColorBrewer).
const CIVIDIS: Rgb[] = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56],
]; // prettier-ignore
const PUOR: Rgb[] = [
  [45, 0, 75], [84, 39, 136], [128, 115, 172], [178, 171, 210], [216, 218, 235], [247, 247, 247],
  [254, 224, 182], [253, 184, 99], [224, 130, 20], [179, 88, 6], [127, 59, 8],
]; // prettier-ignore

function along(anchors: Rgb[], t: number): Rgb {
  const at = Math.min(Math.max(Number.isNaN(t) ? 0 : t, 0), 1) * (anchors.length - 1);
  const i = Math.min(Math.floor(at), anchors.length - 2);
  const [a, b, f] = [anchors[i]!, anchors[i + 1]!, at - i];
  return [0, 1, 2].map((c) => Math.round(a[c]! + f * (b[c]! - a[c]!))) as unknown as Rgb;
}

export const cividisRgb = (t: number): Rgb => along(CIVIDIS, t);
/** Of −1 (purple) to 1 (orange). */
export const puorRgb = (t: number): Rgb => along(PUOR, (t + 1) / 2);

const hex = (rgb: Rgb): string => `#${rgb.map((c) => c.toString(16).padStart(2, "0")).join("")}`;
export const cividis = (t: number): string => hex(cividisRgb(t));
export const puor = (t: number): string => hex(puorRgb(t));

export const okabeIto = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000"];

export type RoleName = "route" | "match" | "copy";

/** The colour of a role as CSS; of another category its place in a list. */
export const roleColour = (role: string | undefined, index = 0): string =>
  role === "route" || role === "match" || role === "copy" ? `var(--${role})` : `var(--series-${index % 6})`;

const named = (role: RoleName, text: unknown): TemplateResult => html`<span class="role ${role}">${text}</span>`;
/** A word in its role's colour: name the role in the words too. */
export const route = (text: unknown = "route"): TemplateResult => named("route", text);
export const match = (text: unknown = "match"): TemplateResult => named("match", text);
export const copy = (text: unknown = "copy"): TemplateResult => named("copy", text);
