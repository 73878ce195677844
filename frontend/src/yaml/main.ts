/* The YAML editor's own bundle, loaded by the pages that show one (behaviours/editor.ts): the text with its colours. What a
   person who only reads does not need (completion, prose, markers, search, folding) is a second bundle (more.ts), which
   comes with the first key, with the pointer, or with the first marker. */
import { history, historyKeymap, indentLess, indentMore, insertNewlineAndIndent, standardKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { Checks, type Checked, type Mark } from "./checks";
import type { Words } from "./completion";
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

type More = typeof import("./more");

/** The second bundle, once it is wanted. A bundle that does not come is asked for again by the next key. */
class Later {
  private readonly place = new Compartment();
  private coming: Promise<More | undefined> | undefined;
  private view: EditorView | undefined;

  constructor(private readonly knowledge: Knowledge, private readonly options: Options) {}

  get extension() {
    return this.place.of([]);
  }

  of(view: EditorView): void {
    this.view = view;
  }

  get isWanted(): boolean {
    return this.coming !== undefined;
  }

  now(): Promise<More | undefined> {
    const asked = this.view?.state.doc;
    this.coming ??= import("./more").then(
      (more) => {
        this.view?.dispatch({ effects: this.place.reconfigure(more.extensions(this.knowledge, this.options)) });
        if (this.view !== undefined && this.view.state.doc !== asked) more.startCompletion(this.view); // typed meanwhile
        return more;
      },
      () => this.coming = undefined,
    );
    return this.coming;
  }
}

export function writer(place: HTMLElement, options: Options): Writer {
  const knowledge = new Knowledge(options.addresses);
  const later = new Later(knowledge, options);
  const listener = EditorView.updateListener.of((update) => {
    if (update.docChanged) {
      options.changed(update.state.doc.toString());
      checks.soon();
    }
    if (update.docChanged || update.selectionSet) options.moved(update.state.doc.lineAt(update.state.selection.main.head).number);
  });
  const view = new EditorView({
    parent: place,
    state: EditorState.create({ doc: options.text, extensions: [...extensions(later, options), listener] }),
  });
  later.of(view);
  const checks = new Checks(view, options.check, (marks, asked) => { mark(view, later, marks, asked); }, (documents) => {
    for (const one of documents ?? []) knowledge.learn(one.kind);
    options.told(documents);
  });
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

function extensions(later: Later, options: Options) {
  const wanted = (): boolean => { void later.now(); return false; };
  return [
    EditorView.domEventHandlers({ keydown: wanted, pointermove: wanted, pointerdown: wanted, paste: wanted, drop: wanted }),
    lineNumbers(),
    later.extension,
    history(),
    indentUnit.of("  "),
    yaml(),
    theme,
    syntaxHighlighting(colours),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    EditorView.contentAttributes.of({
      "tabindex": "0",
      "id": "yaml-text",
      "aria-label": options.label,
      "aria-describedby": options.describedBy,
      "spellcheck": "false",
      "autocapitalize": "off",
    }),
    keymap.of([
      { key: "Mod-f", run: (view) => { void later.now().then((more) => more?.openSearchPanel(view)); return true; } },
      { key: "Ctrl-Space", run: (view) => { void later.now().then((more) => more?.startCompletion(view)); return true; } },
      { key: "Tab", run: tab },
      { key: "Shift-Tab", run: (view) => !leaving && indentLess(view) },
      { key: "Escape", run: () => { leaving = true; return false; } },
      { any: (_view, event) => { if (event.key !== "Escape" && event.key !== "Tab") leaving = false; return false; } },
      { key: "Enter", run: insertNewlineAndIndent },
      ...historyKeymap,
      { key: "Mod-]", run: indentMore },
      { key: "Mod-[", run: indentLess },
      ...standardKeymap,
    ]),
  ];
}

/** Markers at their lines, while the text is still the one they were found in. */
function mark(view: EditorView, later: Later, marks: Mark[], asked: EditorState["doc"]): void {
  if (marks.length === 0 && !later.isWanted) return;
  void later.now().then((more) => {
    if (more !== undefined && view.dom.isConnected && view.state.doc.eq(asked)) view.dispatch(more.setDiagnostics(view.state, marks));
  });
}

/** Indents whole lines when several are selected, else writes spaces. A completion that is open is accepted before (more.ts). */
function tab(view: EditorView): boolean {
  if (leaving) {
    leaving = false;
    return false;
  }
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
