// The frame of every panel: predict → run → see, the prediction beside the truth → one line asked about the gap →
// the explanation → the same step as Python, as CLI, pinned, enlarged, beside another run.
import { html, LitElement, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import { acts } from "./acts";
import { drawer, type Pin } from "./drawer";
import { focus } from "./focus";
import { precomputed } from "./precomputed";
import { isAbort, LabError, run, type Progress } from "./run";
import { state } from "./state";

export type { Pin } from "./drawer";

/** The model that the page is about. */
export const model = (): string => state.get("model", "two-layer");

const SLOW_MS = 400;
const SETTLE_MS = 150;

interface Kept {
  prediction?: unknown;
  gap?: string;
  explained?: boolean;
}

export abstract class Panel<Ask extends object, Answer> extends LitElement {
  /** DOM id, key of its requests, and prefix of its keys in the URL. */
  abstract readonly name: string;
  abstract readonly heading: string;
  abstract readonly computation: string;
  /** Whether a change of the settings runs it again, once it was run. A long computation says false. */
  readonly live: boolean = true;

  /** The request, from `state`; a string says what is missing. */
  abstract ask(): Ask | string;
  abstract predict(): TemplateResult;
  abstract see(answer: Answer, which: "now" | "beside"): TemplateResult;
  abstract question(answer: Answer): string;
  abstract explain(answer: Answer): TemplateResult;
  abstract python(ask: Ask): string;
  abstract cli(ask: Ask): string | null;

  controls(): TemplateResult | typeof nothing {
    return nothing;
  }

  pin(_answer: Answer, _ask: Ask): Pin | null {
    return null;
  }

  /** A run in a few words, for its caption. */
  describe(ask: Ask): string {
    return Object.entries(ask)
      .filter(([, value]) => value !== null && value !== undefined && typeof value !== "object" && value !== "")
      .map(([key, value]) => (key === "model" ? String(value) : `${key.replace(/_/g, " ")} ${String(value).slice(0, 40)}`))
      .join(" · ");
  }

  prediction: unknown = null;
  answer: Answer | null = null;
  beside: Answer | null = null;

  #answered: Ask | null = null;
  #kept: { ask: Ask; answer: Answer } | null = null;
  #turn = 0;
  #control: AbortController | null = null;
  #busy = false;
  #slow = false;
  #progress: Progress | null = null;
  #problem: string | null = null;
  #beforehand = false;
  #said = "";
  #gap = "";
  #explained = false;
  #code: "python" | "cli" | null = null;
  #leave: (() => void)[] = [];
  #watch: IntersectionObserver | null = null;
  #visible = true;
  #due = false;
  #settle = 0;

  static override properties: PropertyDeclarations = {
    prediction: { attribute: false },
    answer: { attribute: false },
    beside: { attribute: false },
  };

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.id = this.name;
    this.classList.add("panel");
    this.#restore();
    this.#leave = [
      state.subscribe(() => this.#changed()),
      focus.subscribe(() => this.requestUpdate()),
      drawer.subscribe(() => this.requestUpdate()),
    ];
    this.#watch = new IntersectionObserver((entries) => {
      this.#visible = entries.some((entry) => entry.isIntersecting);
      if (this.#visible && this.#due) this.#changed();
    });
    this.#watch.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const leave of this.#leave) leave();
    this.#watch?.disconnect();
  }

  setPrediction(value: unknown): void {
    this.prediction = value;
    this.#store();
    this.act("predicted");
  }

  act(what: string): void {
    acts.tell(`${this.name}:${what}`);
  }

  /** A value of this panel in the URL, under its own name. */
  value(key: string, fallback = ""): string {
    return state.get(`${this.name}.${key}`, fallback);
  }
  number(key: string, fallback: number): number {
    return state.number(`${this.name}.${key}`, fallback);
  }
  put(values: Record<string, string | number | null>): void {
    state.set(Object.fromEntries(Object.entries(values).map(([key, value]) => [`${this.name}.${key}`, value])));
  }

  /** The request whose answer is shown. */
  get answered(): Ask | null {
    return this.#answered;
  }
  /** The request whose answer was kept beside. */
  get besideAsk(): Ask | null {
    return this.#kept?.ask ?? null;
  }

  async runNow(): Promise<void> {
    const ask = this.ask();
    if (typeof ask === "string") {
      this.#problem = ask;
      this.requestUpdate();
      return;
    }
    window.clearTimeout(this.#settle);
    const turn = ++this.#turn;
    const control = (this.#control = new AbortController());
    this.#busy = true;
    this.#slow = false;
    this.#due = false;
    this.#progress = null;
    this.#problem = null;
    this.#said = "";
    this.requestUpdate();
    const slow = window.setTimeout(() => {
      if (turn !== this.#turn) return;
      this.#slow = true;
      this.requestUpdate();
    }, SLOW_MS);
    void precomputed(this.computation, ask).then((found) => {
      if (found === null || turn !== this.#turn || !this.#busy) return;
      this.#show(ask, found as Answer, true);
    });
    try {
      const answer = await run<Answer>(this.computation, ask, {
        panel: this.name,
        signal: control.signal,
        onProgress: (progress) => {
          if (turn !== this.#turn) return;
          this.#progress = progress;
          this.requestUpdate();
        },
      });
      if (turn !== this.#turn) return;
      this.#show(ask, answer, false);
      this.#said = `${this.heading}: done.`;
      this.act("ran");
    } catch (error) {
      if (turn !== this.#turn) return;
      if (isAbort(error) || (error instanceof LabError && error.kind === "cancelled")) {
        this.#said = "Cancelled. Press Run to ask again.";
      } else {
        this.#problem = error instanceof Error ? error.message : String(error);
        if (!(error instanceof LabError)) console.error(error);
      }
    } finally {
      window.clearTimeout(slow);
      if (turn === this.#turn) {
        this.#busy = false;
        this.#slow = false;
        this.#progress = null;
        this.requestUpdate();
      }
    }
  }

  cancel(): void {
    this.#control?.abort();
  }

  #show(ask: Ask, answer: Answer, beforehand: boolean): void {
    this.#answered = ask;
    this.#beforehand = beforehand;
    this.answer = answer;
    this.requestUpdate();
  }

  #stale(): boolean {
    if (this.#answered === null) return false;
    const ask = this.ask();
    return typeof ask === "string" || JSON.stringify(ask) !== JSON.stringify(this.#answered);
  }

  #changed(): void {
    this.requestUpdate();
    if (!this.live || (this.answer === null && !this.#busy)) return;
    if (!this.#stale() && !this.#busy) return;
    if (!this.#visible) {
      this.#due = true;
      return;
    }
    window.clearTimeout(this.#settle);
    this.#settle = window.setTimeout(() => void this.runNow(), SETTLE_MS);
  }

  #restore(): void {
    try {
      const kept = JSON.parse(sessionStorage.getItem(`rung:${this.name}`) ?? "{}") as Kept;
      this.prediction ??= kept.prediction ?? null;
      this.#gap = kept.gap ?? "";
      this.#explained = kept.explained ?? false;
    } catch {
      // nothing was kept
    }
  }

  #store(): void {
    try {
      const kept: Kept = { prediction: this.prediction, gap: this.#gap, explained: this.#explained };
      sessionStorage.setItem(`rung:${this.name}`, JSON.stringify(kept));
    } catch {
      // full or forbidden: it lasts as long as the page
    }
  }

  override render(): TemplateResult {
    return html`<div class="slot">
        <div class="panel-body" role="group" aria-labelledby="${this.name}-heading">${this.#body()}</div>
      </div>
      <dialog aria-labelledby="${this.name}-heading" @close=${() => this.#shrink()}></dialog>`;
  }

  #body(): TemplateResult {
    const { answer } = this;
    const seen = answer !== null && this.#answered !== null;
    return html`<header class="panel-head">
        <h3 id="${this.name}-heading">${this.heading}</h3>
        <button type="button" class="icon" data-act="enlarge" @click=${() => this.#enlarge()}>
          <span class="grow">Enlarge</span><span class="shrink">Close</span>
        </button>
      </header>
      <div class="predict stage"><p class="stage-name">Predict</p>${this.predict()}</div>
      <div class="run stage">
        <div class="controls">${this.controls()}</div>
        <div class="run-row">
          <button type="button" class="primary" data-act="run" @click=${() => void this.runNow()}>
            ${seen ? "Run again" : "Run"}
          </button>
          ${this.#busy && this.#slow ? this.#waiting() : nothing}
          ${!this.#busy && this.#stale() ? html`<span class="quiet">The settings changed since this run.</span>` : nothing}
        </div>
        <p class="status" role="status">${this.#said}</p>
        ${this.#problem !== null
          ? html`<p class="problem" role="alert">${this.#problem}${seen ? " The figure is that of the run before." : ""}</p>`
          : nothing}
      </div>
      ${seen ? this.#seen(answer, this.#answered!) : nothing}`;
  }

  #waiting(): TemplateResult {
    const found = this.#progress;
    const share = found && found.total > 0 ? found.done / found.total : null;
    return html`<span class="waiting">
      <progress aria-label="Progress" max="1" value=${share ?? nothing}></progress>
      <span role="status">${found ? `${found.step}${found.total > 0 ? `: ${found.done} of ${found.total}` : ""}` : `Computing: ${this.heading}`}</span>
      <button type="button" data-act="cancel" @click=${() => this.cancel()}>Cancel</button>
    </span>`;
  }

  #seen(answer: Answer, ask: Ask): TemplateResult {
    const pin = this.#beforehand ? null : this.pin(answer, ask);
    const pinned = pin !== null && drawer.pins.some((one) => one.panel === this.name && one.title === pin.title && JSON.stringify(one.ask) === JSON.stringify(ask));
    return html`<div class="see stage" aria-busy=${this.#busy ? "true" : "false"}>
        ${this.#beforehand
          ? html`<p class="beforehand">Computed beforehand for ${this.describe(ask)}; the live result replaces it.</p>`
          : nothing}
        <div class="runs ${this.#kept ? "two" : ""}">
          <div class="now">
            ${this.#kept ? html`<p class="caption"><strong>Now</strong> ${this.describe(ask)}</p>` : nothing}
            ${this.see(answer, "now")}
          </div>
          ${this.#kept
            ? html`<div class="kept">
                <p class="caption">
                  <strong>Kept</strong> ${this.describe(this.#kept.ask)}
                  <button type="button" class="link" data-act="unkeep" @click=${() => this.#unkeep()}>Remove</button>
                </p>
                ${this.see(this.#kept.answer, "beside")}
              </div>`
            : nothing}
        </div>
      </div>
      <div class="gap stage">
        <p id="${this.name}-question" class="question">${this.question(answer)}</p>
        ${this.#explained
          ? html`${this.#gap ? html`<p class="your-line"><span class="quiet">You:</span> ${this.#gap}</p>` : nothing}`
          : html`<form
              class="gap-form"
              @submit=${(event: Event) => {
                event.preventDefault();
                this.#explain(true);
              }}
            >
              <input
                type="text"
                autocomplete="off"
                aria-labelledby="${this.name}-question"
                placeholder="One line, in your words"
                .value=${this.#gap}
                @input=${(event: Event) => {
                  this.#gap = (event.target as HTMLInputElement).value;
                  this.#store();
                }}
              />
              <button type="submit" data-act="answer">Compare</button>
              <button type="button" class="link" data-act="skip" @click=${() => this.#explain(false)}>Skip</button>
            </form>`}
      </div>
      ${this.#explained ? html`<div class="explain stage">${this.explain(answer)}</div>` : nothing}
      ${this.#foot(answer, ask, pin, pinned)}`;
  }

  #foot(answer: Answer, ask: Ask, pin: Pin | null, pinned: boolean): TemplateResult {
    const cli = this.cli(ask);
    const text = this.#code === "python" ? this.python(ask) : this.#code === "cli" ? cli : null;
    const toggle = (which: "python" | "cli", label: string): TemplateResult =>
      html`<button
        type="button"
        data-act=${which}
        aria-expanded=${this.#code === which ? "true" : "false"}
        @click=${() => {
          this.#code = this.#code === which ? null : which;
          this.requestUpdate();
        }}
      >
        ${label}
      </button>`;
    return html`<footer class="panel-foot">
        ${toggle("python", "As Python")} ${cli === null ? nothing : toggle("cli", "As CLI")}
        <span class="spring"></span>
        <button
          type="button"
          data-act="keep"
          @click=${() => {
            this.#kept = { ask, answer };
            this.beside = answer;
            this.act("kept");
          }}
        >
          Keep beside
        </button>
        ${pin === null
          ? nothing
          : html`<button
              type="button"
              data-act="pin"
              ?disabled=${pinned}
              @click=${() => {
                drawer.add({ ...pin, panel: this.name, computation: this.computation, ask });
                this.#said = `Pinned: ${pin.title}.`;
                this.act("pinned");
              }}
            >
              ${pinned ? "Pinned" : "Pin"}
            </button>`}
      </footer>
      ${text === null ? nothing : html`<div class="code">
            <pre tabindex="0" aria-label=${this.#code === "python" ? "As Python" : "As CLI"}><code>${text}</code></pre>
            <button type="button" data-act="copy" @click=${(event: Event) => void this.#copy(text, event)}>Copy</button>
          </div>`}`;
  }

  #explain(answered: boolean): void {
    if (answered && this.#gap.trim() === "") {
      this.#said = "Write a line first, or press Skip.";
      this.requestUpdate();
      return;
    }
    this.#explained = true;
    this.#store();
    this.act(answered ? "answered" : "skipped");
    this.requestUpdate();
  }

  #unkeep(): void {
    this.#kept = null;
    this.beside = null;
  }

  async #copy(text: string, event: Event): Promise<void> {
    const button = event.currentTarget as HTMLButtonElement;
    try {
      await navigator.clipboard.writeText(text);
      this.#said = "Copied.";
    } catch {
      const code = button.parentElement!.querySelector("code")!;
      getSelection()?.selectAllChildren(code);
      this.#said = "Selected: press Ctrl-C, or Command-C, to copy.";
    }
    this.requestUpdate();
  }

  #enlarge(): void {
    const dialog = this.querySelector<HTMLDialogElement>(":scope > dialog")!;
    const body = this.querySelector<HTMLElement>(":scope .panel-body")!;
    if (dialog.open) {
      dialog.close();
      return;
    }
    dialog.append(body);
    dialog.showModal();
    body.querySelector<HTMLElement>("[data-act=enlarge]")?.focus();
    this.act("enlarged");
  }

  #shrink(): void {
    const body = this.querySelector<HTMLElement>(":scope > dialog > .panel-body");
    if (!body) return;
    this.querySelector(":scope > .slot")!.append(body);
    body.querySelector<HTMLElement>("[data-act=enlarge]")?.focus();
  }
}
