/* Money that runs: shows accrued + rate × whole seconds since as-of, exactly as billing's Meter says it.

<span class="money" data-controller="tick" data-tick-symbol-value="¥" data-tick-accrued-value="11.5344000000"
      data-tick-rate-value="0.0000445000" data-tick-as-of-value="2026-08-20T10:41:09Z" data-tick-running-value="true">¥11.5344</span>
*/
import { Controller } from "@hotwired/stimulus";
import { everySecond, serverNow } from "../clock";

const PLACES = 10;
const SHOWN = 4;

export default class Tick extends Controller<HTMLElement> {
  static override values = { symbol: String, accrued: String, rate: String, asOf: String, running: Boolean };
  declare readonly symbolValue: string;
  declare readonly accruedValue: string;
  declare readonly rateValue: string;
  declare readonly asOfValue: string;
  declare readonly runningValue: boolean;
  private stop: (() => void) | undefined;

  override connect(): void {
    this.stop = everySecond((now) => { this.show(now); });
  }

  override disconnect(): void {
    this.stop?.();
  }

  accruedValueChanged(): void {
    this.show(serverNow());
  }

  private show(now: number): void {
    if (!this.runningValue) return;
    const seconds = Math.max(0, Math.floor((now - Date.parse(this.asOfValue)) / 1000));
    const cost = parseUnits(this.accruedValue) + parseUnits(this.rateValue) * BigInt(seconds);
    const text = this.symbolValue + formatUnits(cost);
    if (this.element.textContent !== text) this.element.textContent = text;
  }
}

/** "0.0000445" -> 445000n, in units of 10^-10: money is never a float. */
export function parseUnits(text: string): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.slice(0, PLACES).padEnd(PLACES, "0"));
}

/** Half up to four places, thousands grouped, as the server's `money` filter writes it. */
export function formatUnits(units: bigint): string {
  const step = 10n ** BigInt(PLACES - SHOWN);
  const rounded = (units + step / 2n) / step;
  const text = rounded.toString().padStart(SHOWN + 1, "0");
  const whole = text.slice(0, -SHOWN).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${whole}.${text.slice(-SHOWN)}`;
}
