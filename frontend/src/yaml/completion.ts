/* Completions and prose while one writes a manifest: the fields that may stand here and do not yet, values, kinds and
   apiVersions, and the names of objects where a field refers to one. */
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState, Text } from "@codemirror/state";
import { hoverTooltip, type Tooltip } from "@codemirror/view";
import { head, readLine, wayTo } from "./place";
import type { Knowledge, Schema } from "./schema";

export interface Words {
  required: string;
  oneOf: string;
}

/** The end of a way -> the kind whose name stands there. */
const REFERENCES: [RegExp, string][] = [
  [/(configMapRef|configMapKeyRef)\.name$|\.configMap\.name$/, "ConfigMap"],
  [/(secretRef|secretKeyRef)\.name$|secretName$|imagePullSecrets\.\[\]\.name$/, "Secret"],
  [/persistentVolumeClaim\.claimName$/, "PersistentVolumeClaim"],
  [/serviceAccountName$/, "ServiceAccount"],
  [/scaleTargetRef\.name$/, "Deployment"],
  [/backend\.service\.name$/, "Service"],
  [/storageClassName$/, "StorageClass"],
  [/metadata\.namespace$/, "Namespace"],
];

export function completions(knowledge: Knowledge, namespace: () => string): CompletionSource {
  return async (context) => {
    if (isText(context.state, context.pos)) return null;
    const { doc } = context.state;
    const row = doc.lineAt(context.pos);
    const before = row.text.slice(0, context.pos - row.from);
    const line = readLine(before) ?? { dashes: [], column: before.length, key: "", value: "", valueColumn: before.length };
    const about = await aboutLine(knowledge, doc, row.number);
    if (line.key !== "") return values(knowledge, context, { ...about, namespace: about.namespace || namespace() }, line, row.number);
    const found = await fields(knowledge, context, about, line, row.number);
    if (found !== null || line.dashes.length === 0) return found;
    const way = wayTo(text(doc), row.number, doc.lines, { column: line.column, dashes: line.dashes });
    return scalars(knowledge, { ...about, namespace: about.namespace || namespace() }, way.path, row.from + line.column);
  };
}

export function prose(knowledge: Knowledge, words: Words): ReturnType<typeof hoverTooltip> {
  return hoverTooltip(async (view, position): Promise<Tooltip | null> => {
    const { doc } = view.state;
    const row = doc.lineAt(position);
    const line = readLine(row.text);
    const column = position - row.from;
    if (line === undefined || line.key === "" || isText(view.state, position)) return null;
    const end = row.text.indexOf(":", line.column + line.key.length);
    if (column < line.column || column > end) return null;
    const about = await aboutLine(knowledge, doc, row.number);
    const way = wayTo(text(doc), row.number, doc.lines, line);
    const [schema, parent] = await Promise.all([
      knowledge.at(about.kind, about.version, [...way.path, line.key]),
      knowledge.at(about.kind, about.version, way.path),
    ]);
    if (schema === undefined) return null;
    const required = parent?.r?.includes(line.key) ?? false;
    const dom = card(line.key, schema, required, words);
    return { pos: row.from + line.column, end: row.from + end, above: true, create: () => ({ dom }) };
  }, { hoverTime: 350 });
}

interface About {
  kind: string;
  version: string;
  namespace: string;
}

async function aboutLine(knowledge: Knowledge, doc: Text, number: number): Promise<About> {
  const found = head(text(doc), number, doc.lines);
  const kind = found.kind ?? "";
  const known = (await knowledge.kinds()).find((one) => one.kind === kind);
  const version = found.apiVersion ?? "";
  return {
    kind: known === undefined ? "" : kind,
    version: version !== "" ? version : Object.keys(known?.schemas ?? {})[0] ?? "",
    namespace: found["metadata.namespace"] ?? "",
  };
}

async function fields(
  knowledge: Knowledge,
  context: CompletionContext,
  about: About,
  line: { dashes: number[]; column: number; value: string },
  number: number,
): Promise<CompletionResult | null> {
  const { doc } = context.state;
  if (line.value === "" && !context.explicit && line.dashes.length === 0) return null;
  if (!/^[\w./-]*$/.test(line.value)) return null;
  const way = wayTo(text(doc), number, doc.lines, line);
  const from = doc.line(number).from + line.column;
  if (about.kind === "") {
    if (way.path.length > 0) return null;
    return { from, options: ["apiVersion", "kind", "metadata"].filter((name) => !way.siblings.has(name)).map((name) => key(name, {}, true)) };
  }
  const schema = await knowledge.at(about.kind, about.version, way.path);
  if (schema?.p === undefined) return null;
  const all = await knowledge.fields(about.kind, about.version, schema);
  const options = all
    .filter(([name]) => !way.siblings.has(name))
    .map(([name, field]) => key(name, field, schema.r?.includes(name) ?? false, line.column));
  return { from, options, validFor: /^[\w./-]*$/ };
}

