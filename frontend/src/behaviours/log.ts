/* A container's output, or that of all pods of a workload, followed. Lines come as text by a streaming GET, each with its
   timestamp in front (and `pod/container` behind it, if `merged`). The newest 100,000 are kept; those near the view are
   elements (log/pages.ts). Whoever scrolls up stays where they are, and is told how many lines have come since.

<div class="log" data-controller="log" data-log-url-value="…/log/?container=app">
  <select data-log-target="since" data-action="log#since"><option value="">…</option><option value="3600">…</option></select>
  <input type="search" data-log-target="search" data-action="input->log#search keydown->log#key">
  <button data-action="log#regular" aria-pressed="false">.*</button> <button data-action="log#only" aria-pressed="false">Only hits</button>
  <button data-action="log#previous">…</button> <button data-action="log#next">…</button> <output data-log-target="hits"></output>
  <button data-action="log#pause" data-log-target="pause" aria-pressed="false">Pause</button>
  <button data-action="log#wrap" aria-pressed="false">Wrap</button> <button data-action="log#times" aria-pressed="false">Times</button>
  <button data-action="log#json" aria-pressed="true">JSON</button>
  <span data-log-target="count"></span>
  <div data-log-target="sources" hidden></div>
  <div class="log__view" data-log-target="view" data-action="scroll->log#scrolled" role="log"></div>
  <button data-log-target="newer" data-action="log#newestLine" hidden>… <span data-log-target="fresh"></span></button>
</div>
*/
import { Controller } from "@hotwired/stimulus";
import { colours, drawn, noted, parsed, podOf, type Line } from "../log/lines";
import { Pages } from "../log/pages";

const KEPT = 100_000;
const SPARE = 5000;
const FLUSH_MILLISECONDS = 80;
const SLICE_MILLISECONDS = 8;
const LONGEST_SEARCHED = 4000;

export default class Log extends Controller<HTMLElement> {
  static override targets = ["view", "search", "pause", "count", "since", "hits", "sources", "newer", "fresh"];
  static override values = {
    url: String,
    follow: { type: Boolean, default: true },
    merged: Boolean,
    ended: String,
    lost: String,
    back: String,
    odd: String,
  };
  declare readonly viewTarget: HTMLElement;
  declare readonly searchTarget: HTMLInputElement;
  declare readonly pauseTarget: HTMLButtonElement;
  declare readonly countTarget: HTMLElement;
  declare readonly sinceTarget: HTMLSelectElement;
  declare readonly hasSinceTarget: boolean;
  declare readonly hitsTarget: HTMLElement;
  declare readonly sourcesTarget: HTMLElement;
  declare readonly hasSourcesTarget: boolean;
  declare readonly newerTarget: HTMLElement;
  declare readonly freshTarget: HTMLElement;
  declare readonly urlValue: string;
  declare readonly followValue: boolean;
  declare readonly mergedValue: boolean;
  declare readonly endedValue: string;
  declare readonly lostValue: string;
  declare readonly backValue: string;
  declare readonly oddValue: string;

  private request: AbortController | undefined;
  private pages: Pages | undefined;
  private lines: Line[] = [];
  private waiting: Line[] = [];
  private numbers = 0;
  private rest = "";
  private last = "";
  /** By source: the newest stamp, and what it was when this connection was opened. */
  private newest = new Map<string, string>();
  private seen = new Map<string, string>();
  private flushing: number | undefined;
  private again: number | undefined;
  private paused = false;
  private isLost = false;
  /** Notes since the newest line. */
  private said = new Set<string>();
  private fresh = 0;
  private containers = new Map<string, Set<string>>();
  private hidden = new Set<string>();
  private colour = colours();
  private open = new Set<number>();
  private asJson = true;
  private needle: RegExp | undefined;
  private isRegular = false;
  private onlyHits = false;
  private hits: number[] = [];
  private current = -1;
  private scan: number | undefined;
  private typing: number | undefined;

  urlValueChanged(): void {
    this.restart();
  }

