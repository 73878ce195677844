/* A line of a log: from the text that comes over the wire to the element that is seen. No state of its own. */

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/;
const BAD = /\b(error|fatal|panic|exception|traceback)\b/i;
const BAD_LEVEL = /^(err|error|fatal|panic|crit|critical|emerg|alert|[5-6]0)$/i;
const WARN_LEVEL = /^(warn|warning|40)$/i;
const LEVELS = ["level", "lvl", "severity", "levelname", "log.level"];
const MESSAGES = ["message", "msg", "event", "text"];
const TIMES = ["time", "timestamp", "ts", "@timestamp", "t"];
const LONGEST_JSON = 64 * 1024;
const COLOURS = 8;

/** `source` is `pod/container` of a log that is merged of several, else "". A line without `stamp` is the console's own
    words. `shown` is the text as it is searched. */
export interface Line {
  readonly number: number;
  readonly stamp: string;
  readonly source: string;
  readonly text: string;
}

export interface Look {
  readonly needle: RegExp | undefined;
  readonly current: number;
  readonly json: boolean;
  readonly open: ReadonlySet<number>;
  readonly colour: (source: string) => number;
  readonly name: (source: string) => string;
}

export function parsed(text: string, number: number, merged: boolean): Line {
  const stamp = STAMP.exec(text);
  let rest = text.slice(stamp?.[0].length ?? 0).replace(/\r$/, "");
  let source = "";
  if (merged && stamp !== null) {
    const end = rest.indexOf(" ");
    source = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? "" : rest.slice(end + 1);
  }
  return { number, stamp: stamp?.[1] ?? "", source, text: rest };
}

export function drawn(line: Line, look: Look): HTMLElement {
  const element = document.createElement("div");
  element.className = "log__line";
  element.dataset.line = String(line.number);
  if (line.stamp !== "") element.append(timeOf(line.stamp));
  if (line.source !== "") {
    const name = span(`log__source log__source--${look.colour(line.source).toString()}`, look.name(line.source));
    name.title = line.source;
    element.append(name);
  }
  const object = look.json ? objectOf(line.text) : undefined;
  const isHit = look.needle?.test(line.text) ?? false;
  if (object === undefined) {
    element.append(marked(line.text, isHit ? look.needle : undefined));
    element.classList.toggle("log__line--bad", BAD.test(line.text));
  } else {
    element.append(folded(object, look.open.has(line.number), isHit ? look.needle : undefined));
    element.classList.toggle("log__line--bad", BAD_LEVEL.test(levelOf(object)));
  }
  element.classList.toggle("log__line--match", isHit);
  element.classList.toggle("log__line--current", look.current === line.number);
  return element;
}

export function noted(text: string): HTMLElement {
  const element = document.createElement("div");
  element.className = "log__line log__line--note";
  element.textContent = text;
  return element;
}

/** One of a few colours; the same for as long as the page is there. */
export function colours(): (source: string) => number {
  const known = new Map<string, number>();
  return (source) => {
    const pod = podOf(source);
    const found = known.get(pod) ?? known.size % COLOURS;
    known.set(pod, found);
    return found;
  };
}

export function podOf(source: string): string {
  return source.includes("/") ? source.slice(0, source.indexOf("/")) : source;
}

function timeOf(stamp: string): HTMLElement {
  const time = document.createElement("time");
  time.className = "log__time";
  time.dateTime = stamp;
  time.textContent = stamp.slice(11, 23).replace("Z", "");
  return time;
}

function span(name: string, text: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

function marked(text: string, needle: RegExp | undefined): HTMLSpanElement {
  const element = span("log__text", "");
  if (needle === undefined) {
    element.textContent = text;
    return element;
  }
  let done = 0;
  for (const hit of text.matchAll(new RegExp(needle.source, `${needle.flags}g`))) {
    if (hit[0] === "") continue;
    const mark = document.createElement("mark");
    mark.textContent = hit[0];
    element.append(text.slice(done, hit.index), mark);
    done = hit.index + hit[0].length;
  }
  element.append(text.slice(done));
  return element;
}

function folded(object: Record<string, unknown>, open: boolean, needle: RegExp | undefined): HTMLElement {
  const details = document.createElement("details");
  details.className = "log__json";
  details.open = open;
  const summary = document.createElement("summary");
  const level = levelOf(object);
  if (level !== "") {
    const tone = BAD_LEVEL.test(level) ? " log__level--bad" : WARN_LEVEL.test(level) ? " log__level--warn" : "";
    summary.append(span(`log__level${tone}`, level), " ");
  }
  const message = first(object, MESSAGES);
  const taken = new Set([...LEVELS, ...TIMES, ...(message === "" ? [] : MESSAGES)]);
  const others = Object.entries(object).filter(([key]) => !taken.has(key));
  const rest = others.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  if (message !== "") summary.append(marked(message, needle), " ");
  const fields = marked(rest, needle);
  fields.classList.add("log__fields");
  summary.append(fields);
  const pretty = document.createElement("pre");
  pretty.append(marked(JSON.stringify(object, null, 2), needle));
  details.append(summary, pretty);
  return details;
}

/** undefined for what is no JSON object. */
function objectOf(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith("{") || !text.trimEnd().endsWith("}") || text.length > LONGEST_JSON) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function levelOf(object: Record<string, unknown>): string {
  return first(object, LEVELS);
}

function first(object: Record<string, unknown>, keys: readonly string[]): string {
  for (const key of keys) {
    const value = object[key];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return "";
}
