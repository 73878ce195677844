/* Says what just happened and goes; errors stay until closed. <div class="toast" data-controller="toast" data-toast-stay-value="false"> */
import { Controller } from "@hotwired/stimulus";

export default class Toast extends Controller<HTMLElement> {
  static override values = { stay: Boolean };
  declare readonly stayValue: boolean;
  private timer: number | undefined;

  override connect(): void {
    if (!this.stayValue) this.timer = window.setTimeout(() => { this.close(); }, 6000);
  }

  override disconnect(): void {
    window.clearTimeout(this.timer);
  }

  close(): void {
    this.element.classList.add("is-going");
    window.setTimeout(() => { this.element.remove(); }, 260);
  }
}
