/* A container's output, followed. Lines come as text by a streaming GET, each with its timestamp in front; at most
   5,000 stay on the page. Scrolling up pauses the view, not the stream.

<div class="log" data-controller="log" data-log-url-value="…/log/?container=app">
  <input type="search" data-log-target="search" data-action="input->log#search">
  <button data-action="log#pause" data-log-target="pause" aria-pressed="false">Pause</button>
  <button data-action="log#wrap" aria-pressed="false">Wrap</button> <button data-action="log#times" aria-pressed="false">Times</button>
  <span data-log-target="count"></span>
  <div class="log__view" data-log-target="view" role="log"></div>
</div>
*/
import { Controller } from "@hotwired/stimulus";

const KEPT = 5000;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/;
const BAD = /\b(error|fatal|panic|exception|traceback)\b/i;

export default class Log extends Controller<HTMLElement> {
  static override targets = ["view", "search", "pause", "count"];
  static override values = { url: String, follow: { type: Boolean, default: true }, ended: String };
  declare readonly viewTarget: HTMLElement;
  declare readonly searchTarget: HTMLInputElement;
  declare readonly hasSearchTarget: boolean;
  declare readonly pauseTarget: HTMLButtonElement;
  declare readonly countTarget: HTMLElement;
  declare readonly urlValue: string;
  declare readonly followValue: boolean;
  declare readonly endedValue: string;

  private request: AbortController | undefined;
  private waiting: string[] = [];
  private rest = "";
  private last = "";
  private seenUpTo = "";
  private frame: number | undefined;
  private again: number | undefined;
  private paused = false;

  urlValueChanged(): void {
    this.stop();
    this.viewTarget.replaceChildren();
    this.last = "";
    if (this.urlValue !== "") void this.read();
  }

  override disconnect(): void {
    this.stop();
  }

  pause(): void {
    this.setPaused(!this.paused);
  }

  wrap(event: Event): void {
    this.toggle(event, "log__view--wrap");
  }

  times(event: Event): void {
    this.toggle(event, "log__view--times");
  }

  search(): void {
    const needle = this.needle();
    const atEnd = this.atEnd();
    this.viewTarget.classList.toggle("log__view--search", needle !== "");
    for (const line of this.viewTarget.children) mark(line as HTMLElement, needle);
    if (atEnd) this.toEnd();
    this.count();
  }

  private async read(): Promise<void> {
    const request = new AbortController();
    this.request = request;
    try {
      const response = await fetch(this.address(), { signal: request.signal });
      if (!response.ok || response.body === null) {
        this.note(await response.text());
        if (response.status !== 401 && response.status !== 403) this.later(5000);
        return;
      }
      await this.drain(response.body);
      this.note(this.endedValue);
      if (this.followValue) this.later(3000);
    } catch {
      if (!request.signal.aborted) this.later(3000);
    }
  }

  /** From the last line seen on, so that a new connection repeats nothing. */
  private address(): string {
    const url = new URL(this.urlValue, location.href);
    this.seenUpTo = this.last;
    if (this.last !== "") url.searchParams.set("since", this.last);
    return url.href;
  }

  private async drain(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      this.take(value);
    }
    if (this.rest !== "") this.take("\n");
  }

  private take(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    this.waiting.push(...lines);
    if (this.waiting.length > KEPT) this.waiting.splice(0, this.waiting.length - KEPT);
    if (!this.paused) this.frame ??= requestAnimationFrame(() => { this.flush(); });
  }

  private flush(): void {
    this.frame = undefined;
    const view = this.viewTarget;
    const atEnd = this.atEnd();
    const fragment = document.createDocumentFragment();
    for (const text of this.waiting) this.append(fragment, text);
    this.waiting = [];
    view.append(fragment);
    while (view.childElementCount > KEPT) view.firstElementChild?.remove();
    if (atEnd) this.toEnd();
    this.count();
  }

  private append(parent: DocumentFragment, text: string): void {
    const stamp = STAMP.exec(text);
    if (stamp?.[1] !== undefined) {
      if (stamp[1] <= this.seenUpTo) return;
      this.last = stamp[1];
    }
    const line = document.createElement("div");
    line.className = "log__line";
    if (stamp?.[1] !== undefined) {
      const time = document.createElement("time");
      time.className = "log__time";
      time.dateTime = stamp[1];
      time.textContent = stamp[1].slice(11, 23).replace("Z", "");
      line.append(time);
    }
    const content = document.createElement("span");
    content.textContent = text.slice(stamp?.[0].length ?? 0).replace(/\r$/, "");
    line.append(content);
    line.classList.toggle("log__line--bad", BAD.test(content.textContent));
    const needle = this.needle();
    if (needle !== "") mark(line, needle);
    parent.append(line);
  }

  private note(text: string): void {
    if (text === "" || this.viewTarget.lastElementChild?.textContent === text) return;
    this.flush();
    const line = document.createElement("div");
    line.className = "log__line log__line--note";
    line.textContent = text;
    this.viewTarget.append(line);
  }

  private later(milliseconds: number): void {
    this.again = window.setTimeout(() => void this.read(), milliseconds);
  }

  private stop(): void {
    this.request?.abort();
    window.clearTimeout(this.again);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.frame = undefined;
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
  }

  private toggle(event: Event, name: string): void {
    const atEnd = this.atEnd();
    const on = this.viewTarget.classList.toggle(name);
    if (atEnd) this.toEnd();
    (event.currentTarget as HTMLElement).setAttribute("aria-pressed", String(on));
  }

  private needle(): string {
    return this.hasSearchTarget ? this.searchTarget.value.toLowerCase() : "";
  }

  private count(): void {
    const lines = this.viewTarget.querySelectorAll(this.needle() === "" ? ".log__line" : ".log__line--match");
    this.countTarget.textContent = lines.length.toLocaleString("en");
  }
}

function mark(line: HTMLElement, needle: string): void {
  line.classList.toggle("log__line--match", needle !== "" && line.textContent.toLowerCase().includes(needle));
}
