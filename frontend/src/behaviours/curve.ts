/* What stood at a moment of a chart, under the pointer or the arrow keys (Home and End go to its ends). The server says it
   in words, one sentence for each step.

<figure data-controller="curve" data-curve-readings-value='["14:02:00 UTC: 0.12", …]'>
  <div role="slider" tabindex="0" data-curve-target="plot" data-action="pointermove->curve#point pointerleave->curve#leave keydown->curve#press blur->curve#leave">
    <svg>…<line data-curve-target="cursor"></line></svg></div>
  <p data-curve-target="reading">…</p></figure>
*/
import { Controller } from "@hotwired/stimulus";
import { MORPHED } from "../morph";

const STEPS: Partial<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

export default class Curve extends Controller<HTMLElement> {
  static override targets = ["plot", "reading", "cursor"];
  static override values = { readings: Array };
  declare readonly plotTarget: HTMLElement;
  declare readonly readingTarget: HTMLElement;
  declare readonly cursorTarget: SVGLineElement;
  declare readonly readingsValue: string[];
  private chosen: number | undefined;

  private readonly shown = (): void => {
    if (this.chosen !== undefined) this.show();
  };

  override connect(): void {
    document.addEventListener(MORPHED, this.shown);
  }

  override disconnect(): void {
    document.removeEventListener(MORPHED, this.shown);
  }

  point(event: PointerEvent): void {
    const box = this.plotTarget.getBoundingClientRect();
    this.choose(Math.round(((event.clientX - box.left) / box.width) * this.last));
  }

  press(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (step !== undefined) this.choose((this.chosen ?? this.last) + step);
    else if (event.key === "Home") this.choose(0);
    else if (event.key === "End") this.choose(this.last);
    else return;
    event.preventDefault();
  }

  leave(event: Event): void {
    if (event.type === "pointerleave" && document.activeElement === this.plotTarget) return;
    this.chosen = undefined;
    this.show();
  }

  private get last(): number {
    return this.readingsValue.length - 1;
  }

  private choose(step: number): void {
    this.chosen = Math.min(this.last, Math.max(0, step));
    this.show();
  }

  private show(): void {
    const step = this.chosen ?? this.last;
    const words = this.readingsValue[step] ?? "";
    const width = this.cursorTarget.ownerSVGElement?.viewBox.baseVal.width ?? 0;
    const x = this.chosen === undefined ? "-9" : ((step / this.last) * width).toFixed(1);
    this.readingTarget.textContent = words;
    this.plotTarget.setAttribute("aria-valuenow", String(step));
    this.plotTarget.setAttribute("aria-valuetext", words);
    this.cursorTarget.setAttribute("x1", x);
    this.cursorTarget.setAttribute("x2", x);
  }
}
