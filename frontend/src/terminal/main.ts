/* The terminal's own bundle, loaded by the pages that show one (behaviours/terminal.ts). */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

export interface Screen {
  terminal: Terminal;
  fit(): void;
}

/** A terminal in `place`, in the colours of the page. */
export function screen(place: HTMLElement): Screen {
  const colours = getComputedStyle(place);
  const terminal = new Terminal({
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    fontFamily: colours.fontFamily,
    fontSize: 13,
    scrollback: 5000,
    screenReaderMode: false,
    theme: { background: colours.backgroundColor, foreground: colours.color, cursor: colours.color },
  });
  const fitting = new FitAddon();
  terminal.loadAddon(fitting);
  terminal.open(place);
  fitting.fit();
  return { terminal, fit: () => { fitting.fit(); } };
}
