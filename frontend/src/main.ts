/* Starts the console's behaviours. Each is a Stimulus controller that attaches when its element appears and lets go
   when it leaves, whether the page, htmx or the socket put it there. Pages read and send forms without any of this. */
import { Application } from "@hotwired/stimulus";
import { startNavigation } from "./navigation";
import Age from "./behaviours/age";
import Clipboard from "./behaviours/clipboard";
import Confirm from "./behaviours/confirm";
import Dialog from "./behaviours/dialog";
import Drawer from "./behaviours/drawer";
import Editor from "./behaviours/editor";
import Filter from "./behaviours/filter";
import Form from "./behaviours/form";
import Live from "./behaviours/live";
import Log from "./behaviours/log";
import Menu from "./behaviours/menu";
import Palette from "./behaviours/palette";
import Picks from "./behaviours/picks";
import Print from "./behaviours/print";
import Quote from "./behaviours/quote";
import Sheet from "./behaviours/sheet";
import Terminals from "./behaviours/terminal";
import Theme from "./behaviours/theme";
import Tick from "./behaviours/tick";
import Toast from "./behaviours/toast";

const application = Application.start();
application.register("age", Age);
application.register("clipboard", Clipboard);
application.register("confirm", Confirm);
application.register("dialog", Dialog);
application.register("drawer", Drawer);
application.register("editor", Editor);
application.register("filter", Filter);
application.register("form", Form);
application.register("live", Live);
application.register("log", Log);
application.register("menu", Menu);
application.register("palette", Palette);
application.register("picks", Picks);
application.register("print", Print);
application.register("quote", Quote);
application.register("sheet", Sheet);
application.register("terminal", Terminals);
application.register("theme", Theme);
application.register("tick", Tick);
application.register("toast", Toast);

startNavigation();
document.documentElement.classList.add("has-script");