  override disconnect(): void {
    this.stop();
    this.pages?.disconnect();
    this.pages = undefined;
  }

  pause(): void {
    this.setPaused(!this.paused);
  }

  since(): void {
    this.restart();
  }

  wrap(event: Event): void {
    this.toggle(event, "log__view--wrap");
  }

  times(event: Event): void {
    this.toggle(event, "log__view--times");
  }

  json(event: Event): void {
    this.asJson = !this.asJson;
    pressed(event, this.asJson);
    this.pages?.redraw();
  }

  regular(event: Event): void {
    this.isRegular = !this.isRegular;
    pressed(event, this.isRegular);
    this.look();
  }

  only(event: Event): void {
    this.onlyHits = !this.onlyHits;
    pressed(event, this.onlyHits);
    this.lay();
  }

  search(): void {
    window.clearTimeout(this.typing);
    this.typing = window.setTimeout(() => { this.look(); }, 120);
  }

  key(event: KeyboardEvent): void {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.shiftKey) this.previous();
    else this.next();
  }

  next(): void {
    this.jump(this.current + 1);
  }

  previous(): void {
    this.jump(this.current < 0 ? this.hits.length - 1 : this.current - 1);
  }

  /** A source is shown or not. */
  source(event: Event): void {
    const pod = (event.currentTarget as HTMLElement).dataset.pod ?? "";
    if (!this.hidden.delete(pod)) this.hidden.add(pod);
    pressed(event, !this.hidden.has(pod));
    this.look();
    this.lay();
  }

  newestLine(): void {
    this.toEnd();
  }

  scrolled(): void {
    if (this.atEnd()) this.tellFresh(0);
  }

  /** Lines that were folded out stay so when they come into view again. */
  folded(event: Event): void {
    const details = event.target as HTMLDetailsElement;
    const number = Number(details.closest<HTMLElement>("[data-line]")?.dataset.line ?? -1);
    if (details.open) this.open.add(number);
    else this.open.delete(number);
  }

  private restart(): void {
    this.stop();
    this.pages?.disconnect();
    this.pages = new Pages(this.viewTarget, (line) => this.drawn(line));
    this.pages.clear();
    this.lines = [];
    this.open.clear();
    this.newest.clear();
    this.last = "";
    this.hits = [];
    this.said.clear();
    this.current = -1;
    this.isLost = false;
    this.tellFresh(0);
    this.count();
    if (this.urlValue !== "") void this.read();
  }

  private async read(): Promise<void> {
    const request = new AbortController();
    this.request = request;
    try {
      const response = await fetch(this.address(), { signal: request.signal, headers: { "CCI-Live": "1" } });
      if (!response.ok || response.body === null) {
        this.note(await response.text());
        if (response.status !== 401 && response.status !== 403) this.later(5000);
        return;
      }
      if (this.isLost) this.note(this.backValue);
      this.isLost = false;
      await this.drain(response.body);
      this.note(this.endedValue);
      if (this.followValue) this.later(3000);
    } catch {
      if (request.signal.aborted) return;
      if (!this.isLost) this.note(this.lostValue);
      this.isLost = true;
      this.later(3000);
    }
  }

  /** From the last line seen on, so that a new connection repeats nothing. */
  private address(): string {
    const url = new URL(this.urlValue, location.href);
    this.seen = new Map(this.newest);
    const chosen = this.hasSinceTarget ? this.sinceTarget.value : "";
    if (this.last !== "") url.searchParams.set("since", this.last);
    else if (chosen === "all") url.searchParams.set("tail", String(KEPT));
    else if (chosen !== "") url.searchParams.set("since", new Date(Date.now() - Number(chosen) * 1000).toISOString());
    return url.href;
  }

  private async drain(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.take(value);
      }
    } finally {
      if (this.rest !== "") this.take("\n");
    }
  }

  private take(text: string): void {
    const texts = (this.rest + text).split("\n");
    this.rest = texts.pop() ?? "";
    for (const one of texts) {
      const line = parsed(one, this.numbers++, this.mergedValue);
      if (line.stamp !== "" && line.stamp <= (this.seen.get(line.source) ?? "")) continue;
      if (line.stamp !== "") this.newest.set(line.source, line.stamp);
      if (line.stamp > this.last) this.last = line.stamp;
      this.waiting.push(line);
    }
    if (this.waiting.length > KEPT) this.waiting.splice(0, this.waiting.length - KEPT);
    if (!this.paused) this.flushing ??= window.setTimeout(() => { this.flush(); }, FLUSH_MILLISECONDS);
  }

  private flush(): void {
    window.clearTimeout(this.flushing);
    this.flushing = undefined;
    const came = this.waiting;
    if (came.length === 0) return;
    this.waiting = [];
    this.said.clear();
    const wasAtEnd = this.atEnd();
    for (const line of came) this.meet(line.source);
    for (const line of came) this.lines.push(line);
    const shown = came.filter((line) => this.isShown(line));
    for (const line of shown) if (this.isHit(line)) this.hits.push(line.number);
    this.pages?.append(shown);
    this.forget();
    if (wasAtEnd) this.toEnd();
    else this.tellFresh(this.fresh + shown.length);
    this.count();
  }

  private forget(): void {
    if (this.lines.length <= KEPT + SPARE) return;
    this.lines.splice(0, this.lines.length - KEPT);
    const oldest = this.lines[0]?.number ?? 0;
    this.pages?.dropBefore(oldest);
    const gone = this.hits.findIndex((number) => number >= oldest);
    if (gone > 0) {
      this.hits.splice(0, gone);
      this.current = Math.max(-1, this.current - gone);
    }
    for (const number of this.open) if (number < oldest) this.open.delete(number);
  }

  private drawn(line: Line): HTMLElement {
    if (line.stamp === "" && this.mergedValue) return noted(line.text);
    return drawn(line, {
      needle: this.needle,
      current: this.hits[this.current] ?? -1,
      json: this.asJson,
      open: this.open,
      colour: this.colour,
      name: (source) => ((this.containers.get(podOf(source))?.size ?? 0) > 1 ? source : podOf(source)),
    });
  }

  private meet(source: string): void {
    if (source === "") return;
    const pod = podOf(source);
    const known = this.containers.get(pod);
    if (known !== undefined) {
      known.add(source);
      return;
    }
    this.containers.set(pod, new Set([source]));
    if (!this.hasSourcesTarget) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = `chip log__pod log__source--${this.colour(source).toString()}`;
    button.textContent = pod;
    button.dataset.pod = pod;
    button.dataset.action = "log#source";
    button.setAttribute("aria-pressed", "true");
    this.sourcesTarget.append(button);
    this.sourcesTarget.hidden = false;
  }

  private note(text: string): void {
    if (text === "" || this.said.has(text)) return;
    this.flush();
    this.said.add(text);
    const wasAtEnd = this.atEnd();
    this.pages?.note(noted(text));
    this.tellEmpty();
    if (wasAtEnd) this.toEnd();
  }

  private later(milliseconds: number): void {
    this.again = window.setTimeout(() => void this.read(), milliseconds);
  }

  private stop(): void {
    this.request?.abort();
    for (const timer of [this.again, this.scan, this.typing, this.flushing]) window.clearTimeout(timer);
    this.flushing = undefined;
    this.waiting = [];
    this.rest = "";
  }

  private setPaused(paused: boolean): void {
    this.paused = paused;
    this.pauseTarget.setAttribute("aria-pressed", String(paused));
    if (paused) return;
    this.flush();
    this.toEnd();
  }

  private atEnd(): boolean {
    const view = this.viewTarget;
    return view.scrollHeight - view.scrollTop - view.clientHeight < 32;
  }

  private toEnd(): void {
    this.viewTarget.scrollTop = this.viewTarget.scrollHeight;
    this.tellFresh(0);
  }

  private tellFresh(lines: number): void {
    this.fresh = lines;
    this.newerTarget.hidden = lines === 0;
    this.freshTarget.textContent = lines.toLocaleString(document.documentElement.lang || "en");
  }

  private toggle(event: Event, name: string): void {
    const wasAtEnd = this.atEnd();
    pressed(event, this.viewTarget.classList.toggle(name));
    this.pages?.redraw();
    if (wasAtEnd) this.toEnd();
  }

  /** Reads what is looked for, then all lines for it, a slice at a time. */
  private look(): void {
    window.clearTimeout(this.scan);
    const asked = this.searchTarget.value;
    this.needle = undefined;
    this.searchTarget.removeAttribute("aria-invalid");
    this.hits = [];
    this.current = -1;
    try {
      if (asked !== "") this.needle = new RegExp(this.isRegular ? asked : asked.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "i");
    } catch {
      this.searchTarget.setAttribute("aria-invalid", "true");
      this.hitsTarget.textContent = this.oddValue;
      this.lay();
      return;
    }
    this.scanFrom(this.lines[0]?.number ?? 0);
  }

  private scanFrom(number: number): void {
    const until = performance.now() + SLICE_MILLISECONDS;
    let at = Math.max(0, this.lines.findIndex((line) => line.number >= number));
    for (; at < this.lines.length; at += 1) {
      const line = this.lines[at];
      if (line === undefined || !this.isWanted(line)) continue;
      if (this.isHit(line) && line.number > (this.hits.at(-1) ?? -1)) this.hits.push(line.number);
      if (at % 256 === 0 && performance.now() > until) {
        this.scan = window.setTimeout(() => { this.scanFrom(line.number + 1); }, 0);
        this.count();
        return;
      }
    }
    if (this.onlyHits) this.lay();
    else this.pages?.redraw();
    if (this.hits.length > 0 && !this.onlyHits) this.jump(this.hits.length - 1);
    this.count();
  }

  private jump(to: number): void {
    if (this.hits.length === 0) return;
    this.current = (to + this.hits.length) % this.hits.length;
    const number = this.hits[this.current];
    if (number === undefined) return;
    for (const line of this.viewTarget.querySelectorAll(".log__line--current")) line.classList.remove("log__line--current");
    this.pages?.reveal(number);
    this.viewTarget.querySelector(`[data-line="${number.toString()}"]`)?.classList.add("log__line--current");
    this.count();
  }

  /** The pages anew: which lines are shown has changed. */
  private lay(): void {
    this.pages?.clear();
    this.pages?.append(this.lines.filter((line) => this.isShown(line)));
    this.toEnd();
    this.count();
  }

  private isWanted(line: Line): boolean {
    return this.hidden.size === 0 || !this.hidden.has(podOf(line.source));
  }

  private isShown(line: Line): boolean {
    return this.isWanted(line) && (!this.onlyHits || this.needle === undefined || this.isHit(line));
  }

  private isHit(line: Line): boolean {
    return this.needle?.test(line.text.slice(0, LONGEST_SEARCHED)) ?? false;
  }

  /** Of a log that goes on it is said that nothing has come; one that ended says its end. */
  private tellEmpty(): void {
    const isEmpty = this.followValue && this.lines.length === 0 && this.said.size === 0;
    this.viewTarget.classList.toggle("log__view--empty", isEmpty);
  }

  private count(): void {
    this.tellEmpty();
    const words = new Intl.NumberFormat(document.documentElement.lang || "en");
    this.countTarget.textContent = words.format(this.lines.length);
    if (this.searchTarget.getAttribute("aria-invalid") === "true") return;
    const place = this.current < 0 ? "" : `${words.format(this.current + 1)} / `;
    this.hitsTarget.textContent = this.needle === undefined ? "" : `${place}${words.format(this.hits.length)}`;
  }
}

function pressed(event: Event, on: boolean): void {
  (event.currentTarget as HTMLElement).setAttribute("aria-pressed", String(on));
}
