/* Single keys, while nobody types: / looks for a name, g and a letter go to a section, ? goes to help, j and k move through a
   list's rows (Enter opens, it is the row's own link), x chooses a row, X all up to it, Escape chooses none.

<div data-controller="keys">…<a class="rail__item" data-key="d">…</a>…<input id="filter-name">…<td class="table__name"><a>…</a></td></div>
*/
import { Controller } from "@hotwired/stimulus";

const SECOND_KEY_MS = 1500;
const TYPED_IN = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true], .xterm, .cm-editor";

export default class Keys extends Controller<HTMLElement> {
  private going = 0;

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target instanceof Element) || event.target.closest(TYPED_IN) !== null || document.querySelector("dialog[open]") !== null) return;
    if (this.heard(event)) event.preventDefault();
  };

  override connect(): void {
    document.addEventListener("keydown", this.pressed);
  }

  override disconnect(): void {
    document.removeEventListener("keydown", this.pressed);
  }

  private heard(event: KeyboardEvent): boolean {
    if (event.timeStamp - this.going < SECOND_KEY_MS && this.going > 0) {
      this.going = 0;
      return this.follow(event.key);
    }
    switch (event.key) {
      case "g": this.going = event.timeStamp; return true;
      case "?": return this.follow("?");
      case "/": return this.look();
      case "j": return this.move(1);
      case "k": return this.move(-1);
      case "x": return this.choose(false);
      case "X": return this.choose(true);
      case "Escape": document.dispatchEvent(new Event("picks:none")); return false;
      default: return false;
    }
  }

  private follow(key: string): boolean {
    const link = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    link?.click();
    return link !== null;
  }

  private look(): boolean {
    const field = document.querySelector<HTMLInputElement>("#filter-name");
    if (field === null) document.querySelector<HTMLElement>(".palette-button")?.click();
    field?.focus();
    field?.select();
    return true;
  }

  private move(step: number): boolean {
    const links = [...document.querySelectorAll<HTMLElement>(".main .table__name > a")];
    const here = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement) === true);
    const next = here < 0 ? links[0] : links[here + step];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return next !== undefined;
  }

  private choose(range: boolean): boolean {
    const box = document.activeElement?.closest("tr")?.querySelector<HTMLInputElement>('[name="pick"]') ?? null;
    if (box !== null) document.dispatchEvent(new CustomEvent("picks:toggle", { detail: { box, range } }));
    return box !== null;
  }
}
