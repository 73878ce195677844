/* Sends its form while one types or chooses: <form data-controller="filter" data-action="input->filter#later change->filter#now"> */
import { Controller } from "@hotwired/stimulus";

export default class Filter extends Controller<HTMLFormElement> {
  private timer: number | undefined;

  override disconnect(): void {
    window.clearTimeout(this.timer);
  }

  later(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => { this.now(); }, 250);
  }

  now(): void {
    window.clearTimeout(this.timer);
    this.element.requestSubmit();
  }
}
