// As whom the page asks: with the viewer's session at the dashboard where there is one, else with a token that is typed
// in and kept in memory only.
import { find } from "./dom.client.js";

export interface Access {
  /** Where a request for `path` goes, and with which headers. */
  request(path: string): Promise<{ url: string; headers: Record<string, string> }>;
  /** After a 401: the session may be over, and a token is wanted. Returns what to tell the viewer. */
  refused(): string;
}

const SESSION = "/ui/session";
const PROXY = "/ui/api";

export function createAccess(): Access {
  const page = document.body.dataset;
  const box = find("details.access", HTMLDetailsElement);
  const input = find("#token", HTMLInputElement);
  let session: Promise<boolean> | undefined;

  const hasSession = () => {
    session ??= page.dashboard === "true" ? askSession() : Promise.resolve(false);
    return session;
  };
  const show = (isSignedIn: boolean) =>
    describe(box, wording(isSignedIn, page.needsToken === "true", input.value));

  box.hidden = false;
  show(false);
  input.addEventListener("input", () => show(false));
  box.addEventListener("toggle", async () => box.open && show(await hasSession()));
  closeOnLeave(box);

  return {
    async request(path) {
      const isSignedIn = await hasSession();
      show(isSignedIn);
      if (isSignedIn) return { url: PROXY + path, headers: {} };
      return { url: path, headers: bearer(input.value.trim()) };
    },
    refused() {
      session = undefined;
      // Signed in, the page hides the field that the token goes into.
      show(false);
      box.open = true;
      input.focus();
      return "This route needs a token. Type one in at the top of the page, then send again.";
    },
  };
}

function bearer(token: string): Record<string, string> {
  return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

/** A network that fails says nothing about a session: the request itself will tell. */
async function askSession(): Promise<boolean> {
  const answer = await fetch(SESSION, { cache: "no-store" }).catch(() => undefined);
  return answer?.status === 200;
}

interface Wording {
  title: string;
  text: string;
  wantsToken: boolean;
}

function wording(isSignedIn: boolean, needsToken: boolean, token: string): Wording {
  if (isSignedIn) {
    return {
      title: "Signed in",
      text: "Requests go out with your session at the dashboard.",
      wantsToken: false,
    };
  }
  if (!needsToken) {
    const text = "This reef has no token: whoever is on its machine may call it.";
    return { title: "No token needed", text, wantsToken: false };
  }
  const text = "Requests go out with this token. Open routes need none.";
  return { title: token.trim() === "" ? "Token: none" : "Token: set", text, wantsToken: true };
}

function describe(box: HTMLDetailsElement, { title, text, wantsToken }: Wording): void {
  find("summary", HTMLElement, box).textContent = title;
  find("p", HTMLElement, box).textContent = text;
  box.toggleAttribute("data-wants-token", wantsToken);
}

function closeOnLeave(box: HTMLDetailsElement): void {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Node && !box.contains(event.target)) box.open = false;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    box.open = false;
    find("summary", HTMLElement, box).focus();
  });
}
