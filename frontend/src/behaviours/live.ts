/* The page stays true by itself. One socket a page; the server sends the regions that changed, rendered by the page's
   own template, and they are morphed in by id; of a row that has changed, its cells alone. While the socket is gone the
   page says so and asks again by plain GET. A socket can die without a word (a laptop that slept, a network that went):
   who has heard nothing for a while asks, and takes no answer for the end.

<main data-controller="live" data-live-path-value="/namespaces/shop/pods/?state=bad">…<tr id="pod-…" data-live>…</tr></main>
<div id="offline" role="status" hidden>…</div>
A part that lives by itself (the drawer) takes only its own region: data-live-only-value="peek". What is shown was
deleted: the sentence goes into the first <div data-live-gone> inside.
*/
import { Controller } from "@hotwired/stimulus";
import { setServerNow } from "../clock";
import { morphById, morphCells } from "../morph";

interface Message {
  now: number;
  /** A region's HTML; of a table's row that is there the cells that are others now, by their place. */
  regions?: Record<string, string | Record<string, string>>;
  gone?: string;
  title?: string;
}

const POLL_MS = 5000;
const LONGEST_WAIT_MS = 15_000;
const QUIET_MS = 15_000;
const ANSWER_MS = 10_000;

export default class Live extends Controller<HTMLElement> {
  static override values = { path: String, only: String, language: String };
  declare readonly pathValue: string;
  declare readonly onlyValue: string;
  private socket: WebSocket | undefined;
  private failures = 0;
  private retry: number | undefined;
  private poll: number | undefined;
  private polling = false;
  private beat: number | undefined;
  private heardAt = 0;
  private askedAt = 0;

  private readonly seen = (): void => {
    if (document.hidden) return;
    if (this.socket === undefined) this.open();
    else this.listen();
  };

  override connect(): void {
    document.addEventListener("visibilitychange", this.seen);
    window.addEventListener("online", this.seen);
  }

  override disconnect(): void {
    document.removeEventListener("visibilitychange", this.seen);
    window.removeEventListener("online", this.seen);
    this.leave();
  }

  pathValueChanged(): void {
    this.leave();
    if (this.pathValue !== "") this.open();
  }

  /** The page came in another language: the socket speaks the old one. */
  languageValueChanged(_now: string, before?: string): void {
    if (before === undefined || before === "") return;
    this.leave();
    this.open();
  }

  private open(): void {
    window.clearTimeout(this.retry);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live/?path=${encodeURIComponent(this.pathValue)}`);
    this.socket = socket;
    this.heardAt = performance.now();
    this.beat ??= window.setInterval(() => { this.listen(); }, POLL_MS);
    socket.addEventListener("message", (event: MessageEvent<string>) => { if (this.socket === socket) this.heard(JSON.parse(event.data) as Message); });
    socket.addEventListener("close", (event) => { if (this.socket === socket) this.lost(event.code); });
  }

  /** Whether the socket, or the one that is being opened, still lives. */
  private listen(): void {
    const now = performance.now();
    if (this.socket === undefined || document.hidden || now - this.heardAt < QUIET_MS) return;
    if (this.askedAt <= this.heardAt) {
      this.askedAt = now;
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send("?");
    } else if (now - this.askedAt >= ANSWER_MS) {
      const dead = this.socket;
      this.failures += 1;
      this.lost(0);
      dead.close();
    }
  }

  private heard(message: Message): void {
    this.failures = 0;
    this.heardAt = performance.now();
    this.online(true);
    setServerNow(message.now);
    if (message.title !== undefined) document.title = message.title;
    for (const [id, said] of Object.entries(message.regions ?? {})) {
      if (!this.mine(id)) continue;
      if (typeof said === "string") morphById(id, said);
      else morphCells(id, said);
    }
    if (message.gone !== undefined) this.gone(message.gone);
  }

  /** 4401: the session ended, loading the page leads to the sign-in page. 4404: this page is not followed. */
  private lost(code: number): void {
    this.socket = undefined;
    if (code === 4401) {
      location.reload();
      return;
    }
    if (code === 4404) return;
    this.failures += 1;
    if (this.failures > 1) this.online(false);
    const wait = Math.min(LONGEST_WAIT_MS, 400 * 2 ** this.failures) * (0.75 + Math.random() / 2);
    this.retry = window.setTimeout(() => { this.open(); }, wait);
  }

  private leave(): void {
    window.clearTimeout(this.retry);
    window.clearInterval(this.poll);
    window.clearInterval(this.beat);
    this.poll = this.beat = undefined;
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private online(yes: boolean): void {
    const mark = document.getElementById("offline");
    if (mark !== null && mark.hidden !== yes) mark.hidden = yes;
    if (yes) {
      window.clearInterval(this.poll);
      this.poll = undefined;
    } else {
      this.poll ??= window.setInterval(() => { void this.fetchRegions(); }, POLL_MS);
    }
  }

  private async fetchRegions(): Promise<void> {
    if (document.hidden || this.polling) return;
    this.polling = true;
    const path = this.pathValue;
    try {
      const response = await fetch(path, { headers: { Accept: "text/html", "CCI-Live": "1" } });
      if (!response.ok || response.redirected) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (path !== this.pathValue) return; // another page came meanwhile
      for (const region of page.querySelectorAll("[data-live]")) {
        const outermost = region.parentElement?.closest("[data-live]") === null;
        if (outermost && this.mine(region.id)) morphById(region.id, region.outerHTML);
      }
    } catch {
      // Still offline; the next round asks again.
    } finally {
      this.polling = false;
    }
  }

  /** What the page shows was deleted: say so and stop following. */
  private gone(html: string): void {
    this.leave();
    const place = this.element.querySelector("[data-live-gone]");
    if (place !== null) place.innerHTML = html;
    this.element.classList.add("is-gone");
  }

  private mine(id: string): boolean {
    return this.onlyValue === "" || id === this.onlyValue;
  }
}
