// Finds elements, says what goes wrong, and lets a button do one thing at a time.

export function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is missing`);
  return found;
}

/** Brings what matters now into view; the keyboard goes on from there. */
export function reveal(element: HTMLElement): void {
  element.tabIndex = -1;
  element.scrollIntoView({ block: "start" });
  element.focus({ preventScroll: true });
}

const message = find("message", HTMLElement);

/** Do `work`; what goes wrong is said on the page. */
export async function tell(work: () => Promise<void>): Promise<void> {
  message.textContent = "";
  try {
    await work();
  } catch (error) {
    message.textContent = error instanceof Error ? error.message : String(error);
  }
}

/** Does `work` when a button is clicked or a form is sent. What is clicked meanwhile does nothing; the focus stays. */
export function on(element: HTMLButtonElement | HTMLFormElement, work: () => Promise<void>): void {
  element.addEventListener(element instanceof HTMLFormElement ? "submit" : "click", async (event) => {
    event.preventDefault();
    if (element.ariaBusy === "true") return;
    element.ariaBusy = "true";
    await tell(work);
    element.ariaBusy = "false";
  });
}
