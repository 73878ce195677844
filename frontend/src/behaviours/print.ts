/* Opens the browser's print dialog, which saves a PDF as well: <button data-controller="print" data-action="print#now">Print</button> */
import { Controller } from "@hotwired/stimulus";

export default class Print extends Controller {
  now(): void {
    window.print();
  }
}
