#!/usr/bin/env -S bun --no-install
// A pi that floods.
const line = `${"x".repeat(10_000)}\n`;
const flood = () => process.stdout.write(line.repeat(10), flood);
flood();
