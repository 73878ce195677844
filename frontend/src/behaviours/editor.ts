/* A textarea for YAML: line numbers, Tab and Shift+Tab indent, Enter keeps the indentation, a chosen file becomes the
   text, a line can be gone to. Esc gives the next Tab back to the keyboard's user.
   <form data-controller="editor" data-editor-most-value="3145728"><pre data-editor-target="lines"></pre>
     <textarea data-editor-target="text" data-action="keydown->editor#key input->editor#count scroll->editor#scroll"></textarea>
     <input type="file" data-editor-target="file" data-action="editor#open"><ul data-editor-target="problem" data-too-long="…"></ul>
     <a data-action="editor#go:prevent" data-editor-line-param="12">line 12</a></form> */
import { Controller } from "@hotwired/stimulus";

const INDENT = "  ";
const MOST_NUMBERED = 20_000;

export default class Editor extends Controller<HTMLFormElement> {
  static override targets = ["text", "lines", "file", "problem"];
  static override values = { most: Number };
  declare readonly textTarget: HTMLTextAreaElement;
  declare readonly linesTarget: HTMLElement;
  declare readonly fileTarget: HTMLInputElement;
  declare readonly problemTarget: HTMLElement;
  declare readonly mostValue: number;
  private leaving = false;

  private readonly answered = (): void => { this.count(); };

  override connect(): void {
    this.count();
    document.addEventListener("htmx:afterSettle", this.answered);
  }

  override disconnect(): void {
    document.removeEventListener("htmx:afterSettle", this.answered);
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
    const file = this.fileTarget.files?.[0];
    if (file === undefined) return;
    this.problemTarget.replaceChildren();
    if (file.size > this.mostValue) {
      this.say(this.problemTarget.dataset.tooLong ?? "");
    } else {
      this.textTarget.value = await file.text();
      this.count();
      this.textTarget.focus();
      this.textTarget.setSelectionRange(0, 0);
    }
    this.fileTarget.value = "";
  }

  go({ params }: { params: { line: number } }): void {
    const before = this.textTarget.value.split("\n").slice(0, params.line - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    const end = this.textTarget.value.indexOf("\n", start);
    this.textTarget.focus();
    this.textTarget.setSelectionRange(start, end < 0 ? this.textTarget.value.length : end);
    const height = this.textTarget.scrollHeight / (this.textTarget.value.split("\n").length + 1);
    this.textTarget.scrollTop = Math.max(0, (params.line - 4) * height);
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
