/* Where one types on after an answer: in the first field that is wrong, else where the server marks `autofocus`, on which
   a morphed page does not act by itself.
   A new step begins at the top. <form data-controller="form"><input type="hidden" name="step" data-form-target="step">…</form>
   What is typed into a form with data-form-keep-value="/create/job/" (its address) and data-action="input->form#keep" is kept in
   this tab until it is sent, left by data-action="form#leave" or begun anew (form#startOver): a reload brings it back into a
   form that was not answered yet (data-form-fresh-value="true"). It is its writer's alone (data-form-owner-value="acme/alice").
   <span data-form-target="kept" hidden>…</span> is seen while something is kept. */
import { Controller } from "@hotwired/stimulus";
import htmx from "htmx.org";

export default class Form extends Controller<HTMLFormElement> {
  static override targets = ["step", "kept"];
  static override values = { keep: String, fresh: Boolean, owner: String };
  declare readonly stepTarget: HTMLInputElement;
  declare readonly hasStepTarget: boolean;
  declare readonly keptTarget: HTMLElement;
  declare readonly hasKeptTarget: boolean;
  declare readonly keepValue: string;
  declare readonly freshValue: boolean;
  declare readonly ownerValue: string;
  private step = "";
  private touched = false;
  private sending = false;
  private restoring = false;
  private answers = 0;
  private readonly sentAt = new WeakMap<XMLHttpRequest, number>();

  private readonly asked = (event: Event): void => {
    this.sentAt.set(requestOf(event), this.answers);
    if (pressed(event) === "submit") this.sending = true;
  };

  /** A look (price, summary) that was asked before the whole form was answered is older than what stands there.
      And Chromium (150) crashes when a morph moves a list that an input names. What stays gets its list back. */
  private readonly answering = (event: Event): void => {
    const since = this.sentAt.get(requestOf(event));
    if (since !== undefined && since < this.answers) (event as CustomEvent<{ shouldSwap: boolean }>).detail.shouldSwap = false;
    if (event.target !== document.body) return;
    this.answers += 1;
    if (this.restoring) blur();
    this.restoring = false;
    for (const input of this.element.querySelectorAll("input[list]")) input.removeAttribute("list");
  };

  private readonly answered = (event: Event): void => {
    if (event.target !== document.body) return;
    this.sending = false;
    if (this.touched) this.keep();
    this.settle();
  };

  override connect(): void {
    this.step = this.currentStep;
    this.restore();
    document.addEventListener("htmx:beforeSend", this.asked);
    document.addEventListener("htmx:beforeSwap", this.answering);
    document.addEventListener("htmx:afterSettle", this.answered);
  }

  override disconnect(): void {
    document.removeEventListener("htmx:beforeSend", this.asked);
    document.removeEventListener("htmx:beforeSwap", this.answering);
    document.removeEventListener("htmx:afterSettle", this.answered);
    if (this.sending) this.leave();
  }

  keep(): void {
    if (this.keepValue === "") return;
    this.touched = true;
    const fields = [...new FormData(this.element)].filter(([name]) => name !== "csrfmiddlewaretoken");
    sessionStorage.setItem(this.place, JSON.stringify(fields));
    if (this.hasKeptTarget) this.keptTarget.hidden = false;
  }

  leave(): void {
    sessionStorage.removeItem(this.place);
  }

  startOver(): void {
    this.leave();
    window.location.assign(this.keepValue);
  }

  /** The server draws the form again from what was kept: rows, lists, the step one was on. */
  private restore(): void {
    const kept = this.keepValue === "" || !this.freshValue ? null : sessionStorage.getItem(this.place);
    if (kept === null) return;
    this.touched = this.restoring = true;
    const token = this.element.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
    const fields = Object.fromEntries(JSON.parse(kept) as [string, string][]);
    const values = { ...fields, csrfmiddlewaretoken: token, go: "restore" };
    void htmx.ajax("post", this.keepValue, { target: "body", swap: "morph", values });
  }

  private get place(): string {
    return `draft ${this.ownerValue} ${this.keepValue}`;
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
