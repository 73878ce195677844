/* Light, dark or as the system: kept in a cookie, so that the server renders it and nothing flashes.
   <form method="post" data-controller="theme"><button name="theme" value="dark" data-action="theme#choose:prevent" data-theme-target="choice">…</button></form> */
import { Controller } from "@hotwired/stimulus";

const YEAR = 31_536_000;

export default class Theme extends Controller<HTMLElement> {
  static override targets = ["choice"];
  declare readonly choiceTargets: HTMLButtonElement[];

  choose(event: Event): void {
    const theme = (event.currentTarget as HTMLButtonElement).value;
    document.documentElement.dataset.theme = theme;
    document.cookie = `cci_theme=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
    for (const choice of this.choiceTargets) choice.setAttribute("aria-pressed", String(choice.value === theme));
  }
}
