/* A button that waits for a word: <form data-controller="confirm" data-confirm-word-value="DELETE">
   <input data-confirm-target="input" data-action="input->confirm#check"><button data-confirm-target="button">…</button></form>
   Without script the button is enabled and the server asks for the word. */
import { Controller } from "@hotwired/stimulus";

export default class Confirm extends Controller<HTMLFormElement> {
  static override targets = ["input", "button"];
  static override values = { word: String };
  declare readonly inputTarget: HTMLInputElement;
  declare readonly hasInputTarget: boolean;
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly hasButtonTarget: boolean;
  declare readonly wordValue: string;

  override connect(): void {
    this.check();
  }

  check(): void {
    if (this.hasButtonTarget) this.buttonTarget.disabled = this.hasInputTarget && this.inputTarget.value.trim() !== this.wordValue;
  }
}
