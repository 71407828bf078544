// The sections of the page, in order.
import { html, type TemplateResult } from "lit";
import "./s01";
import "./s02";
import "./s03";
import "./s04";
import "./s05";
import "./s06";
import "./s07";
import "./s08";
import "./s09";
import "./s10";
import "./s11";
import "./s12";
import "./s13";
import "./s14";
import "./workbench";
import "./record";

export interface Entry {
  number: number;
  title: string;
  show: () => TemplateResult;
}

export const sections: Entry[] = [
  { number: 1, title: "What this is", show: () => html`<rung-section-01></rung-section-01>` },
  { number: 2, title: "Concrete access", show: () => html`<rung-section-02></rung-section-02>` },
  { number: 3, title: "Direct path, attention path", show: () => html`<rung-section-03></rung-section-03>` },
  { number: 4, title: "The residual stream", show: () => html`<rung-section-04></rung-section-04>` },
  { number: 5, title: "Skip-trigrams", show: () => html`<rung-section-05></rung-section-05>` },
  { number: 6, title: "The board", show: () => html`<rung-section-06></rung-section-06>` },
  { number: 7, title: "Signatures", show: () => html`<rung-section-07></rung-section-07>` },
  { number: 8, title: "Cache, hook, measure", show: () => html`<rung-section-08></rung-section-08>` },
  { number: 9, title: "Attribution", show: () => html`<rung-section-09></rung-section-09>` },
  { number: 10, title: "Route, match, copy", show: () => html`<rung-section-10></rung-section-10>` },
  { number: 11, title: "Weights", show: () => html`<rung-section-11></rung-section-11>` },
  { number: 12, title: "The ladder", show: () => html`<rung-section-12></rung-section-12>` },
  { number: 13, title: "Five checks", show: () => html`<rung-section-13></rung-section-13>` },
  { number: 14, title: "Notebook moves", show: () => html`<rung-section-14></rung-section-14>` },
];
