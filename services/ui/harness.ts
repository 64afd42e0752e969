// What the tests of the dashboard share: a server with it and a few services, and people who are signed in.
import { createTestHarness, type HarnessOptions, type RequestOptions } from "#core/testing.js";
import ui from "./index.js";

export type UiHarness = Awaited<ReturnType<typeof openHarness>>;

/** Asks as a browser that holds a cookie. */
export type Browser = (path: string, options?: RequestOptions) => Promise<Response>;

export async function openHarness({ services = [], ...options }: Partial<HarnessOptions> = {}) {
  const harness = await createTestHarness({ services: [ui, ...services], ...options });

  async function invite(): Promise<string> {
    const { data } = await harness.json("/auth/magic-link", { method: "POST", auth: true });
    return new URL(data.url).searchParams.get("token") ?? "";
  }

  async function signIn(): Promise<Browser> {
    const answer = await harness.fetch("/ui/login", { body: { token: await invite() } });
    return browserWith(cookieIn(answer));
  }

  function browserWith(cookie: string): Browser {
    return (path, { headers, ...request } = {}) =>
      harness.fetch(path, { ...request, headers: { ...headers, cookie } });
  }

  return { ...harness, invite, signIn, browserWith };
}

/** The first part of `Set-Cookie`, as a browser sends it back. */
export function cookieIn(answer: Response): string {
  return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

/** Status and message of a refusal, with its code. */
export async function refusalOf(answer: Response | Promise<Response>): Promise<unknown[]> {
  const { error, code } = (await (await answer).json()) as Record<string, unknown>;
  return [(await answer).status, error, code];
}
