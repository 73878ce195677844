/* The one modal of a page; links marked by {% in_dialog %} load their question into it by htmx.
   <dialog class="dialog" id="dialog" data-controller="dialog"></dialog>
   Inside, data-action="dialog#close:prevent" on a link closes instead of following it. */
import { Controller } from "@hotwired/stimulus";

export default class Dialog extends Controller<HTMLDialogElement> {
  private readonly opened = (event: Event): void => {
    if (event.target !== this.element) return;
    if (!this.element.open) this.element.showModal();
    this.element.querySelector<HTMLElement>("[autofocus]")?.focus();
  };

  private readonly clicked = (event: MouseEvent): void => {
    if (event.target === this.element) this.element.close();
  };

  override connect(): void {
    this.element.addEventListener("htmx:afterSwap", this.opened);
    this.element.addEventListener("click", this.clicked);
  }

  override disconnect(): void {
    this.element.removeEventListener("htmx:afterSwap", this.opened);
    this.element.removeEventListener("click", this.clicked);
  }

  close(): void {
    this.element.close();
  }
}
