/* The YAML editor's own bundle, loaded by the pages that show one (behaviours/editor.ts). */
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore, insertNewlineAndIndent } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { Checks, type Checked } from "./checks";
import { completions, prose, type Words } from "./completion";
import { Knowledge, type Addresses } from "./schema";
import { colours, theme } from "./theme";

export type { Checked } from "./checks";

export interface Options {
  text: string;
  label: string;
  describedBy: string;
  words: Words;
  addresses: () => Addresses;
  namespace: () => string;
  changed: (text: string) => void;
  moved: (line: number) => void;
  check: (text: string, signal: AbortSignal) => Promise<Checked[] | undefined>;
  told: (documents: Checked[] | undefined) => void;
}

export interface Writer {
  text(): string;
  /** Another text in its place, as if typed. */
  write(text: string): void;
  go(line: number): void;
  focus(): void;
  check(): void;
  end(): void;
}

/** Esc gives the next Tab back to the keyboard's user. */
let leaving = false;

export function writer(place: HTMLElement, options: Options): Writer {
  const knowledge = new Knowledge(options.addresses);
  const listener = EditorView.updateListener.of((update) => {
    if (update.docChanged) {
      options.changed(update.state.doc.toString());
      checks.soon();
    }
    if (update.docChanged || update.selectionSet) options.moved(update.state.doc.lineAt(update.state.selection.main.head).number);
  });
  const view = new EditorView({
    parent: place,
    state: EditorState.create({ doc: options.text, extensions: [...extensions(knowledge, options), listener] }),
  });
  const checks = new Checks(view, options.check, (documents) => {
    for (const one of documents ?? []) knowledge.learn(one.kind);
    options.told(documents);
  });
  void knowledge.kinds();
  if (options.text.trim() !== "") checks.soon(0);
  return {
    text: () => view.state.doc.toString(),
    write: (text) => { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }); },
    go: (line) => { go(view, line); },
    focus: () => { view.focus(); },
    check: () => { checks.soon(0); },
    end: () => {
      checks.end();
      view.destroy();
    },
  };
}

function extensions(knowledge: Knowledge, options: Options) {
  return [
    lineNumbers(),
    foldGutter(),
    lintGutter(),
    history(),
    drawSelection(),
    indentUnit.of("  "),
    yaml(),
    theme,
    syntaxHighlighting(colours),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    search({ top: true }),
    autocompletion({ override: [completions(knowledge, options.namespace)], icons: false }),
    prose(knowledge, options.words),
    EditorView.contentAttributes.of({
      "tabindex": "0",
      "id": "yaml-text",
      "aria-label": options.label,
      "aria-describedby": options.describedBy,
      "spellcheck": "false",
      "autocapitalize": "off",
    }),
    keymap.of([
      { key: "Tab", run: tab },
      { key: "Shift-Tab", run: (view) => !leaving && indentLess(view) },
      { key: "Escape", run: (view) => { leaving = completionStatus(view.state) === null; return false; } },
      { any: (_view, event) => { if (event.key !== "Escape" && event.key !== "Tab") leaving = false; return false; } },
      { key: "Enter", run: (view) => acceptCompletion(view) || insertNewlineAndIndent(view) },
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...lintKeymap,
      ...defaultKeymap,
    ]),
  ];
}

/** Accepts a completion, indents whole lines when several are selected, else writes spaces. */
function tab(view: EditorView): boolean {
  if (leaving) {
    leaving = false;
    return false;
  }
  if (acceptCompletion(view)) return true;
  const { main } = view.state.selection;
  if (!main.empty && view.state.doc.lineAt(main.from).number !== view.state.doc.lineAt(main.to).number) return indentMore(view);
  view.dispatch(view.state.replaceSelection("  "));
  return true;
}

function go(view: EditorView, number: number): void {
  const row = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
  view.dispatch({ selection: { anchor: row.from, head: row.to }, effects: EditorView.scrollIntoView(row.from, { y: "center" }) });
  view.focus();
}
