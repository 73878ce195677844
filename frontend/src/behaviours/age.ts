/* How long ago, kept true without the server: <time data-controller="age" data-age-pattern-value="%(age)s ago"
   datetime="2026-08-20T10:41:09Z">4 min ago</time>
   How long until: data-age-coming-value="in %(time)s" data-age-over-value="now" makes `in 38 s`, then `now`. */
import { Controller } from "@hotwired/stimulus";
import { everySecond } from "../clock";
import { filled, gettext } from "../words";

export default class Age extends Controller<HTMLTimeElement> {
  static override values = { pattern: String, coming: String, over: String };
  declare readonly patternValue: string;
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
    const text = this.comingValue === "" ? filled(this.patternValue, { age: age(passed) }) : this.left(-passed);
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  private left(seconds: number): string {
    return seconds >= 1 ? filled(this.comingValue, { time: age(seconds) }) : this.overValue;
  }
}

/** The same words as the server's `age` filter: 40 s, 4 min, 6 h, 12 d. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return filled(gettext("%(count)s s"), { count: whole });
  if (whole < 7200) return filled(gettext("%(count)s min"), { count: Math.floor(whole / 60) });
  if (whole < 172800) return filled(gettext("%(count)s h"), { count: Math.floor(whole / 3600) });
  return filled(gettext("%(count)s d"), { count: Math.floor(whole / 86400) });
}
