/* Ctrl K reaches everything. The results are the server's (htmx on the input); this moves the choice and opens it. What
   is done closes the palette first, so that a question stands alone; data-copies is put on the clipboard.

<div data-controller="palette" data-action="keydown@document->palette#shortcut">
  <a href="/search/" data-action="palette#open:prevent">…</a>
  <dialog data-palette-target="dialog"><input data-palette-target="input" data-action="keydown->palette#move">
    <div id="palette-results" data-palette-target="results">… <a role="option">…</a></div></dialog></div>
*/
import { Controller } from "@hotwired/stimulus";
import { gettext } from "../words";

export default class Palette extends Controller<HTMLElement> {
  static override targets = ["dialog", "input", "results"];
  declare readonly dialogTarget: HTMLDialogElement;
  declare readonly inputTarget: HTMLInputElement;
  declare readonly resultsTarget: HTMLElement;

  private readonly done = (event: Event): void => {
    const option = event.target instanceof Element ? event.target.closest<HTMLElement>("[role=option]") : null;
    if (option === null) return;
    const text = option.dataset.copies;
    if (text !== undefined) void this.copy(option, text);
    else this.dialogTarget.close();
  };

  private readonly swapped = (): void => { this.choose(0); };

  override connect(): void {
    this.resultsTarget.addEventListener("htmx:afterSwap", this.swapped);
    this.resultsTarget.addEventListener("click", this.done);
  }

  override disconnect(): void {
    this.resultsTarget.removeEventListener("htmx:afterSwap", this.swapped);
    this.resultsTarget.removeEventListener("click", this.done);
  }

  shortcut(event: KeyboardEvent): void {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.open();
  }

  open(): void {
    if (this.dialogTarget.open) return;
    this.inputTarget.value = "";
    this.dialogTarget.showModal();
    this.inputTarget.focus();
    this.inputTarget.dispatchEvent(new Event("palette:look"));
  }

  clicked(event: MouseEvent): void {
    if (event.target === this.dialogTarget) this.dialogTarget.close();
  }

  move(event: KeyboardEvent): void {
    const options = this.options();
    const chosen = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") this.choose((chosen + 1) % Math.max(1, options.length));
    else if (event.key === "ArrowUp") this.choose((chosen - 1 + options.length) % Math.max(1, options.length));
    else if (event.key === "Enter") options[chosen]?.click();
    else return;
    event.preventDefault();
  }

  private async copy(option: HTMLElement, text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    const label = option.firstElementChild;
    if (label !== null) label.textContent = gettext("Copied");
    window.setTimeout(() => { this.dialogTarget.close(); }, 700);
  }

  private choose(index: number): void {
    this.options().forEach((option, position) => {
      option.setAttribute("aria-selected", String(position === index));
      if (position !== index) return;
      option.scrollIntoView({ block: "nearest" });
      this.inputTarget.setAttribute("aria-activedescendant", option.id);
    });
  }

  private options(): HTMLElement[] {
    return [...this.resultsTarget.querySelectorAll<HTMLElement>("[role=option]")];
  }
}
