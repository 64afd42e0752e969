// Without a server token every program on this machine may call, so these checks keep out the web pages that its
// browsers show: a foreign Host (DNS rebinding) and a foreign Origin.
import { ReefError } from "./errors.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Throws `forbidden` unless the request is for this machine under a name that it may have; any port. */
export function createHostCheck(allowedHosts: readonly string[]): (request: Request) => void {
  const allowed = new Set([...LOOPBACK, ...allowedHosts.map(asInHeader)]);
  return (request) => {
    const name = withoutPort(hostOf(request).toLowerCase());
    if (!allowed.has(name)) throw new ReefError("forbidden", "Host not allowed");
  };
}

/** Throws `forbidden` for what a page of another origin sends. `isPublic`: the route is one of `publicRoutes`. */
export function checkOrigin(request: Request, isPublic: boolean): void {
  const origin = request.headers.get("origin");
  if (isPublic && (origin === null || origin === "null")) return;
  if (origin !== null && origin !== ownOrigin(request))
    throw new ReefError("forbidden", "Origin not allowed");
  if (!isPublic && !isSameSite(request)) throw new ReefError("forbidden", "Origin not allowed");
}

/** An IPv6 address stands in brackets in a `Host` header. */
function asInHeader(name: string): string {
  const lower = name.toLowerCase();
  return lower.includes(":") && !lower.startsWith("[") ? `[${lower}]` : lower;
}

function isSameSite(request: Request): boolean {
  const { headers, method } = request;
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return true;
  const topLevel =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  return topLevel && method === "GET";
}

function ownOrigin(request: Request): string | undefined {
  const protocol = request.url.slice(0, request.url.indexOf(":"));
  return URL.parse(`${protocol}://${hostOf(request)}`)?.origin;
}

function hostOf(request: Request): string {
  return request.headers.get("host") ?? new URL(request.url).host;
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, "");
}
