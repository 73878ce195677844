/* What is ticked on a list, and the bar that says how much it is. Ticks belong to the form by their `form` attribute; they
   survive live updates (morph.ts keeps them), and leave with their row or with the page.

<form class="picks" id="picks" data-controller="picks" data-picks-one-value="1 chosen" data-picks-many-value="{count} chosen">
  <span data-picks-target="count"></span><button name="action" value="delete">…</button><button type="button" data-action="picks#none">…</button></form>
<input type="checkbox" id="pick-all"> … <input type="checkbox" id="pick-…" name="pick" form="picks">
*/
import { Controller } from "@hotwired/stimulus";
import { MORPHED } from "../morph";

export default class Picks extends Controller<HTMLFormElement> {
  static override targets = ["count"];
  static override values = { one: String, many: String };
  declare readonly countTarget: HTMLElement;
  declare readonly oneValue: string;
  declare readonly manyValue: string;
  private last: HTMLInputElement | undefined;

  private readonly counted = (): void => { this.count(); };

  /** With shift, all from the last one on follow. */
  private readonly clicked = (event: MouseEvent): void => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    if (box.id === "pick-all") this.all(box.checked);
    else if (box.name === "pick") this.picked(box, event.shiftKey);
  };

  private readonly asked = (event: Event): void => {
    const { box, range } = (event as CustomEvent<{ box: HTMLInputElement; range: boolean }>).detail;
    box.checked = range || !box.checked;
    this.picked(box, range);
  };

  private readonly everything = (): void => { this.all(!this.boxes().every((box) => box.checked)); };
  private readonly nothing = (): void => { this.none(); };

  override connect(): void {
    document.addEventListener("click", this.clicked);
    document.addEventListener(MORPHED, this.counted);
    document.addEventListener("picks:toggle", this.asked);
    document.addEventListener("picks:all", this.everything);
    document.addEventListener("picks:none", this.nothing);
    this.count();
  }

  override disconnect(): void {
    document.removeEventListener("click", this.clicked);
    document.removeEventListener(MORPHED, this.counted);
    document.removeEventListener("picks:toggle", this.asked);
    document.removeEventListener("picks:all", this.everything);
    document.removeEventListener("picks:none", this.nothing);
  }

  none(): void {
    this.all(false);
  }

  private all(checked: boolean): void {
    for (const box of this.boxes()) box.checked = checked;
    this.last = undefined;
    this.count();
  }

  private picked(box: HTMLInputElement, range: boolean): void {
    const boxes = this.boxes();
    const [from, to] = [this.last === undefined ? -1 : boxes.indexOf(this.last), boxes.indexOf(box)];
    if (range && from >= 0) {
      for (const one of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
    }
    this.last = box;
    this.count();
  }

  private count(): void {
    const boxes = this.boxes();
    const chosen = boxes.filter((box) => box.checked).length;
    const words = chosen === 1 ? this.oneValue : this.manyValue.replace("{count}", String(chosen));
    if (this.countTarget.textContent !== words) this.countTarget.textContent = words;
    this.element.classList.toggle("is-on", chosen > 0);
    const all = document.querySelector<HTMLInputElement>("#pick-all");
    if (all === null) return;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }

  private boxes(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>('input[name="pick"][form="picks"]')];
  }
}
