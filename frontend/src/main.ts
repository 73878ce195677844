/* Starts the console's behaviours. Each is a Stimulus controller that attaches when its element appears and lets go
   when it leaves, whether the page, htmx or the socket put it there. Pages read and send forms without any of this. */
import { Application, Controller, type ControllerConstructor } from "@hotwired/stimulus";
import { tendDrafts } from "./drafts";
import { startNavigation } from "./navigation";
import Age from "./behaviours/age";
import Clipboard from "./behaviours/clipboard";
import Confirm from "./behaviours/confirm";
import Dialog from "./behaviours/dialog";
import Drawer from "./behaviours/drawer";
import Filter from "./behaviours/filter";
import Form from "./behaviours/form";
import Keys from "./behaviours/keys";
import Live from "./behaviours/live";
import Menu from "./behaviours/menu";
import Palette from "./behaviours/palette";
import Print from "./behaviours/print";
import Quote from "./behaviours/quote";
import Sheet from "./behaviours/sheet";
import Theme from "./behaviours/theme";
import Tick from "./behaviours/tick";
import Toast from "./behaviours/toast";

const application = Application.start();
application.register("age", Age);
application.register("clipboard", Clipboard);
application.register("confirm", Confirm);
application.register("dialog", Dialog);
application.register("drawer", Drawer);
application.register("filter", Filter);
application.register("form", Form);
application.register("keys", Keys);
application.register("live", Live);
application.register("menu", Menu);
application.register("palette", Palette);
application.register("print", Print);
application.register("quote", Quote);
application.register("sheet", Sheet);
application.register("theme", Theme);
application.register("tick", Tick);
application.register("toast", Toast);

later("curve", () => import("./behaviours/curve"));
later("editor", () => import("./behaviours/editor"));
later("log", () => import("./behaviours/log"));
later("picks", () => import("./behaviours/picks"));
later("terminal", () => import("./behaviours/terminal"));

startNavigation();
tendDrafts();
document.documentElement.classList.add("has-script");

/** A behaviour of few pages: its script comes when the first element that has it does, and takes its own place. */
function later(name: string, load: () => Promise<{ default: ControllerConstructor }>): void {
  application.register(name, class extends Controller {
    override connect(): void {
      void load().then((found) => { application.register(name, found.default); });
    }
  });
}
