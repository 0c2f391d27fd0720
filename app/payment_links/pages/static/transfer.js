// The page that says where to transfer the money. It is loaded again when something of the invoice has changed.

import { Changes, element } from "./service.js";

const page = element("main", HTMLElement).dataset;
const LONGEST_PAUSE_MS = 60_000;

async function follow() {
  const changes = new Changes(page.address ?? "");
  while (!(await changes.next(LONGEST_PAUSE_MS)));
  location.reload();
}

void follow();
