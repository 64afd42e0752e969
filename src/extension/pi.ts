// What the compiled pi starts with: pi's own main, with reef's extension inside.
import { main } from "@mariozechner/pi-coding-agent";
import extension from "./index.js";

process.title = "pi";
process.env.PI_CODING_AGENT = "true";
process.emitWarning = () => {};
void main(process.argv.slice(2), { extensionFactories: [extension] });
