/* Where one types on after an answer: in the first field that is wrong, else where the server marks `autofocus`, on which
   a morphed page does not act by itself.
   A new step begins at the top. <form data-controller="form"><input type="hidden" name="step" data-form-target="step">…</form>
   What is typed into a form with data-form-keep-value="/create/job/" (its address) and data-action="input->form#keep" is kept
   until it is sent, left by data-action="form#leave" or begun anew (form#startOver): a reload brings it back into a form that
   was not answered yet (data-form-fresh-value="true"), and where its tab was closed, the next one offers it
   (<section data-form-target="offer" hidden>… <span data-form-target="when"></span> form#goOn, form#discard</section>).
   It is its writer's alone (data-form-owner-value="acme/alice") and goes when they sign out (drafts.ts). The server draws it
   again, or, with data-form-here-value="true", the fields are filled here and form:restored is told.
   <span data-form-target="kept" hidden><span data-where="browser" hidden>…</span><span data-where="tab" hidden>…</span></span>
   is seen once something is kept, and says where.
   What a look finds wrong, <ul hidden data-form-target="wrong"><li data-field="name">…</li></ul>, is told at the fields one has
   been to, and no more once it is right. */
import { Controller } from "@hotwired/stimulus";
import htmx from "htmx.org";
import { Draft, FORGOTTEN, leadsTo, type Fields, type Kept } from "../drafts";

const SENDS = ["submit", "save"];
const SIGN_IN = "/sign-in/";
const PAUSE = 300;

export default class Form extends Controller<HTMLFormElement> {
  static override targets = ["step", "kept", "offer", "when", "wrong"];
  static override values = { keep: String, fresh: Boolean, owner: String, here: Boolean, done: Boolean };
  declare readonly stepTarget: HTMLInputElement;
  declare readonly hasStepTarget: boolean;
  declare readonly keptTarget: HTMLElement;
  declare readonly hasKeptTarget: boolean;
  declare readonly offerTarget: HTMLElement;
  declare readonly hasOfferTarget: boolean;
  declare readonly whenTarget: HTMLElement;
  declare readonly keepValue: string;
  declare readonly freshValue: boolean;
  declare readonly ownerValue: string;
  declare readonly hereValue: boolean;
  declare readonly doneValue: boolean;
  private step = "";
  private touched = false;
  private readonly visited = new Set<string>();
  private timer = 0;
  private at = "";
  private draft = new Draft("draft");
  private sent: XMLHttpRequest | undefined;
  private arrived = false;
  private signedOut = false;
  private restoring = false;
  private answers = 0;
  private readonly sentAt = new WeakMap<XMLHttpRequest, number>();

  private readonly asked = (event: Event): void => {
    this.sentAt.set(requestOf(event), this.answers);
    if (event.target instanceof Node && this.element.contains(event.target) && SENDS.includes(pressed(event))) this.sent = requestOf(event);
  };

  /** A look (price, summary) that was asked before the whole form was answered is older than what stands there.
      And Chromium (150) crashes when a morph moves a list that an input names. What stays gets its list back. */
  private readonly answering = (event: Event): void => {
    const since = this.sentAt.get(requestOf(event));
    if (since !== undefined && since < this.answers) (event as CustomEvent<{ shouldSwap: boolean }>).detail.shouldSwap = false;
    if (event.target !== document.body) return;
    this.write();
    this.arrived = requestOf(event) === this.sent && this.isDone(this.sent);
    this.answers += 1;
    if (this.restoring) blur();
    this.restoring = false;
    for (const input of this.element.querySelectorAll("input[list]")) input.removeAttribute("list");
  };

  private readonly answered = (event: Event): void => {
    if (event.target !== document.body) return;
    if (this.arrived) this.leave();
    this.arrived = false;
    this.signedOut = false;
    if (this.at !== this.keepValue) this.begin(); // a morph made another form of it
    if (this.doneValue) this.leave();
    else if (this.touched) this.keepNow();
    this.settle();
  };

  private readonly forgotten = (): void => {
    this.leave();
    if (this.hasOfferTarget) this.offerTarget.hidden = true;
    this.signedOut = true;
  };

  override connect(): void {
    this.step = this.currentStep;
    this.begin();
    window.addEventListener("pagehide", this.write);
    document.addEventListener("htmx:beforeSend", this.asked);
    document.addEventListener("htmx:beforeSwap", this.answering);
    document.addEventListener("htmx:afterSettle", this.answered);
    document.addEventListener(FORGOTTEN, this.forgotten);
  }

