/* Detail beside the list; links marked by {% in_drawer %} load into it by htmx and mark their row.
   <dialog class="drawer" id="drawer" data-controller="drawer" data-action="keydown.esc@document->drawer#close"></dialog> */
import { Controller } from "@hotwired/stimulus";

export default class Drawer extends Controller<HTMLDialogElement> {
  private row: HTMLElement | null = null;

  private readonly opened = (event: Event): void => {
    if (event.target !== this.element) return;
    const source = (event as CustomEvent<{ requestConfig?: { elt?: Element } }>).detail.requestConfig?.elt;
    this.mark(source?.closest<HTMLElement>("tr") ?? null);
    if (!this.element.open) this.element.show();
  };

  override connect(): void {
    this.element.addEventListener("htmx:afterSwap", this.opened);
  }

  override disconnect(): void {
    this.element.removeEventListener("htmx:afterSwap", this.opened);
  }

  close(): void {
    if (!this.element.open) return;
    this.mark(null);
    this.element.close();
    this.element.replaceChildren();
  }

  private mark(row: HTMLElement | null): void {
    this.row?.removeAttribute("aria-selected");
    row?.setAttribute("aria-selected", "true");
    this.row = row;
  }
}
