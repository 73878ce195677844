/* A text of YAML. The server sends a textarea; the editor itself (colours, completion, prose, markers, the list of
   documents) is a bundle of its own, loaded where there is one. Without it: line numbers, Tab and Shift+Tab indent, Enter
   keeps the indentation. With and without: a chosen or dropped file becomes the text, a line can be gone to, and Esc gives
   the next Tab back to the keyboard's user. The textarea always holds the text that is sent.
   <form data-controller="editor" data-editor-most-value="3145728" data-editor-module-value="/static/yaml.js" data-editor-kinds-value="…"
         data-editor-names-value="…" data-editor-check-value="…" data-editor-edited-value="Deployment/web" data-editor-namespace-value="shop"
         data-action="dragover->editor#over dragleave->editor#out drop->editor#drop:capture">
     <div class="writer"><pre data-editor-target="lines"></pre><div id="writer" data-kept data-editor-target="place"></div>
       <textarea data-editor-target="text" data-action="keydown->editor#key input->editor#count scroll->editor#scroll"></textarea></div>
     <input type="file" data-editor-target="file" data-action="editor#open"><ul data-editor-target="problem" data-too-long="…"></ul>
     <a data-action="editor#go:prevent" data-editor-line-param="12">line 12</a>
     <ol id="outline" data-kept data-editor-target="outline"></ol></form> */
import { Controller } from "@hotwired/stimulus";
import type { Checked, Options, Writer } from "../yaml/main";
import { outline } from "../yaml/outline";

const INDENT = "  ";
const MOST_NUMBERED = 20_000;

interface Bundle {
  writer(place: HTMLElement, options: Options): Writer;
}

export default class Editor extends Controller<HTMLElement> {
  static override targets = ["text", "lines", "file", "problem", "place", "outline", "count"];
  static override values = {
    most: Number, module: String, kinds: String, names: String, check: String, edited: String, namespace: String,
    required: String, oneOf: String, line: String, away: String,
  };
  declare readonly textTarget: HTMLTextAreaElement;
  declare readonly linesTarget: HTMLElement;
  declare readonly fileTarget: HTMLInputElement;
  declare readonly hasFileTarget: boolean;
  declare readonly problemTarget: HTMLElement;
  declare readonly placeTarget: HTMLElement;
  declare readonly outlineTarget: HTMLElement;
  declare readonly countTarget: HTMLElement;
  declare readonly mostValue: number;
  declare readonly moduleValue: string;
  declare readonly kindsValue: string;
  declare readonly namesValue: string;
  declare readonly checkValue: string;
  declare readonly editedValue: string;
  declare readonly namespaceValue: string;
  declare readonly requiredValue: string;
  declare readonly oneOfValue: string;
  declare readonly lineValue: string;
  declare readonly awayValue: string;
  private leaving = false;
  private writer: Writer | undefined;
  private documents: Checked[] = [];
  private at = 1;

  private readonly answered = (event: Event): void => {
    this.count();
    if (event.target !== document.body || this.writer === undefined) return;
    if (this.writer.text() !== this.textTarget.value) this.writer.write(this.textTarget.value);
    else this.writer.check();
    if (this.textTarget.autofocus || this.textTarget.hasAttribute("aria-invalid")) this.writer.focus();
  };

  override connect(): void {
    this.count();
    document.addEventListener("htmx:afterSettle", this.answered);
    void this.load();
  }

  override disconnect(): void {
    document.removeEventListener("htmx:afterSettle", this.answered);
    this.writer?.end();
    this.writer = undefined;
    this.element.querySelector("[data-editor-target=place]")?.replaceChildren();
  }

  count(): void {
    let lines = 1;
    for (let at = this.textTarget.value.indexOf("\n"); at >= 0; at = this.textTarget.value.indexOf("\n", at + 1)) lines += 1;
    const numbered = Math.min(lines, MOST_NUMBERED);
    const numbers = Array.from({ length: numbered }, (_nothing, index) => String(index + 1)).join("\n");
    if (this.linesTarget.textContent !== numbers) this.linesTarget.textContent = numbers;
    this.scroll();
  }

  scroll(): void {
    this.linesTarget.scrollTop = this.textTarget.scrollTop;
  }

  key(event: KeyboardEvent): void {
    const plain = !(event.altKey || event.ctrlKey || event.metaKey || event.isComposing);
    if (event.key === "Tab" && plain && !this.leaving) {
      event.preventDefault();
      this.indent(event.shiftKey);
    } else if (event.key === "Enter" && plain && !event.shiftKey) {
      event.preventDefault();
      this.insert(`\n${this.indentation()}`);
    }
    this.leaving = event.key === "Escape";
  }

  async open(): Promise<void> {
    await this.take([...this.fileTarget.files ?? []]);
    this.fileTarget.value = "";
  }

  over(event: DragEvent): void {
    if (!(event.dataTransfer?.types.includes("Files") ?? false)) return;
    event.preventDefault();
    this.element.classList.add("is-dropping");
  }

  out(event: DragEvent): void {
    if (event.relatedTarget instanceof Node && this.element.contains(event.relatedTarget)) return;
    this.element.classList.remove("is-dropping");
  }

