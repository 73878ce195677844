/* Where in a YAML text one stands: the way of keys to a line, by indentation. A text that is being typed is rarely whole,
   so this asks lines and not a tree. `containers:`, `- name: a`, `  image: b`: the last line's way is containers, [], image. */

export const ITEM = "[]";

export interface Line {
  /** Columns of its dashes. */
  dashes: number[];
  /** Where its key (or, without one, its value) begins. */
  column: number;
  key: string;
  /** What stands behind the colon; of an item without a key, all of it. */
  value: string;
  /** Where the value begins. */
  valueColumn: number;
}

export interface Way {
  path: string[];
  /** Keys of the same mapping, the asked line's own left out. */
  siblings: Set<string>;
}

type Lines = (number: number) => string;

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'[\]{},&*!|>%@`-][^#]*?|-[^\s][^#]*?):(?=\s|$)/;

/** Undefined for what is empty or a comment. */
export function readLine(text: string): Line | undefined {
  let column = 0;
  const dashes: number[] = [];
  for (;;) {
    while (text[column] === " ") column += 1;
    if (text[column] !== "-" || !(text[column + 1] === " " || text[column + 1] === undefined)) break;
    dashes.push(column);
    column += 1;
  }
  if (dashes.length === 0 && (column >= text.length || text[column] === "#")) return undefined;
  const rest = text.slice(column);
  const match = KEY.exec(rest);
  if (match === null) return { dashes, column, key: "", value: rest.trim(), valueColumn: column };
  const after = rest.slice(match[0].length);
  const valueColumn = column + match[0].length + (after.length - after.trimStart().length);
  return { dashes, column, key: (match[1] ?? "").replace(/^["']|["']$/g, ""), value: after.trim(), valueColumn };
}

export function isBorder(text: string): boolean {
  return /^(---|\.\.\.)(\s|$)/.test(text);
}

/** The way to the mapping whose keys begin at `column` on line `at` (from 1), were one to write such a key there. */
export function wayTo(lines: Lines, at: number, count: number, here: { column: number; dashes: number[] }): Way {
  const path: string[] = [];
  const siblings = new Set<string>();
  let level = here.column;
  let items = false;
  let first = true;
  if (here.dashes.length > 0) {
    path.unshift(...here.dashes.map(() => ITEM));
    level = here.dashes[0] ?? 0;
    items = true;
  }
  for (let number = at - 1; number >= 1 && (level > 0 || items || first); number -= 1) {
    const text = lines(number);
    if (isBorder(text)) break;
    const line = readLine(text);
    if (line === undefined) continue;
    const dash = line.dashes[0];
    if (items) {
      if (dash !== undefined && dash <= level && line.column > level) {
        if (dash === level) continue;
      }
      if (line.key === "" || line.column > level) continue;
      path.unshift(line.key);
    } else {
      const begins = line.column === level;
      if (begins && first && here.dashes.length === 0 && line.key !== "") siblings.add(line.key);
      if (begins && dash === undefined) continue;
      if (line.column > level || line.key === "") continue;
      if (!begins) path.unshift(line.key);
    }
    first = false;
    if (dash === undefined) {
      level = line.column;
      items = false;
    } else {
      path.unshift(...line.dashes.map(() => ITEM));
      level = dash;
      items = true;
    }
    if (level === 0 && !items) break;
  }
  below(lines, at, count, here.column, siblings);
  return { path, siblings };
}

function below(lines: Lines, at: number, count: number, column: number, siblings: Set<string>): void {
  for (let number = at + 1; number <= count; number += 1) {
    const text = lines(number);
    if (isBorder(text)) return;
    const line = readLine(text);
    if (line === undefined) continue;
    const start = line.dashes[0] ?? line.column;
    if (start < column) return;
    if (line.column === column && line.dashes.length === 0 && line.key !== "") siblings.add(line.key);
  }
}

/** A top-level scalar (`kind`), or metadata's (`metadata.namespace`), of the document that line `at` stands in. */
export function head(lines: Lines, at: number, count: number): Record<string, string> {
  let top = at;
  while (top > 1 && !isBorder(lines(top - 1)) ) top -= 1;
  const found: Record<string, string> = {};
  let inside = "";
  for (let number = top; number <= count; number += 1) {
    const text = lines(number);
    if (isBorder(text)) {
      if (number > at) break;
      continue;
    }
    const line = readLine(text);
    if (line?.key === undefined || line.key === "") continue;
    if (line.column === 0) {
      inside = line.key;
      found[line.key] ??= plain(line.value);
    } else if (inside === "metadata" && line.key === "namespace") {
      found["metadata.namespace"] ??= plain(line.value);
    }
  }
  return found;
}

function plain(value: string): string {
  return value.replace(/\s+#.*$/, "").replace(/^["']|["']$/g, "");
}
