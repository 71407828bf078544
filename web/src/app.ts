// The page: its head, the list of sections, the sections themselves, and the evidence drawer.
import { html, LitElement, nothing, type TemplateResult } from "lit";
import "./style.css";
import "./elements";
import { sections } from "./sections";
import { checkServer, connection, drawer, num, session, startDrawer, state, theme, type Session, type Theme } from "./kernel";
import { RUNGS } from "./elements/ladder";

const BEYOND = [
  ["workbench", "Workbench"],
  ["record", "Record"],
] as const;
const CHECK_MS = 15000;

class RungLab extends LitElement {
  #session: Session | null = null;
  #problem = "";
  #menu = false;
  #open = false;
  #said = "";

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    theme.start();
    const draw = (): void => this.requestUpdate();
    theme.subscribe(draw);
    connection.subscribe(draw);
    drawer.subscribe(draw);
    state.subscribe(draw);
    void this.#start();
    window.setInterval(() => void checkServer(), CHECK_MS);
    window.addEventListener("focus", () => void checkServer());
  }

  async #start(): Promise<void> {
    try {
      this.#session = await session();
      if (!new URLSearchParams(location.search).has("model")) state.set({ model: this.#session.model });
      await startDrawer();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
    await this.updateComplete;
    // The address may name a place that was not there when the browser looked for it.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  override render(): TemplateResult {
    return html`<a class="skip" href="#main">To the lesson</a>
      ${this.#head()} ${this.#contents()}
      <main id="main" tabindex="-1">
        ${connection.status === "ok" ? nothing : html`<p class="problem banner" role="alert">${connection.status === "lost" ? "The lab does not answer. What you set and pinned is kept in this page." : "The lab was restarted. Open the address that it printed last: what you set is in this page’s address, and your pins are kept."}</p>`}
        ${this.#problem ? html`<p class="problem" role="alert">${this.#problem}</p>` : nothing}
        ${this.#session ? html`${sections.map((one) => one.show())}<rung-workbench id="workbench"></rung-workbench><rung-record id="record"></rung-record>` : html`<p class="loading">Loading the lab …</p>`}
      </main>
      ${this.#drawer()}`;
  }

  #head(): TemplateResult {
    const found = this.#session;
    const model = state.get("model", found?.model ?? "");
    return html`<header class="top">
      <button type="button" class="menu-button" aria-expanded=${this.#menu ? "true" : "false"} aria-controls="contents" @click=${() => this.#toggle()}>Contents</button>
      <p class="brand"><strong>Rung</strong> <span class="quiet">see the circuit, then prove it</span></p>
      <label class="model-choice">
        <span class="quiet">Model</span>
        <select @change=${(event: Event) => state.set({ model: (event.target as HTMLSelectElement).value })}>
          ${[...new Set([...(found?.models ?? []), model])].filter(Boolean).map((name) => html`<option value=${name} ?selected=${name === model}>${name}</option>`)}
        </select>
      </label>
      <label class="theme-choice">
        <span class="quiet">Theme</span>
        <select @change=${(event: Event) => theme.set((event.target as HTMLSelectElement).value as Theme)}>
          ${(["system", "light", "dark"] as const).map((name) => html`<option value=${name} ?selected=${name === theme.choice}>${name}</option>`)}
        </select>
      </label>
      <button type="button" class="drawer-button" aria-expanded=${this.#open ? "true" : "false"} aria-controls="drawer" @click=${() => this.#toggleDrawer()}>
        Evidence <span class="count">${drawer.pins.length + (drawer.proof ? 1 : 0)}</span>
      </button>
    </header>`;
  }

  #contents(): TemplateResult {
    const item = (href: string, name: unknown): TemplateResult => html`<li><a href=${href} @click=${() => this.#menu && this.#toggle()}>${name}</a></li>`;
    return html`<nav id="contents" class=${this.#menu ? "contents open" : "contents"} aria-label="Contents">
      <ol>
        ${sections.map((one) => item(`#section-${one.number}`, html`<span class="number">${one.number}</span> ${one.title}`))}
      </ol>
      <ul>
        ${BEYOND.map(([id, name]) => item(`#${id}`, name))}
      </ul>
    </nav>`;
  }

  #toggle(): void {
    this.#menu = !this.#menu;
    this.requestUpdate();
  }

  #toggleDrawer(): void {
    this.#open = !this.#open;
    this.requestUpdate();
  }

  #drawer(): TemplateResult {
    const earlier = this.#open ? drawer.earlier() : [];
    return html`<aside id="drawer" class=${this.#open ? "drawer open" : "drawer"} aria-label="Evidence drawer" ?inert=${!this.#open}>
      <header>
        <h2>Evidence drawer</h2>
        <button type="button" class="icon" @click=${() => this.#toggleDrawer()}>Close</button>
      </header>
      ${drawer.pins.length === 0
        ? html`<p class="quiet">Nothing is pinned yet. Pin a result under its figure, and it is kept here with its request.</p>`
        : html`<ul class="pins">
            ${drawer.pins.map(
              (pin) => html`<li>
                <p><strong>${pin.title}</strong> <span class="quiet">${RUNGS[pin.rung]}</span></p>
                <p>
                  ${num(pin.value)} ${pin.unit}${pin.low !== undefined && pin.high !== undefined ? html` <span class="quiet">[${num(pin.low)}, ${num(pin.high)}]</span>` : nothing}${pin.control !== undefined ? html` <span class="quiet">control ${num(pin.control)}</span>` : nothing}${pin.floor !== undefined ? html` <span class="quiet">floor ${num(pin.floor)}</span>` : nothing}
                </p>
                <p><a href="#${pin.panel}">Where it was seen</a> <button type="button" class="link" aria-label="Remove ${pin.title}" @click=${() => drawer.remove(pin.id)}>Remove</button></p>
              </li>`,
            )}
          </ul>`}
      ${drawer.proof ? html`<p>A proof is kept here: <a href="#record">its record</a>.</p>` : nothing}
      <p class="drawer-row">
        <button type="button" class="primary" @click=${() => void this.#try(() => drawer.download())}>Download</button>
        <label class="file">Open a file <input type="file" accept=".json,application/json" @change=${(event: Event) => void this.#openFile(event)} /></label>
        ${drawer.pins.length || drawer.proof ? html`<button type="button" class="link" @click=${() => drawer.clear()}>Empty it</button>` : nothing}
      </p>
      <p class="quiet">
        <code>rung lab --open FILE</code> shows a downloaded drawer again; <code>rung verify FILE</code> executes the proof in it again.
      </p>
      ${earlier.map(
        (one) => html`<p class="quiet">
          ${one.pins.length} pins of an earlier run.
          <button type="button" class="link" @click=${() => drawer.bringBack(one.key)}>Bring them back</button>
        </p>`,
      )}
      <p class="status" role="status">${this.#said}</p>
    </aside>`;
  }

  async #openFile(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (!file) return;
    await this.#try(async () => drawer.open(await file.text()));
    input.value = "";
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#said = "";
    try {
      await work();
    } catch (error) {
      this.#said = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }
}

customElements.define("rung-lab", RungLab);
