/* Shells in a pod's containers, several side by side. The terminal itself is a bundle of its own, loaded when it is
   needed. A shell that ended, or a connection that was lost, says so in its own screen; Enter starts it again there.

<section class="terminals" data-controller="terminal" data-terminal-module-value="/static/terminal.js" data-terminal-style-value="/static/terminal.css"
         data-terminal-url-value="/terminal/?namespace=shop&pod=web-1" data-terminal-lost-value="…" data-terminal-again-value="…">
  <div role="tablist" data-terminal-target="tabs" data-action="keydown->terminal#walk"></div>
  <select data-terminal-target="container"></select> <select data-terminal-target="shell"></select>
  <button data-action="terminal#add">New terminal</button> <button data-action="terminal#close">Close</button>
  <div data-terminal-target="screens"></div>
</section> */
import { Controller } from "@hotwired/stimulus";
import type { Screen } from "../terminal/main";

interface Bundle {
  screen(place: HTMLElement): Screen;
}

const SIGNED_OUT = 4401;
const MOST_BYTES_AT_ONCE = 16 * 1024;

export default class Terminals extends Controller<HTMLElement> {
  static override targets = ["tabs", "screens", "container", "shell"];
  static override values = { module: String, style: String, url: String, lost: String, again: String };
  declare readonly tabsTarget: HTMLElement;
  declare readonly screensTarget: HTMLElement;
  declare readonly containerTarget: HTMLSelectElement;
  declare readonly shellTarget: HTMLSelectElement;
  declare readonly moduleValue: string;
  declare readonly styleValue: string;
  declare readonly urlValue: string;
  declare readonly lostValue: string;
  declare readonly againValue: string;
  private readonly shells = new Map<string, Shell>();
  private bundle: Promise<Bundle> | undefined;
  private number = 0;
  private watching: ResizeObserver | undefined;

  override connect(): void {
    this.watching = new ResizeObserver(() => { this.current()?.fit(); });
    this.watching.observe(this.screensTarget);
    void this.add();
  }

  override disconnect(): void {
    this.watching?.disconnect();
    for (const shell of this.shells.values()) shell.end();
    this.shells.clear();
    this.tabsTarget.replaceChildren();
    this.screensTarget.replaceChildren();
  }

  async add(): Promise<void> {
    const bundle = await (this.bundle ??= this.load());
    if (!this.element.isConnected) return;
    this.number += 1;
    const id = `terminal-${this.number}`;
    const url = new URL(this.urlValue, location.href.replace(/^http/, "ws"));
    url.searchParams.set("container", this.containerTarget.value);
    url.searchParams.set("shell", this.shellTarget.value);
    const place = document.createElement("div");
    place.className = "terminals__screen";
    place.id = id;
    place.setAttribute("role", "tabpanel");
    place.setAttribute("aria-labelledby", `${id}-tab`);
    this.screensTarget.append(place);
    this.tabsTarget.append(this.tab(id, `${this.containerTarget.value} ${this.number}`));
    this.choose(id);
    this.shells.set(id, new Shell(bundle.screen(place), url, { lost: this.lostValue, again: this.againValue }));
    this.current()?.focus();
  }

