/* How long ago, kept true without the server: <time data-controller="age" datetime="2026-08-20T10:41:09Z">4 min</time>
   How long until: data-age-coming-value="in" data-age-over-value="now" makes `in 38 s`, then `now`. */
import { Controller } from "@hotwired/stimulus";
import { everySecond } from "../clock";

export default class Age extends Controller<HTMLTimeElement> {
  static override values = { suffix: String, coming: String, over: String };
  declare readonly suffixValue: string;
  declare readonly comingValue: string;
  declare readonly overValue: string;
  private stop: (() => void) | undefined;

  override connect(): void {
    this.stop = everySecond((now) => { this.show(now); });
  }

  override disconnect(): void {
    this.stop?.();
  }

  private show(now: number): void {
    const passed = (now - Date.parse(this.element.dateTime)) / 1000;
    const text = this.comingValue === "" ? age(passed) + this.suffixValue : this.left(-passed);
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  private left(seconds: number): string {
    return seconds >= 1 ? `${this.comingValue} ${age(seconds)}` : this.overValue;
  }
}

/** The same words as the server's `age` filter: 40 s, 4 min, 6 h, 12 d. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}