  drop(event: DragEvent): void {
    this.element.classList.remove("is-dropping");
    const files = [...event.dataTransfer?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    void this.take(files);
  }

  go({ params }: { params: { line: number } }): void {
    if (this.writer !== undefined) {
      this.writer.go(params.line);
      return;
    }
    const before = this.textTarget.value.split("\n").slice(0, params.line - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    const end = this.textTarget.value.indexOf("\n", start);
    this.textTarget.focus();
    this.textTarget.setSelectionRange(start, end < 0 ? this.textTarget.value.length : end);
    const height = this.textTarget.scrollHeight / (this.textTarget.value.split("\n").length + 1);
    this.textTarget.scrollTop = Math.max(0, (params.line - 4) * height);
  }

  /** The text that a draft brought back (behaviours/form.ts). */
  read(): void {
    this.count();
    if (this.writer !== undefined) this.writer.write(this.textTarget.value);
  }

  /** What depends on another field of the form than the text. */
  again(): void {
    this.writer?.check();
  }

  private async load(): Promise<void> {
    const bundle = await (import(this.moduleValue) as Promise<Bundle>).catch(() => undefined);
    if (bundle === undefined || !this.element.isConnected || this.writer !== undefined) return;
    const focused = document.activeElement === this.textTarget;
    const labelled = this.textTarget.labels[0]?.textContent ?? "";
    this.placeTarget.replaceChildren();
    this.writer = bundle.writer(this.placeTarget, {
      text: this.textTarget.value,
      label: labelled.trim(),
      describedBy: this.textTarget.getAttribute("aria-describedby") ?? "",
      words: { required: this.requiredValue, oneOf: this.oneOfValue },
      addresses: () => ({ kinds: this.kindsValue, names: this.namesValue }),
      namespace: () => this.namespace,
      changed: (text) => { this.tellForm(text); },
      moved: (line) => { this.at = line; this.show(); },
      check: (text, signal) => this.ask(text, signal),
      told: (documents) => { this.tell(documents); },
    });
    if (focused) this.writer.focus();
  }

  private async ask(text: string, signal: AbortSignal): Promise<Checked[] | undefined> {
    const token = this.form.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
    const body = new URLSearchParams({ text, namespace: this.namespace, edited: this.editedValue });
    const response = await fetch(this.checkValue, { method: "POST", body, signal, headers: { "X-CSRFToken": token } });
    return response.ok ? ((await response.json()) as { documents: Checked[] }).documents : undefined;
  }

  private tell(documents: Checked[] | undefined): void {
    this.element.classList.toggle("is-unchecked", documents === undefined);
    this.countTarget.textContent = documents === undefined ? this.awayValue : "";
    if (documents !== undefined) this.documents = documents;
    this.show();
  }

  private show(): void {
    outline(this.outlineTarget, this.documents, { at: this.at, line: this.lineValue, go: (line) => this.writer?.go(line) });
  }

  private get namespace(): string {
    const chosen = this.form.querySelector<HTMLSelectElement>("select[name=namespace]")?.value;
    return chosen ?? this.namespaceValue;
  }

  /** The form's own behaviours hear of it as if it were typed into the field. */
  private tellForm(text: string): void {
    this.textTarget.value = text;
    this.textTarget.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** The form itself, or a part of one. */
  private get form(): HTMLElement {
    return this.element.closest("form") ?? this.element;
  }

  private async take(files: File[]): Promise<void> {
    if (files.length === 0) return;
    this.problemTarget.replaceChildren();
    if (files.reduce((sum, file) => sum + file.size, 0) > this.mostValue) {
      this.say(this.problemTarget.dataset.tooLong ?? "");
      return;
    }
    const texts = await Promise.all(files.map((file) => file.text()));
    const text = texts.map((one) => one.replace(/^\uFEFF/, "")).join("\n---\n");
    this.textTarget.value = text;
    this.count();
    if (this.writer !== undefined) {
      this.writer.write(text);
      this.writer.focus();
    } else {
      this.textTarget.focus();
      this.textTarget.setSelectionRange(0, 0);
    }
  }

  /** Whole lines when several are selected or Shift is held; else spaces at the cursor. */
  private indent(back: boolean): void {
    const { selectionStart, selectionEnd, value } = this.textTarget;
    const selected = value.slice(selectionStart, selectionEnd);
    if (!back && !selected.includes("\n")) {
      this.insert(INDENT);
      return;
    }
    const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
    const lines = value.slice(start, selectionEnd).split("\n");
    const changed = lines.map((line) => (back ? line.replace(/^ {1,2}/, "") : INDENT + line)).join("\n");
    if (changed === lines.join("\n")) return;
    this.textTarget.setSelectionRange(start, selectionEnd);
    this.insert(changed);
    if (selected.includes("\n")) this.textTarget.setSelectionRange(start, start + changed.length);
  }

  private indentation(): string {
    const { selectionStart, value } = this.textTarget;
    const line = value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
    const spaces = /^ */.exec(line)?.[0] ?? "";
    return line.trimEnd().endsWith(":") ? spaces + INDENT : spaces;
  }

  /** As if typed, so that undo knows it; there is no other way to write into a textarea's history. */
  private insert(text: string): void {
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    if (document.execCommand("insertText", false, text)) return;
    this.textTarget.setRangeText(text, this.textTarget.selectionStart, this.textTarget.selectionEnd, "end");
    this.count();
  }

  private say(sentence: string): void {
    const item = document.createElement("li");
    item.textContent = sentence;
    this.problemTarget.replaceChildren(item);
  }
}
