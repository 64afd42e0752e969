// The one error type that a caller may cause, and the one table from its codes to HTTP statuses.

const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  rate_limited: 429,
  internal: 500,
  upstream_failed: 502,
  unavailable: 503,
  timeout: 504,
  insufficient_storage: 507,
} as const;

export type ErrorCode = keyof typeof STATUS;
export type ErrorStatus = (typeof STATUS)[ErrorCode];

/** Throw it for what a caller can cause; the server answers `{error: message, code, ...details}`. */
export class ReefError extends Error {
  override readonly name = "ReefError";
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  get status(): ErrorStatus {
    return STATUS[this.code];
  }
}

export function statusOf(code: ErrorCode): ErrorStatus {
  return STATUS[code];
}

/** The code that stands for an HTTP status that somebody else chose. */
export function codeOf(status: number): ErrorCode {
  for (const [code, known] of Object.entries(STATUS)) if (known === status) return code as ErrorCode;
  return status >= 500 ? "internal" : "bad_request";
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
