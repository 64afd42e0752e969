// Calls to reef, through the dashboard's own way in. A refusal is an ApiError with the server's message; no network is a
// TypeError, as fetch has it.

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, message: string, body: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Where other parts hear that the session is over. */
export const sessionEnds = new EventTarget();

export interface CallOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** JSON in, JSON out; `path` as the service knows it, such as `/reef/tasks`. */
export async function api<T>(
  method: string,
  path: string,
  body?: unknown,
  { signal, headers = {} }: CallOptions = {},
): Promise<T> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const type: Record<string, string> = json === undefined ? {} : { "content-type": "application/json" };
  const response = await send(path, { method, signal, body: json, headers: { ...type, ...headers } });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** The answer itself, for streams and text. Rejects for everything but 2xx. */
export function send(path: string, init: RequestInit = {}): Promise<Response> {
  return ask(`/ui/api${path}`, init);
}

/** The same for the dashboard's own routes. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  if (response.status === 401) sessionEnds.dispatchEvent(new Event("end"));
  throw await refusal(response);
}

/** True when nobody answered: what was asked may be asked again. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 401 || error.status >= 500;
  return error instanceof TypeError;
}

export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "the server cannot be reached";
  return error instanceof Error ? error.message : String(error);
}

async function refusal(response: Response): Promise<ApiError> {
  const body = parsed(await response.text());
  const message = typeof body.error === "string" ? body.error : `The server answered ${response.status}`;
  return new ApiError(response.status, message, body);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
