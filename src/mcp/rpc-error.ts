// The failures that a JSON-RPC answer carries, and what becomes of whatever else was thrown.
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { ReefError } from "../core/errors.js";
import type { Log } from "../core/types.js";

/** MCP's own code, which the SDK has no name for. */
const RESOURCE_NOT_FOUND = -32002;

/** The SDK's own error class writes the code into the text, and its client does so once more. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: number, message: string, data?: Record<string, unknown>, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

export function invalidParams(message: string, data?: Record<string, unknown>): RpcError {
  return new RpcError(ErrorCode.InvalidParams, message, data);
}

export function methodNotFound(method: string): RpcError {
  return new RpcError(ErrorCode.MethodNotFound, `Method "${method}" not found`);
}

export function resourceNotFound(uri: string): RpcError {
  const known = "reef has reef://node/{id} and reef://task/{name}";
  return new RpcError(RESOURCE_NOT_FOUND, `Resource "${uri}" not found: ${known}`, { uri });
}

/** What the caller gets to see: the text of a ReefError, and of a fault of the server only that there was one. */
export function rpcErrorOf(error: unknown, log: Log): RpcError {
  if (error instanceof RpcError) return error;
  if (!(error instanceof ReefError)) {
    log.error("a request failed:", error);
    return new RpcError(ErrorCode.InternalError, "internal service error", undefined, { cause: error });
  }
  const { code, message, details } = error;
  const number = code === "bad_request" ? ErrorCode.InvalidParams : ErrorCode.InternalError;
  return new RpcError(number, message, { ...details, code }, { cause: error });
}
