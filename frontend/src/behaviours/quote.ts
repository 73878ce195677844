/* The price before the button: <div data-controller="quote" data-quote-rate-value="0.0000890000" data-quote-now-value="2"
   data-quote-symbol-value="¥"><input type="number" data-action="input->quote#show"><p data-quote-target="text" hidden></p></div>
   The rate is one pod's, a second; the text says what the number asked for costs an hour, and how much more that is. */
import { Controller } from "@hotwired/stimulus";
import { formatUnits, parseUnits } from "./tick";

export default class Quote extends Controller<HTMLElement> {
  static override targets = ["text"];
  static override values = { rate: String, now: Number, symbol: String, sentence: String };
  declare readonly textTarget: HTMLElement;
  declare readonly rateValue: string;
  declare readonly nowValue: number;
  declare readonly symbolValue: string;
  declare readonly sentenceValue: string;

  show(event: Event): void {
    const asked = (event.target as HTMLInputElement).valueAsNumber;
    const known = Number.isInteger(asked) && asked >= 0 && asked <= 1_000_000;
    this.textTarget.hidden = !known || asked === this.nowValue;
    if (!known) return;
    const hour = parseUnits(this.rateValue) * 3600n;
    const change = hour * BigInt(asked - this.nowValue);
    const sign = change < 0n ? "-" : "+";
    const size = change < 0n ? -change : change;
    this.textTarget.textContent = this.sentenceValue
      .replace("{total}", this.symbolValue + formatUnits(hour * BigInt(asked)))
      .replace("{change}", sign + this.symbolValue + formatUnits(size));
  }
}
