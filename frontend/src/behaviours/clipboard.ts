/* Copies a text: <div data-controller="clipboard"><pre data-clipboard-target="source">…</pre>
   <button data-action="clipboard#copy" data-clipboard-target="button" data-clipboard-done-value="Copied">Copy</button></div> */
import { Controller } from "@hotwired/stimulus";
import { gettext } from "../words";

export default class Clipboard extends Controller<HTMLElement> {
  static override targets = ["source", "button"];
  static override values = { done: String };
  declare readonly sourceTarget: HTMLElement;
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly doneValue: string;
  private timer: number | undefined;
  private label = "";

  override disconnect(): void {
    window.clearTimeout(this.timer);
  }

  async copy(): Promise<void> {
    const source = this.sourceTarget;
    const text = source instanceof HTMLInputElement || source instanceof HTMLTextAreaElement ? source.value : source.innerText;
    await navigator.clipboard.writeText(text);
    if (this.timer === undefined) this.label = this.buttonTarget.textContent;
    window.clearTimeout(this.timer);
    this.buttonTarget.textContent = this.doneValue || gettext("Copied");
    this.timer = window.setTimeout(() => {
      this.buttonTarget.textContent = this.label;
      this.timer = undefined;
    }, 1600);
  }
}
