#!/usr/bin/env -S bun --no-install
// A pi that hangs.
setInterval(() => {}, 1000);
process.on("SIGTERM", () => {});
