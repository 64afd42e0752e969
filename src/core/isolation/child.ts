// The program of a process in which one service runs: connects to the server that has started it, and ends with it.
import { writeFileSync } from "node:fs";
import { serviceCarrier } from "./carrier.js";
import { packFailure } from "./failure.js";
import { createGuest, type ServerPeer } from "./guest.js";
import { Peer } from "./peer.js";

/** When the machine has no memory left, a service goes before the server does (from -1000 to 1000). */
const OOM_SCORE = "500";

const connection: { socket?: Bun.Socket } = {};
const guest = createGuest(() => server);
const server: ServerPeer = new Peer({
  side: "service",
  carrier: serviceCarrier(),
  ...guest,
  write: (bytes) => connection.socket?.write(bytes) ?? 0,
  broken: endAll,
});

/** What nobody caught is told, and ends nothing: as in the server. */
function onFault(error: unknown): void {
  server.tell("fault", packFailure(error));
}

/** Whatever was started here is in the same group. */
function endAll(): void {
  process.kill(-process.pid, "SIGKILL");
}

/** Where that can be said at all. */
function volunteerForOom(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", OOM_SCORE);
  } catch (error) {
    if (process.platform === "linux") server.tell("log", { level: "debug", text: String(error) });
  }
}

process.on("uncaughtException", onFault).on("unhandledRejection", onFault);
volunteerForOom();
try {
  connection.socket = await Bun.connect({
    unix: process.argv[2] ?? "",
    socket: {
      data: (_socket, bytes) => server.received(bytes),
      drain: () => server.drained(),
      close: endAll,
      error: endAll,
    },
  });
  server.flush();
} catch (error) {
  console.error("the server is not there:", error);
  process.exit(1);
}
