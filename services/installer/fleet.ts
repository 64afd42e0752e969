// Another reef as a source: checks where its name leads, connects to what was checked and to nothing else, and reads the
// export of one service.
import { promises as dns, type LookupAddress } from "node:dns";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { messageOf, ReefError } from "#core/errors.js";
import { refused } from "#core/http.js";
import type { ServiceContext } from "#core/types.js";
import { type Reach, reachOf } from "./address.js";

const PROBLEM_CHARS_MAX = 300;
const PROBLEM_BYTES_MAX = 16 * 1024;

type Settings = Pick<ServiceContext["config"], "token" | "host" | "fleetHosts">;

export interface ExportRequest {
  /** As `parseOrigin` gave it. */
  from: URL;
  name: string;
  /** For this host and this request only. */
  token?: string;
  signal: AbortSignal;
}

/** `http(s)://host[:port]`; the message never repeats the text, which may hold a password. */
export function parseOrigin(from: string): URL {
  const url = /^https?:\/\/[^/?#@\\\s]+\/?$/i.test(from) ? URL.parse(from) : null;
  if (!url?.hostname) throw refused("from must be http(s)://host[:port], without credentials, path or query");
  return url;
}

/** Resolves to the archive as it arrives. Rejects `bad_request` when the other side is not allowed or does not give it. */
export async function requestExport(
  { from, name, token, signal }: ExportRequest,
  settings: Settings,
  resolve = (host: string): Promise<LookupAddress[]> => dns.lookup(host, { all: true }),
): Promise<IncomingMessage> {
  const addresses = await checkedAddresses(from, settings, resolve);
  const request = from.protocol === "https:" ? httpsRequest : httpRequest;
  const sent = request({
    hostname: hostOf(from),
    port: from.port || undefined,
    path: `/services/export/${encodeURIComponent(name)}`,
    headers: { "Accept-Encoding": "identity", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    lookup: pinnedTo(addresses),
    // A kept connection might be another's, made for another address.
    agent: false,
    signal,
  });
  const response = await answerTo(sent, from);
  if (response.statusCode === 200) return response;
  throw await problemOf(response, from);
}

/** Also for a named host the name is looked up once, so that every try goes to the same place. */
async function checkedAddresses(
  from: URL,
  settings: Settings,
  resolve: (host: string) => Promise<LookupAddress[]>,
): Promise<LookupAddress[]> {
  const host = hostOf(from);
  const family = isIP(host);
  const addresses = family ? [{ address: host, family }] : await lookUp(host, resolve);
  const isAllowed = (reach: Reach) =>
    reach === "public" || (reach === "loopback" && isBoundToLoopback(settings));
  const isNamed = settings.fleetHosts.some((named) => namesHost(named, from));
  if (isNamed || addresses.every(({ address }) => isAllowed(reachOf(address)))) return addresses;
  throw refused(`Address not allowed: ${from.hostname}`);
}

async function lookUp(
  host: string,
  resolve: (host: string) => Promise<LookupAddress[]>,
): Promise<LookupAddress[]> {
  try {
    const addresses = await resolve(host);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    throw new ReefError("bad_request", `Cannot resolve ${host}: ${messageOf(error)}`, {}, { cause: error });
  }
  throw refused(`Cannot resolve ${host}`);
}

/** What reef binds when nobody says depends on whether it has a token (spec §1.3). */
function isBoundToLoopback({ token, host }: Settings): boolean {
  if (host === undefined) return token === undefined;
  return host.toLowerCase() === "localhost" || reachOf(host) === "loopback";
}

function namesHost(named: string, from: URL): boolean {
  const url = URL.parse(`${from.protocol}//${named}`) ?? URL.parse(`${from.protocol}//[${named}]`);
  const hasPort = /:\d+$/.test(named) && isIP(named) === 0;
  return url?.hostname === from.hostname && (!hasPort || url.port === from.port);
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Answers whatever is asked with what was checked. */
function pinnedTo(addresses: LookupAddress[]): LookupFunction {
  const [first] = addresses;
  return (_host, { all }, done) => {
    if (all) done(null, addresses);
    else done(null, first?.address ?? "", first?.family);
  };
}

function answerTo(sent: ReturnType<typeof httpRequest>, from: URL): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.on("response", resolve);
  sent.on("error", (error) => {
    reject(
      new ReefError("bad_request", `Cannot reach ${from.host}: ${messageOf(error)}`, {}, { cause: error }),
    );
  });
  sent.end();
  return promise;
}

async function problemOf(response: IncomingMessage, from: URL): Promise<ReefError> {
  const { statusCode = 0 } = response;
  if (statusCode >= 300 && statusCode < 400) {
    response.destroy();
    return refused(`${from.host} answered with a redirect (${statusCode}), which is not followed`);
  }
  const said = await errorText(response);
  return refused(`${from.host} answered ${statusCode}${said === "" ? "" : `: ${said}`}`);
}

async function errorText(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += chunk;
    if (text.length > PROBLEM_BYTES_MAX) break;
  }
  return errorIn(text).slice(0, PROBLEM_CHARS_MAX);
}

/** As reef words it; empty for an answer of any other form. */
function errorIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    return Value.Check(Refusal, body) ? body.error : "";
  } catch (error) {
    if (error instanceof SyntaxError) return "";
    throw error;
  }
}

const Refusal = Type.Object({ error: Type.String() });
