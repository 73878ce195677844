/* A hundred thousand lines, of which only those near the view are elements. Lines stand in pages of a hundred; a page far
   away is one empty element as high as its lines were, or will be. */
import type { Line } from "./lines";

const LINES = 100;
const NEAR = "500px 0px";

interface Page {
  readonly element: HTMLElement;
  readonly lines: Line[];
  filled: boolean;
  near: boolean;
}

export class Pages {
  private pages: Page[] = [];
  private isSealed = false;
  private readonly byElement = new WeakMap<Element, Page>();
  private readonly observer: IntersectionObserver;

  constructor(private readonly view: HTMLElement, private readonly draw: (line: Line) => HTMLElement) {
    this.observer = new IntersectionObserver((entries) => { this.moved(entries); }, { root: view, rootMargin: NEAR });
  }

  disconnect(): void {
    this.observer.disconnect();
  }

  clear(): void {
    for (const page of this.pages) this.observer.unobserve(page.element);
    this.pages = [];
    this.view.replaceChildren();
  }

  /** Lines that follow those that are there; the end of the log is an element at once. */
  append(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    const row = this.row();
    const newest = this.pages.slice(-2);
    for (let at = 0; at < lines.length;) {
      const page = this.last();
      const some = lines.slice(at, at + LINES - page.lines.length);
      at += some.length;
      page.lines.push(...some);
      if (page.filled) page.element.append(...some.map(this.draw));
      else page.element.style.height = `${this.guess(page, row).toString()}px`;
    }
    const now = this.pages.slice(-2);
    for (const page of now) this.fill(page);
    for (const page of newest) if (!page.near && !now.includes(page)) empty(page, this.guess(page, row));
  }

  /** What the console says, after the newest line. */
  note(element: HTMLElement): void {
    this.view.append(element);
    this.isSealed = true;
  }

  /** Lets go of whole pages whose lines are all older than line `number`. */
  dropBefore(number: number): void {
    let gone = 0;
    while (this.pages.length - gone > 1 && (this.pages[gone]?.lines.at(-1)?.number ?? number) < number) gone += 1;
    for (const page of this.pages.splice(0, gone)) {
      this.observer.unobserve(page.element);
      page.element.remove();
    }
  }

  /** Every line as it looks now. */
  redraw(): void {
    const row = this.row();
    for (const page of this.pages) {
      if (page.filled) page.element.replaceChildren(...page.lines.map(this.draw));
      else page.element.style.height = `${this.guess(page, row).toString()}px`;
    }
  }

  /** Brings a line into the middle of the view. */
  reveal(number: number): void {
    const page = this.pages.find((one) => (one.lines.at(-1)?.number ?? -1) >= number);
    if (page === undefined) return;
    this.fill(page);
    page.element.querySelector(`[data-line="${number.toString()}"]`)?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  private moved(entries: readonly IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const page = this.byElement.get(entry.target);
      if (page === undefined) continue;
      page.near = entry.isIntersecting;
      if (page.near) this.fill(page);
      else if (!this.pages.slice(-2).includes(page)) empty(page, entry.boundingClientRect.height);
    }
  }

  private fill(page: Page): void {
    if (page.filled) return;
    page.filled = true;
    page.element.style.height = "";
    page.element.replaceChildren(...page.lines.map(this.draw));
  }

  private last(): Page {
    const newest = this.pages.at(-1);
    if (newest !== undefined && newest.lines.length < LINES && !this.isSealed) return newest;
    this.isSealed = false;
    const element = document.createElement("div");
    element.className = "log__page";
    const page = { element, lines: [], filled: false, near: false };
    this.pages.push(page);
    this.byElement.set(element, page);
    this.view.append(element);
    this.observer.observe(element);
    return page;
  }

  private row(): { height: number; letters: number } {
    const style = getComputedStyle(this.view);
    const size = parseFloat(style.fontSize) || 13;
    const wraps = style.whiteSpace === "pre-wrap";
    return { height: parseFloat(style.lineHeight) || size * 1.6, letters: wraps ? this.view.clientWidth / (size * 0.6) : Infinity };
  }

  private guess(page: Page, row: { height: number; letters: number }): number {
    return page.lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.text.length / row.letters)), 0) * row.height;
  }
}

function empty(page: Page, height: number): void {
  if (!page.filled || height === 0) return;
  page.filled = false;
  page.element.style.height = `${height.toString()}px`;
  page.element.replaceChildren();
}
