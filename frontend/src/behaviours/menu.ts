/* Closes an open <details class="menu" data-controller="menu"> on Escape, on a click elsewhere and on a choice. */
import { Controller } from "@hotwired/stimulus";

export default class Menu extends Controller<HTMLDetailsElement> {
  private readonly clicked = (event: MouseEvent): void => {
    const target = event.target as Element;
    if (!this.element.contains(target) || target.closest("a") !== null) this.element.open = false;
  };

  private readonly pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !this.element.open) return;
    this.element.open = false;
    this.element.querySelector("summary")?.focus();
  };

  override connect(): void {
    document.addEventListener("click", this.clicked);
    this.element.addEventListener("keydown", this.pressed);
  }

  override disconnect(): void {
    document.removeEventListener("click", this.clicked);
    this.element.removeEventListener("keydown", this.pressed);
  }
}