  /** Arrow keys go from tab to tab; Delete closes one. */
  walk(event: KeyboardEvent): void {
    const tabs = [...this.tabsTarget.querySelectorAll<HTMLElement>("[role=tab]")];
    const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step !== undefined) {
      const next = tabs[(at + step + tabs.length) % tabs.length];
      if (next === undefined) return;
      this.choose(next.dataset.of ?? "");
      next.focus();
    } else if (event.key === "Delete") {
      this.drop(tabs[at]?.dataset.of ?? "");
    }
  }

  private tab(id: string, words: string): HTMLElement {
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", id: `${id}-tab`, textContent: words, className: "chip" });
    tab.dataset.of = id;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", id);
    tab.addEventListener("click", () => { this.choose(id); this.current()?.focus(); });
    return tab;
  }

  private choose(id: string): void {
    for (const tab of this.tabsTarget.querySelectorAll<HTMLElement>("[role=tab]")) {
      const chosen = tab.dataset.of === id;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    for (const place of this.screensTarget.children) (place as HTMLElement).hidden = place.id !== id;
    this.shells.get(id)?.fit();
  }

  /** The one that is looked at. */
  close(): void {
    this.drop(this.chosen());
    this.current()?.focus();
  }

  private drop(id: string): void {
    this.shells.get(id)?.end();
    this.shells.delete(id);
    document.getElementById(`${id}-tab`)?.remove();
    document.getElementById(id)?.remove();
    const last = [...this.shells.keys()].pop();
    if (last !== undefined) this.choose(last);
  }

  private current(): Shell | undefined {
    return this.shells.get(this.chosen());
  }

  private chosen(): string {
    return this.tabsTarget.querySelector<HTMLElement>("[role=tab][aria-selected=true]")?.dataset.of ?? "";
  }

  private async load(): Promise<Bundle> {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: this.styleValue });
    const styled = new Promise((resolve) => { style.onload = style.onerror = resolve; });
    document.head.append(style);
    const [bundle] = await Promise.all([import(this.moduleValue) as Promise<Bundle>, styled]);
    return bundle;
  }
}

/** One terminal and its socket. */
class Shell {
  private socket: WebSocket | undefined;
  private over = false;

  constructor(
    private readonly screen: Screen,
    private readonly url: URL,
    private readonly words: { lost: string; again: string },
  ) {
    const { terminal } = screen;
    terminal.onData((text) => { this.typed(new TextEncoder().encode(text)); });
    terminal.onBinary((text) => { this.typed(Uint8Array.from(text, (letter) => letter.charCodeAt(0))); });
    terminal.onResize(({ cols, rows }) => { this.send(JSON.stringify({ columns: cols, rows })); });
    terminal.attachCustomKeyEventHandler((event) => !copies(event, terminal.hasSelection()));
    this.start();
  }

  fit(): void {
    this.screen.fit();
  }

  focus(): void {
    this.screen.terminal.focus();
  }

  end(): void {
    this.over = true;
    this.socket?.close();
    this.screen.terminal.dispose();
  }

  private start(): void {
    const { cols, rows } = this.screen.terminal;
    this.url.searchParams.set("columns", String(cols));
    this.url.searchParams.set("rows", String(rows));
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    let told = "";
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === "string") told = (JSON.parse(data) as { ended?: string }).ended ?? "";
      else this.screen.terminal.write(new Uint8Array(data));
    };
    socket.onclose = ({ code }) => {
      if (this.over) return;
      this.socket = undefined;
      if (code === SIGNED_OUT) location.reload();
      else this.screen.terminal.write(`\r\n\x1b[2m${told || this.words.lost} ${this.words.again}\x1b[0m\r\n`);
    };
    this.socket = socket;
  }

  /** What is pasted goes in pieces, so that the other side can hold it up. */
  private typed(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.socket === undefined) {
      if (bytes.length === 1 && bytes[0] === 13) this.start();
      return;
    }
    for (let at = 0; at < bytes.length; at += MOST_BYTES_AT_ONCE) this.send(bytes.subarray(at, at + MOST_BYTES_AT_ONCE));
  }

  /** What is typed before the connection stands goes when it does. */
  private send(data: string | Uint8Array<ArrayBuffer>): void {
    const socket = this.socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(data);
    else if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => { socket.send(data); }, { once: true });
  }
}

/** Ctrl+C with something selected copies it, Ctrl+V pastes (the browser's own): neither is for the shell. */
function copies(event: KeyboardEvent, selected: boolean): boolean {
  if (event.type !== "keydown" || !(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const key = event.key.toLowerCase();
  return (key === "c" && (selected || event.shiftKey)) || key === "v";
}
