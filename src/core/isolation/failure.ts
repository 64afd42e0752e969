// Errors as JSON and back, so that what is thrown on one side of the socket is caught on the other: a ReefError as a
// ReefError, with its code, and any error with the stack of the place where it happened.
import { type ErrorCode, ReefError } from "../errors.js";
import { jsonFields } from "./json.js";

export interface Failure {
  /** Of an Error. Absent: something else was thrown, and `message` is its text. */
  name?: string;
  message: string;
  stack?: string;
  code?: ErrorCode;
  details?: Record<string, unknown>;
  cause?: Failure;
  /** What else the error carries that is plain: the `status` of a call to the API, the `code` of a system error. */
  fields?: Record<string, unknown>;
}

/** A chain of causes is cut there, for it may be a ring. */
const CAUSES_MAX = 8;

export function packFailure(error: unknown, depth = 0): Failure {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const packed: Failure = { name, message, ...(stack === undefined ? {} : { stack }) };
  if (cause !== undefined && depth < CAUSES_MAX) packed.cause = packFailure(cause, depth + 1);
  if (error instanceof ReefError) return { ...packed, code: error.code, details: jsonFields(error.details) };
  return { ...packed, fields: jsonFields(error) };
}

export function unpackFailure(failure: Failure): unknown {
  const { name, message, stack, code, details, cause, fields } = failure;
  if (name === undefined) return message;
  const options = cause === undefined ? {} : { cause: unpackFailure(cause) };
  const error = code ? new ReefError(code, message, details, options) : new Error(message, options);
  if (!code) Object.assign(error, fields, { name });
  return Object.assign(error, stack === undefined ? {} : { stack });
}
