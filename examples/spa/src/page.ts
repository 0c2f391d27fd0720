// Finds elements, and says what goes wrong.

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
