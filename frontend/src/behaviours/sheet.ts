/* The rail as a bottom sheet on a phone: <div data-controller="sheet"><nav class="rail" data-sheet-target="panel">…</nav>
   <div class="rail__veil" data-action="click->sheet#close"></div><a href="#rail" data-action="sheet#toggle:prevent">Menu</a></div> */
import { Controller } from "@hotwired/stimulus";

export default class Sheet extends Controller<HTMLElement> {
  static override targets = ["panel", "button"];
  declare readonly panelTarget: HTMLElement;
  declare readonly buttonTarget: HTMLElement;

  toggle(): void {
    this.set(!this.panelTarget.classList.contains("is-open"));
  }

  close(): void {
    this.set(false);
  }

  private set(open: boolean): void {
    this.panelTarget.classList.toggle("is-open", open);
    this.buttonTarget.setAttribute("aria-expanded", String(open));
  }
}