  override disconnect(): void {
    window.removeEventListener("pagehide", this.write);
    document.removeEventListener("htmx:beforeSend", this.asked);
    document.removeEventListener("htmx:beforeSwap", this.answering);
    document.removeEventListener("htmx:afterSettle", this.answered);
    document.removeEventListener(FORGOTTEN, this.forgotten);
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.arrived) this.leave();
  }

  wrongTargetConnected(list: HTMLElement): void {
    const found = new Map([...list.querySelectorAll("li")].map((one) => [one.dataset.field, one.textContent]));
    for (const name of this.visited) this.tell(name, found.get(name));
  }

  keep(event?: Event): void {
    if (event?.type === "change" && event.target instanceof HTMLElement) this.visited.add(event.target.getAttribute("name") ?? "");
    if (this.keepValue === "" || this.signedOut) return;
    this.touched = true;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => { this.write(); }, PAUSE);
  }

  leave(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.touched = false;
    this.draft.forget();
    this.tellKept("");
  }

  startOver(): void {
    this.leave();
    window.location.assign(this.keepValue);
  }

  goOn(): void {
    this.offerTarget.hidden = true;
    this.restore(this.draft.left?.fields);
  }

  discard(): void {
    this.draft.discard();
    this.offerTarget.hidden = true;
  }

  /** What another tab left is not written over while it is offered. */
  private readonly write = (): void => {
    if (this.timer === 0) return;
    clearTimeout(this.timer);
    this.timer = 0;
    const fields = [...new FormData(this.element)].filter(([name]) => name !== "csrfmiddlewaretoken");
    const everywhere = !this.hasOfferTarget || this.offerTarget.hidden !== false;
    this.tellKept(this.draft.keep(fields as Fields, { everywhere }));
  };

  private keepNow(): void {
    this.keep();
    this.write();
  }

  private tellKept(where: Kept): void {
    if (!this.hasKeptTarget) return;
    this.keptTarget.hidden = where === "";
    for (const words of this.keptTarget.querySelectorAll<HTMLElement>("[data-where]")) words.hidden = words.dataset.where !== where;
  }

  /** Not where the answer is the same form, an error, or the page on which one signs in. */
  private isDone({ status, responseURL }: XMLHttpRequest): boolean {
    const here = new URL(this.at, window.location.href).pathname;
    return status >= 200 && status < 300 && !leadsTo(SIGN_IN, responseURL) && new URL(responseURL).pathname !== here;
  }

  private begin(): void {
    this.touched = false;
    this.at = this.keepValue;
    this.draft = new Draft(`draft ${this.ownerValue} ${this.keepValue}`);
    if (this.keepValue === "" || !this.freshValue) return;
    const { here, left } = this.draft;
    if (here !== undefined) this.restore(here);
    else if (left !== undefined && this.hasOfferTarget) {
      this.whenTarget.textContent = new Date(left.at).toLocaleString(document.documentElement.lang);
      this.offerTarget.hidden = false;
    }
  }

  /** The server draws the form again from what was kept: rows, lists, the step one was on. */
  private restore(kept: Fields | undefined): void {
    if (kept === undefined) return;
    this.touched = true;
    const fields = Object.fromEntries(kept);
    if (this.hereValue) {
      this.fill(fields);
      return;
    }
    this.restoring = true;
    const token = this.element.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
    const values = { ...fields, csrfmiddlewaretoken: token, go: "restore" };
    void htmx.ajax("post", this.keepValue, { target: "body", swap: "morph", values });
  }

  private fill(fields: Record<string, string>): void {
    for (const field of this.element.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>("[name]")) {
      const value = fields[field.name];
      if (value !== undefined && field.type !== "file") field.value = value;
    }
    this.keepNow();
    this.dispatch("restored");
  }

  private tell(name: string, words: string | undefined): void {
    const control = this.element.querySelector(`#id_${CSS.escape(name)}`);
    const field = control?.closest(`#field-${CSS.escape(name)}`);
    if (control === null || !field) return;
    const place = `id_${name}_error`;
    let told = field.querySelector(".field__error");
    field.classList.toggle("field--invalid", words !== undefined);
    if (words === undefined) {
      control.removeAttribute("aria-invalid");
      told?.remove();
      return;
    }
    control.setAttribute("aria-invalid", "true");
    if (told === null) {
      told = Object.assign(document.createElement("ul"), { className: "field__error", id: place, role: "status" });
      field.append(told);
      control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") ?? ""} ${place}`.trim());
    }
    const item = Object.assign(document.createElement("li"), { textContent: words });
    if (told.textContent !== words) told.replaceChildren(item);
  }

  private settle(): void {
    const invalid = [...this.element.querySelectorAll<HTMLElement>('[aria-invalid="true"]')];
    const field = invalid.find((one) => one.offsetParent !== null) ?? this.element.querySelector<HTMLElement>("[autofocus]");
    const fresh = this.step !== this.currentStep;
    this.step = this.currentStep;
    if (fresh) {
      window.scrollTo({ top: 0 });
      this.element.querySelector("[aria-current=step]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    field?.focus({ preventScroll: fresh && invalid.length === 0 });
  }

  private get currentStep(): string {
    return this.hasStepTarget ? this.stepTarget.value : "";
  }
}

function requestOf(event: Event): XMLHttpRequest {
  return (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr;
}

/** The button that sent it: its name is `go`. */
function pressed(event: Event): string {
  const config = (event as CustomEvent<{ requestConfig: { formData: FormData } }>).detail.requestConfig;
  const value = config.formData.get("go");
  return typeof value === "string" ? value : "";
}

/** A morph keeps the value one is typing; the field that a fresh page puts the cursor into holds nothing yet. */
function blur(): void {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}
