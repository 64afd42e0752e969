#!/usr/bin/env -S bun --no-install
// A pi that exits 0.
process.exit(0);