async function values(
  knowledge: Knowledge,
  context: CompletionContext,
  about: About,
  line: { dashes: number[]; column: number; key: string; value: string; valueColumn: number },
  number: number,
): Promise<CompletionResult | null> {
  const { doc } = context.state;
  const way = wayTo(text(doc), number, doc.lines, line);
  const from = doc.line(number).from + line.valueColumn;
  if (from > context.pos || doc.sliceString(from - 1, from) === ":") return null;
  if (way.path.length === 0 && line.key === "kind") return kinds(knowledge, from);
  if (way.path.length === 0 && line.key === "apiVersion") return versions(knowledge, about, from);
  return scalars(knowledge, about, [...way.path, line.key], from);
}

async function scalars(
  knowledge: Knowledge,
  about: About,
  path: string[],
  from: number,
): Promise<CompletionResult | null> {
  const way = path.join(".");
  const named = REFERENCES.find(([pattern]) => pattern.test(way));
  if (named !== undefined) {
    const names = await knowledge.names(named[1], about.namespace);
    return { from, options: names.map((label) => ({ label, detail: named[1], type: "variable" })), validFor: /^[\w.-]*$/ };
  }
  if (about.kind === "") return null;
  const schema = await knowledge.at(about.kind, about.version, path);
  const allowed = schema?.e ?? (schema?.t === "boolean" ? ["true", "false"] : []);
  if (allowed.length === 0) return null;
  return { from, options: allowed.map((value) => ({ label: String(value), type: "enum" })), validFor: /^[\w./-]*$/ };
}

async function kinds(knowledge: Knowledge, from: number): Promise<CompletionResult> {
  const all = await knowledge.kinds();
  const options = all.map((one): Completion => ({ label: one.kind, detail: Object.keys(one.schemas)[0] ?? "", type: "class" }));
  return { from, options, validFor: /^\w*$/ };
}

async function versions(knowledge: Knowledge, about: About, from: number): Promise<CompletionResult> {
  const all = (await knowledge.kinds()).filter((one) => about.kind === "" || one.kind === about.kind);
  const labels = new Set(all.flatMap((one) => Object.keys(one.schemas)));
  return { from, options: [...labels].map((label) => ({ label, type: "namespace" })), validFor: /^[\w./]*$/ };
}

/** A field, and what comes behind it: a value on its line, or a line below it. */
function key(name: string, schema: Schema, required: boolean, column = 0): Completion {
  const below = schema.p !== undefined || schema.t === "object" || schema.a !== undefined;
  const indent = `\n${" ".repeat(column + 2)}`;
  const apply = schema.i !== undefined || schema.t === "array" ? `${name}:${indent}- ` : `${name}:${below ? indent : " "}`;
  return { label: name, apply, detail: type(schema), type: "property", boost: required ? 1 : 0, ...(schema.d === undefined ? {} : { info: schema.d }) };
}

function type(schema: Schema): string {
  if (schema.i !== undefined) return `${type(schema.i)}[]`;
  if (schema.a !== undefined) return `map[${type(schema.a)}]`;
  return schema.f === "int-or-string" ? schema.f : schema.t ?? (schema.$?.split(".").pop() ?? "");
}

function card(name: string, schema: Schema, required: boolean, words: Words): HTMLElement {
  const dom = element("div", "yaml-prose", "");
  const title = element("p", "yaml-prose__title", "");
  title.append(element("code", "", name), element("span", "yaml-prose__type", type(schema)));
  if (required) title.append(element("span", "yaml-prose__required", words.required));
  dom.append(title);
  if (schema.d !== undefined) dom.append(element("p", "", schema.d));
  if (schema.e !== undefined) dom.append(element("p", "yaml-prose__type", `${words.oneOf} ${schema.e.join(", ")}`));
  return dom;
}

function element(tag: string, css: string, words: string): HTMLElement {
  return Object.assign(document.createElement(tag), { className: css, textContent: words });
}

function text(doc: Text): (number: number) => string {
  return (number) => doc.line(number).text;
}

/** A comment, or the lines of a block of text: nothing there is a field. */
function isText(state: EditorState, position: number): boolean {
  const name = syntaxTree(state).resolveInner(position, -1).name;
  return name === "Comment" || name === "BlockLiteralContent";
}
