// What the server itself answers when something is wrong: the exact bodies, and the one way from whatever a module's
// handler threw to a response.
import type { Context } from "hono";
import { codeOf, type ErrorCode, ReefError, statusOf } from "./errors.js";
import { isJsonType } from "./media-type.js";

/** Thrown by what stands for a handler that failed elsewhere and was answered there. `cause` is what failed. */
export class AnsweredFailure extends Error {
  override readonly name = "AnsweredFailure";
  readonly answer: Response;

  constructor(answer: Response, cause: unknown) {
    super("a handler failed elsewhere", { cause });
    this.answer = answer;
  }
}

export function notFound(): Response {
  return exact("not_found", "not found");
}

export function unauthorized(why: "missing" | "invalid"): Response {
  const message = why === "missing" ? "missing Authorization header" : "invalid token";
  return exact("unauthorized", `Unauthorized — ${message}`, { "WWW-Authenticate": "Bearer" });
}

export function internalError(status = 500): Response {
  return exact("internal", "internal service error", {}, status);
}

/** `{error, code, ...details}`; `details.retryAfter` (seconds) also becomes the header. */
export function errorAnswer(error: ReefError): Response {
  const { code, message, details, status } = error;
  const headers: Record<string, string> = { "X-Reef-Error": code };
  if (code === "rate_limited" || details.retryAfter !== undefined) {
    headers["Retry-After"] = String(details.retryAfter ?? 1);
  }
  return Response.json({ ...details, error: message, code }, { status, headers });
}

/** The answer to what a caller can cause; undefined when it is the module's own failure. */
export async function answerCaused(error: unknown, c: Context): Promise<Response | undefined> {
  if (error instanceof ReefError) return errorAnswer(error);
  if (isHttpException(error))
    return error.res ? error.getResponse() : answerStatus(error.status, error.message);
  if (error instanceof SyntaxError && (await isAboutTheBody(error, c))) {
    return errorAnswer(new ReefError("bad_request", "Invalid JSON body", {}, { cause: error }));
  }
  return undefined;
}

/** What a handler answered, when it is an answer that can be sent. Throws TypeError else. */
export function sendable(answer: unknown): Response {
  if (!(answer instanceof Response))
    throw new TypeError(`A handler must answer with a Response. Received: ${typeof answer}`);
  if (answer.bodyUsed) throw new TypeError("A handler answered with a Response that was sent before.");
  return answer;
}

/** What a module answers goes out unchanged, except that a failure never shows more than a failure should. */
export function isUnreadableFailure(response: Response): boolean {
  return response.status >= 500 && !isJsonType(response.headers.get("content-type"));
}

/** Ends a stream that nobody will read. One that somebody else already reads is theirs to end. */
export async function discardBody({ body }: Response): Promise<void> {
  if (body && !body.locked) await body.cancel();
}

function exact(
  code: ErrorCode,
  error: string,
  headers: Record<string, string> = {},
  status: number = statusOf(code),
): Response {
  return Response.json({ error }, { status, headers: { "X-Reef-Error": code, ...headers } });
}

function answerStatus(status: number, message: string): Response {
  const code = codeOf(status);
  const error = message || code.replaceAll("_", " ");
  return Response.json({ error, code }, { status, headers: { "X-Reef-Error": code } });
}

interface HttpException {
  status: number;
  message: string;
  res?: Response;
  getResponse(): Response;
}

/** Hono's HTTPException, told by its shape: a plugin may have thrown that of another copy of hono. */
function isHttpException(error: unknown): error is HttpException {
  return (
    error instanceof Error && "getResponse" in error && "status" in error && typeof error.status === "number"
  );
}

/**
 * True when `error` is how the request's body fails to parse, rather than some other text that the handler parsed:
 * hono keeps the body's text, so parsing it again gives the same message.
 */
async function isAboutTheBody(error: SyntaxError, c: Context): Promise<boolean> {
  const { text } = c.req.bodyCache;
  if (text === undefined) return c.req.raw.bodyUsed;
  try {
    JSON.parse(await text);
    return false;
  } catch (again) {
    return again instanceof Error && again.message === error.message;
  }
}
