/* Where one types on after an answer: in the first field that is wrong, else where the server marks `autofocus`, on which
   a morphed page does not act by itself.
   A new step begins at the top. <form data-controller="form"><input type="hidden" name="step" data-form-target="step">…</form> */
import { Controller } from "@hotwired/stimulus";

export default class Form extends Controller<HTMLFormElement> {
  static override targets = ["step"];
  declare readonly stepTarget: HTMLInputElement;
  declare readonly hasStepTarget: boolean;
  private step = "";
  private answers = 0;
  private readonly sentAt = new WeakMap<XMLHttpRequest, number>();

  private readonly asked = (event: Event): void => {
    this.sentAt.set(requestOf(event), this.answers);
  };

  /** A look (price, summary) that was asked before the whole form was answered is older than what stands there.
      And Chromium (150) crashes when a morph moves a list that an input names. What stays gets its list back. */
  private readonly answering = (event: Event): void => {
    const since = this.sentAt.get(requestOf(event));
    if (since !== undefined && since < this.answers) (event as CustomEvent<{ shouldSwap: boolean }>).detail.shouldSwap = false;
    if (event.target !== document.body) return;
    this.answers += 1;
    for (const input of this.element.querySelectorAll("input[list]")) input.removeAttribute("list");
  };

  private readonly answered = (event: Event): void => {
    if (event.target === document.body) this.settle();
  };

  override connect(): void {
    this.step = this.currentStep;
    document.addEventListener("htmx:beforeSend", this.asked);
    document.addEventListener("htmx:beforeSwap", this.answering);
    document.addEventListener("htmx:afterSettle", this.answered);
  }

  override disconnect(): void {
    document.removeEventListener("htmx:beforeSend", this.asked);
    document.removeEventListener("htmx:beforeSwap", this.answering);
    document.removeEventListener("htmx:afterSettle", this.answered);
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
