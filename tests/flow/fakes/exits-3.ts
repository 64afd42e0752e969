#!/usr/bin/env -S bun --no-install
// A pi that exits 3.
console.error("out of cheese");
process.exit(3);
