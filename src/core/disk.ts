// Tells a failing disk from every other error, so that a client gets 507 `storage unavailable` for it and only for it.
import { ReefError } from "./errors.js";

const DISK_CODES =
  /^(ENOSPC|EDQUOT|EROFS|EIO|SQLITE_FULL|SQLITE_IOERR.*|SQLITE_READONLY.*|SQLITE_CANTOPEN.*)$/;

/** The ReefError that stands for a full, read-only or broken disk; undefined for any other error. */
export function diskError(error: unknown): ReefError | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  if (!DISK_CODES.test(code)) return undefined;
  return new ReefError("insufficient_storage", "storage unavailable", {}, { cause: error });
}
