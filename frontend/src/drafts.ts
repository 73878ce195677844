/* What somebody typed and has not sent: in this tab, which brings it back by itself, and in this browser, for when the tab is
   closed. A week old it is forgotten; who signs out leaves nothing. A text with a Secret stays in its tab. */
export type Fields = [string, string][];

/** Where a draft is now; "" is nowhere. */
export type Kept = "browser" | "tab" | "";

interface Left {
  at: number;
  fields: Fields;
}

const WEEK = 7 * 24 * 3600 * 1000;
const MOST = 1_000_000;
const SIGN_OUT = "/sign-out/";

/** Told on the document: whoever wrote here signs out, in this tab or another one. */
export const FORGOTTEN = "drafts:forgotten";

/** `kind: Secret` (or a list of them, or a kind that an alias says) in YAML and JSON, in whatever quotes, with a tag, anchor
    or comment between, and inside of another text's quotes. It rather finds one too many. */
const SECRET = /kind\\*["']?(?:\s|#[^\n]*\n)*:(?:\s|#[^\n]*\n|[!&|>]\S*\s)*(?:\*\S|\\*["']?secret(?:list)?\b)/i;

export class Draft {
  constructor(private readonly name: string) {}

  /** Of this tab. */
  get here(): Fields | undefined {
    return read(sessionStorage, this.name) as Fields | undefined;
  }

  /** Of a tab that is not there any more, or another one. */
  get left(): Left | undefined {
    return this.tend();
  }

  /** What is too old, or may not stay in the browser, goes. */
  tend(): Left | undefined {
    const found = read(localStorage, this.name) as Left | undefined;
    if (found !== undefined && Date.now() - found.at < WEEK && !hasSecret(found.fields)) return found;
    this.discard();
    return undefined;
  }

  /** What cannot be kept takes the older draft with it: to get that back would be worse than nothing. */
  keep(fields: Fields, { everywhere }: { everywhere: boolean }): Kept {
    const inTab = put(sessionStorage, this.name, JSON.stringify(fields)) ? "tab" : "";
    if (!everywhere) return inTab;
    if (hasSecret(fields)) {
      this.discard();
      return inTab;
    }
    return put(localStorage, this.name, JSON.stringify({ at: Date.now(), fields } satisfies Left)) ? "browser" : inTab;
  }

  discard(): void {
    localStorage.removeItem(this.name);
  }

  forget(): void {
    sessionStorage.removeItem(this.name);
    this.discard();
  }
}

/** Who signs out leaves no drafts behind, whichever form they do it by; what may not stay in the browser goes at once. */
export function tendDrafts(): void {
  for (const name of names(localStorage)) new Draft(name).tend();
  const tabs = new BroadcastChannel(FORGOTTEN);
  tabs.addEventListener("message", forgetAll);
  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement) || !leadsTo(SIGN_OUT, event.target.getAttribute("action") ?? "")) return;
    forgetAll();
    tabs.postMessage("");
  });
}

export function leadsTo(path: string, address: string): boolean {
  return new URL(address, window.location.href).pathname.endsWith(path);
}

function forgetAll(): void {
  for (const place of [sessionStorage, localStorage]) for (const name of names(place)) place.removeItem(name);
  document.dispatchEvent(new Event(FORGOTTEN));
}

function names(place: Storage): string[] {
  return Object.keys(place).filter((name) => name.startsWith("draft "));
}

function hasSecret(fields: Fields): boolean {
  return fields.some(([, value]) => typeof value === "string" && SECRET.test(unescaped(value)));
}

/** Letters that a text of YAML or JSON writes by their number, and lines that it breaks. */
function unescaped(text: string): string {
  const numbered = /\\+(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U000([\da-fA-F]{5}))/g;
  return text.replace(/\\\r?\n\s*/g, "").replace(numbered, (_all, ...found: (string | undefined)[]) => {
    const number = found.slice(0, 3).find((one) => one !== undefined) ?? "";
    return String.fromCodePoint(parseInt(number, 16));
  });
}

/** Whether it stands there now; else nothing does. */
function put(place: Storage, name: string, text: string): boolean {
  try {
    if (text.length <= MOST) {
      place.setItem(name, text);
      return true;
    }
  } catch {
    // full
  }
  place.removeItem(name);
  return false;
}

function read(place: Storage, name: string): unknown {
  try {
    return JSON.parse(place.getItem(name) ?? "null") ?? undefined;
  } catch {
    return undefined; // not ours
  }
}
